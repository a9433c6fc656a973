import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Gate, gatedBank, ReferenceBank } from '../src/index.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** A bank whose entries read as they were saved. */
const reference = () => new ReferenceBank(new Map(), { versions: 'payload' })
const entry = (payload: string) => ({ payload, expires: null })

describe('a gate', () => {
  it('makes callers wait until their name is released, in the order of the releases', async () => {
    const gate = new Gate()
    const seen: string[] = []
    const callers = ['a', 'b', 'c'].map((name) => gate.pass(name).then(() => seen.push(name)))
    await gate.arrived('a', 'b', 'c')
    assert.deepEqual(seen, [])
    for (const name of ['c', 'a', 'b']) {
      gate.release(name)
      await turn()
    }
    await Promise.all(callers)
    assert.deepEqual(seen, ['c', 'a', 'b'])
  })

  it('lets callers pass at once after the release, and reports an arrival of before', async () => {
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
    const bank = gatedBank(reference())
    await bank.save('id', entry('a'))
    assert.deepEqual(await bank.read('id'), entry('a'))
    assert.equal(await bank.swap!('id', 'a', entry('b'), Date.now()), 'b')
    const ids: string[] = []
    for await (const [id] of bank.scan!()) ids.push(id)
    assert.deepEqual(ids, ['id'])
    assert.equal(bank.calls('save'), 1)
    assert.equal(bank.calls('delete'), 0)
    const { read, save, delete: remove } = reference()
    assert.equal(gatedBank({ read, save, delete: remove }).swap, undefined)
  })

  it('holds calls until they are released, in any order', async () => {
    const inner = reference()
    const bank = gatedBank(inner)
    bank.hold('save')
    const saves = ['a', 'b'].map((payload) => bank.save('id', entry(payload)))
    const [first, second] = [await bank.held('save'), await bank.held('save')]
    assert.deepEqual(first.args, ['id', entry('a')])
    await turn()
    assert.equal(await inner.read('id'), null, 'the bank was called')
    await second.release()
    assert.deepEqual(await inner.read('id'), entry('b'))
    await first.release()
    await Promise.all(saves)
    assert.deepEqual(await inner.read('id'), entry('a'))
  })

  it('returns a call that comes later', async () => {
    const bank = gatedBank(reference())
    bank.hold('read')
    const coming = bank.held('read')
    const read = bank.read('id')
    await (await coming).release()
    assert.equal(await read, null)
  })

  it('keeps the result of a performed call back', async () => {
    const inner = reference()
    const bank = gatedBank(inner)
    bank.hold('save')
    let isSettled = false
    const save = bank.save('id', entry('a')).then(() => {
      isSettled = true
    })
    const call = await bank.held('save')
    await call.perform()
    assert.deepEqual(await inner.read('id'), entry('a'))
    assert.equal(isSettled, false)
    await call.release()
    await save
  })

  it('rejects a call, before or after the bank was called', async () => {
    const inner = reference()
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

  it('rejects with the error of the bank', async () => {
    const inner = reference()
    await inner.close()
    const bank = gatedBank(inner)
    bank.hold('read')
    const read = bank.read('id')
    await (await bank.held('read')).release()
    await assert.rejects(read, { code: 'DATABANK_CLOSED' })
  })

  it('releases all calls at once', async () => {
    const bank = gatedBank(reference())
    bank.hold('save', 'read')
    const calls = [bank.save('id', entry('a')), bank.read('id')]
    bank.releaseAll()
    await Promise.all(calls)
    await bank.save('id', entry('b'))
  })

  it('never calls the bank for a call that it has rejected', async () => {
    const inner = reference()
    const bank = gatedBank(inner)
    bank.hold('save')
    const failed = bank.save('id', entry('a'))
    const pending = bank.save('other', entry('b'))
    ;(await bank.held('save')).fail(new Error('connection lost'))
    bank.releaseAll()
    await assert.rejects(failed, /connection lost/)
    await pending
    assert.equal(await inner.read('id'), null)
  })
})
