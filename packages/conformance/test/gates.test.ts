import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Gate, gatedBank } from '../src/index.ts'
import { ReferenceBank } from './fixtures/reference-bank.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const entry = (payload: string) => ({ payload, expires: null })

describe('a gate', () => {
  it('holds who passes until the name is released, in the order of the releases', async () => {
    const gate = new Gate()
    const seen: string[] = []
    const walks = ['a', 'b', 'c'].map((name) => gate.pass(name).then(() => seen.push(name)))
    await gate.arrived('a', 'b', 'c')
    assert.deepEqual(seen, [])
    for (const name of ['c', 'a', 'b']) {
      gate.release(name)
      await turn()
    }
    await Promise.all(walks)
    assert.deepEqual(seen, ['c', 'a', 'b'])
  })

  it('lets everybody pass who comes after the release, and tells of who came before it was asked', async () => {
    const gate = new Gate()
    gate.release('a')
    await gate.pass('a')
    await gate.arrived('a')
    const waiting = gate.pass('b')
    await gate.arrived('b')
    gate.releaseAll()
    await waiting
  })
})

describe('a gated bank', () => {
  it('passes every call on while nothing is held, and has the methods of its bank only', async () => {
    const bank = gatedBank(new ReferenceBank())
    await bank.save('id', entry('a'))
    assert.deepEqual(await bank.read('id'), entry('a'))
    assert.equal(await bank.swap!('id', 'a', entry('b')), true)
    const ids: string[] = []
    for await (const [id] of bank.scan!()) ids.push(id)
    assert.deepEqual(ids, ['id'])
    assert.equal(bank.calls('save'), 1)
    assert.equal(bank.calls('delete'), 0)
    const { read, save, delete: remove } = new ReferenceBank()
    assert.equal(gatedBank({ read, save, delete: remove }).swap, undefined)
  })

  it('holds calls until they are released, in any order', async () => {
    const inner = new ReferenceBank()
    const bank = gatedBank(inner)
    bank.hold('save')
    const saves = ['a', 'b'].map((payload) => bank.save('id', entry(payload)))
    const [first, second] = [await bank.held('save'), await bank.held('save')]
    assert.deepEqual(first.args, ['id', entry('a')])
    await turn()
    assert.equal(await inner.read('id'), null, 'a held call has happened')
    await second.release()
    assert.deepEqual(await inner.read('id'), entry('b'))
    await first.release()
    await Promise.all(saves)
    assert.deepEqual(await inner.read('id'), entry('a'))
  })

  it('tells of a call that comes after it was asked for', async () => {
    const bank = gatedBank(new ReferenceBank())
    bank.hold('read')
    const coming = bank.held('read')
    const read = bank.read('id')
    await (await coming).release()
    assert.equal(await read, null)
  })

  it('keeps back the answer of what it has done', async () => {
    const inner = new ReferenceBank()
    const bank = gatedBank(inner)
    bank.hold('save')
    let isAnswered = false
    const save = bank.save('id', entry('a')).then(() => {
      isAnswered = true
    })
    const call = await bank.held('save')
    await call.perform()
    assert.deepEqual(await inner.read('id'), entry('a'))
    assert.equal(isAnswered, false)
    await call.release()
    await save
  })

  it('fails a call, before or after it has happened', async () => {
    const inner = new ReferenceBank()
    const bank = gatedBank(inner)
    bank.hold('save')
    for (const isPerformed of [false, true]) {
      const save = bank.save('id', entry('a'))
      const call = await bank.held('save')
      if (isPerformed) await call.perform()
      call.fail(new Error('connection lost'))
      await assert.rejects(save, /connection lost/)
      assert.equal((await inner.read('id')) !== null, isPerformed)
    }
  })

  it('hands on what the bank rejects with', async () => {
    const inner = new ReferenceBank()
    await inner.close()
    const bank = gatedBank(inner)
    bank.hold('read')
    const read = bank.read('id')
    await (await bank.held('read')).release()
    await assert.rejects(read, { code: 'DATABANK_CLOSED' })
  })

  it('lets everything go at once', async () => {
    const bank = gatedBank(new ReferenceBank())
    bank.hold('save', 'read')
    const calls = [bank.save('id', entry('a')), bank.read('id')]
    bank.letGo()
    await Promise.all(calls)
    await bank.save('id', entry('b'))
  })

  it('never does what it has failed', async () => {
    const inner = new ReferenceBank()
    const bank = gatedBank(inner)
    bank.hold('save')
    const failed = bank.save('id', entry('a'))
    const standing = bank.save('other', entry('b'))
    ;(await bank.held('save')).fail(new Error('connection lost'))
    bank.letGo()
    await assert.rejects(failed, /connection lost/)
    await standing
    assert.equal(await inner.read('id'), null)
  })
})
