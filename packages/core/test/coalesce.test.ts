import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it, vi } from 'vitest'
import { BANK_METHODS, type Bank, type Entry, type Stored, type Touch } from '../src/bank.ts'
import { DatabankError } from '../src/errors.ts'
import { coalesce } from '../src/layers/coalesce.ts'
import { threeMethods } from './helpers.ts'

interface Call {
  readonly name: string
  readonly ids: readonly string[]
  answer(): void
  fail(error: unknown): void
}

/** A bank that records its calls, and does its work and answers when the test says so. */
class HeldBank implements Bank {
  readonly entries = new Map<string, Entry>()
  readonly calls: Call[] = []
  readonly poisoned = new Set<string>()
  /** The `now` of each touch. */
  readonly times: number[] = []
  closed = false

  #held<T>(name: string, ids: readonly string[], act: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const answer = () => {
        if (ids.some((id) => this.poisoned.has(id))) reject(new DatabankError('DATABANK_INVALID_RECORD', `cannot serve ${ids}`))
        else resolve(act())
      }
      this.calls.push({ name, ids, answer, fail: reject })
    })
  }

  #touch(id: string, expires: number | null) {
    const entry = this.entries.get(id)
    if (entry !== undefined) this.entries.set(id, { ...entry, expires })
  }

  read(id: string) {
    return this.#held('read', [id], () => this.entries.get(id) ?? null)
  }
  save(id: string, entry: Entry) {
    return this.#held('save', [id], () => void this.entries.set(id, entry))
  }
  delete(id: string) {
    return this.#held('delete', [id], () => this.entries.delete(id))
  }
  swap(id: string, _expected: string | null, entry: Entry) {
    return this.#held('swap', [id], () => {
      this.entries.set(id, entry)
      return entry.payload
    })
  }
  touch(id: string, expires: number | null, now: number) {
    this.times.push(now)
    return this.#held('touch', [id], () => this.#touch(id, expires))
  }
  readMany(ids: readonly string[]) {
    return this.#held('readMany', ids, () => ids.map((id) => this.entries.get(id) ?? null))
  }
  touchMany(touches: readonly Touch[], now: number) {
    this.times.push(now)
    const ids = touches.map(([id]) => id)
    return this.#held('touchMany', ids, () => {
      for (const [id, expires] of touches) this.#touch(id, expires)
    })
  }
  async close() {
    this.closed = true
  }

  called() {
    return this.calls.map(({ name, ids }) => `${name} ${ids.join(',')}`)
  }
  answerAll() {
    for (const call of this.calls.splice(0)) call.answer()
  }
}

function bankOf(...ids: string[]) {
  const held = new HeldBank()
  for (const id of ids) held.entries.set(id, { payload: `of ${id}`, expires: null })
  return { held, bank: coalesce(held) }
}

/** Answers all calls until the promise is settled. */
async function answering<T>(held: HeldBank, promise: Promise<T>): Promise<T> {
  let settled = false
  const end = () => {
    settled = true
  }
  promise.then(end, end)
  while (!settled) {
    held.answerAll()
    await turn()
  }
  return promise
}

/** Requests each in a turn of the event loop of its own. */
async function oneByOne<T>(ids: readonly string[], request: (id: string) => Promise<T>): Promise<Promise<T>[]> {
  const answers: Promise<T>[] = []
  for (const id of ids) {
    answers.push(request(id))
    await turn()
  }
  return answers
}

/** No wait timer of what begins meanwhile ends: on a busy machine it would. */
async function withoutWaitTimers<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    return await work()
  } finally {
    vi.useRealTimers()
  }
}

const NOW = Date.now()

const payloads = (entries: readonly (Stored | null)[]) => entries.map((entry) => entry?.payload ?? null)

describe('coalesce', () => {
  // No batch takes any time: on a busy machine the server would seem far away.
  beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(0))
  afterEach(() => void vi.restoreAllMocks())

  it('sends a single read and a single touch as such, before the event loop goes on', async () => {
    const { held, bank } = bankOf('a')
    const turned = turn().then(() => held.calls.push({ name: 'next turn', ids: [], answer() {}, fail() {} }))
    void bank.read('a')
    void bank.touch?.('a', 5, NOW)
    await turned
    assert.deepEqual(held.called(), ['read a', 'touch a', 'next turn '])
  })

  it('sends what comes in one callback of the event loop as one readMany', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const answers = Promise.all(['a', 'b', 'c', 'missing'].map((id) => bank.read(id)))
    await turn()
    assert.deepEqual(held.called(), ['readMany a,b,c,missing'])
    held.answerAll()
    assert.deepEqual(payloads(await answers), ['of a', 'of b', 'of c', null])
  })

  it('collects what comes one by one while a request is under way, and sends it when that is answered', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const { held, bank } = bankOf(...ids)
    const answers = await withoutWaitTimers(() => oneByOne(ids, (id) => bank.read(id)))
    assert.deepEqual(held.called(), ['read a'])
    held.calls[0]?.answer()
    await answers[0]
    await turn()
    assert.deepEqual(held.called(), ['read a', 'readMany b,c,d,e,f,g'])
    held.answerAll()
    assert.deepEqual(
      payloads(await Promise.all(answers)),
      ids.map((id) => `of ${id}`),
    )
  })

  it('does not wait for an answer where 16 are waiting, and has at most four requests under way', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `id${index}`)
    const { held, bank } = bankOf(...ids)
    const answers = await withoutWaitTimers(() => oneByOne(ids, (id) => bank.read(id)))
    assert.deepEqual(
      held.calls.map((call) => call.ids.length),
      [1, 16, 16, 16],
    )
    // More than 16 wait, so any answer lets them out; where fewer do, all have to be answered.
    held.calls[2]?.answer()
    await answers[20]
    await turn()
    assert.equal(held.calls.at(-1)?.ids.length, 51)
    assert.deepEqual(
      payloads(await answering(held, Promise.all(answers))),
      ids.map((id) => `of ${id}`),
    )
  })

  it('lets fewer than 16 wait until all requests under way are answered', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `id${index}`)
    const { held, bank } = bankOf(...ids)
    const answers = await withoutWaitTimers(() => oneByOne(ids, (id) => bank.read(id)))
    for (const at of [0, 1]) {
      assert.equal(held.calls.length, 2)
      await withoutWaitTimers(async () => {
        held.calls[at]?.answer()
        await turn()
      })
    }
    assert.deepEqual(
      held.calls.map((call) => call.ids.length),
      [1, 16, 3],
    )
    await answering(held, Promise.all(answers))
  })

  it('sends together what comes in the callbacks of one batch', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const again = ['a', 'b', 'c'].map((id) => bank.read(id).then(() => bank.read(id)))
    await turn()
    held.answerAll()
    await turn()
    assert.deepEqual(held.called(), ['readMany a,b,c'])
    held.answerAll()
    await Promise.all(again)
  })

  it('sends at most 128 in a batch, and four batches at once', async () => {
    const ids = Array.from({ length: 600 }, (_, index) => `id${index}`)
    const { held, bank } = bankOf(...ids)
    const answers = Promise.all(ids.map((id) => bank.read(id)))
    await turn()
    assert.deepEqual(
      held.calls.map((call) => call.ids.length),
      [128, 128, 128, 128],
    )
    assert.deepEqual(
      payloads(await answering(held, answers)),
      ids.map((id) => `of ${id}`),
    )
  })

  it('goes on after a short wait when requests hang, again and again', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const { held, bank } = bankOf(...ids)
    void bank.read('a')
    await turn()
    const [hung] = held.calls.splice(0)
    for (const id of ids) {
      const answer = bank.read(id)
      assert.equal((await answering(held, answer))?.payload, `of ${id}`)
      void bank.read(id)
      await turn()
      held.calls.splice(0)
    }
    // Its late answer does not count for another request: the next goes out, and the others wait.
    await answering(held, bank.read('a'))
    hung?.answer()
    await turn()
    await withoutWaitTimers(() => oneByOne(ids, (id) => bank.read(id)))
    assert.deepEqual(held.called(), ['read a'])
  })

  it('sends each member singly when one of them fails the batch', async () => {
    const { held, bank } = bankOf('a', 'b', 'c', 'd')
    held.poisoned.add('c')
    const answers = await answering(held, Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => bank.read(id))))
    assert.deepEqual(
      answers.map((answer) => answer.status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    )
  })

  it('sends nothing again where the database has failed, and gives each member an error of its own', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const answers = Promise.allSettled(['a', 'b', 'c'].map((id) => bank.read(id)))
    await turn()
    for (const call of held.calls) call.fail(new DatabankError('DATABANK_UNAVAILABLE', 'gone'))
    const reasons = (await answers).map((answer) => (answer.status === 'rejected' ? answer.reason : undefined))
    assert.equal(held.calls.length, 1)
    assert.deepEqual(
      reasons.map((reason) => reason.code),
      ['DATABANK_UNAVAILABLE', 'DATABANK_UNAVAILABLE', 'DATABANK_UNAVAILABLE'],
    )
    assert.equal(new Set(reasons).size, 3)
  })

  it.each([
    ['DATABANK_UNAVAILABLE', 1],
    ['DATABANK_TIMEOUT', 1],
    ['DATABANK_DENIED', 1],
    ['DATABANK_FULL', 1],
    ['DATABANK_BACKEND_FAILED', 1],
    ['DATABANK_CLOSED', 1],
    ['DATABANK_INVALID_ID', 129],
    ['DATABANK_INVALID_SESSION', 129],
    ['DATABANK_INVALID_RECORD', 129],
  ] as const)('sends a batch of 128 that fails with %s as %i requests', async (code, expected) => {
    const failing = async () => {
      calls++
      throw new DatabankError(code, 'failed')
    }
    let calls = 0
    const bank = coalesce({ ...new HeldBank(), ...threeMethods(new HeldBank()), read: failing, readMany: failing })
    const results = await Promise.allSettled(Array.from({ length: 128 }, (_, index) => bank.read(`id${index}`)))
    assert.equal(calls, expected)
    for (const result of results) assert.equal(result.status === 'rejected' && result.reason.code, code)
  })

  it('sends a batch of touches that fails because the database is ill as one request', async () => {
    let calls = 0
    const failing = async () => {
      calls++
      throw new Error('an error that nobody knows')
    }
    const bank = coalesce({ ...threeMethods(new HeldBank()), touch: failing, touchMany: failing })
    const results = await Promise.allSettled(Array.from({ length: 128 }, (_, index) => bank.touch!(`id${index}`, 1, NOW)))
    assert.equal(calls, 1)
    assert.equal(new Set(results.map((result) => result.status === 'rejected' && result.reason)).size, 128)
  })

  it('rejects what a bank throws, for one or for many, and goes on', async () => {
    const { held } = bankOf('a', 'b')
    const thrown = () => {
      throw new DatabankError('DATABANK_BACKEND_FAILED', 'thrown')
    }
    const bank = coalesce(Object.assign(held, { read: thrown, readMany: thrown }))
    for (const ids of [['a'], ['a', 'b'], ['a'], ['b']]) {
      const answers = await Promise.allSettled(ids.map((id) => bank.read(id)))
      for (const answer of answers) assert.equal(answer.status === 'rejected' && answer.reason.code, 'DATABANK_BACKEND_FAILED')
    }
  })

  it('rejects a batch whose answer has too few results, for each of its members', async () => {
    const { held } = bankOf('a', 'b', 'c')
    const bank = coalesce(Object.assign(held, { readMany: async () => [] }))
    const answers = await answering(held, Promise.allSettled(['a', 'b', 'c'].map((id) => bank.read(id))))
    const reasons = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.message : undefined))
    assert.deepEqual(reasons, new Array(3).fill('3 requests got 0 results'))
  })

  it('counts a request no more that has failed', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    for (let round = 0; round < 10; round++) {
      const failing = Promise.allSettled(['a', 'b', 'c'].map((id) => bank.read(id)))
      await turn()
      for (const call of held.calls.splice(0)) call.fail(new DatabankError('DATABANK_UNAVAILABLE', 'gone'))
      await failing
    }
    void bank.read('a')
    await turn()
    assert.deepEqual(held.called(), ['read a'])
  })

  it('gives a read no answer to a request that was under way before', async () => {
    const { held, bank } = bankOf('a')
    const shared = [bank.read('b'), bank.read('a'), bank.read('b')]
    await turn()
    assert.deepEqual(held.called(), ['readMany b,a,b'])
    const later = bank.read('b')
    await turn()
    held.calls.shift()?.answer()
    assert.deepEqual(payloads(await Promise.all(shared)), [null, 'of a', null])
    held.entries.set('b', { payload: 'new', expires: null })
    assert.equal((await answering(held, later))?.payload, 'new')
  })

  it('sends touches together, and both of two touches of one id', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const touched = Promise.all([
      bank.touch?.('a', 1, NOW),
      bank.touch?.('b', 2, NOW),
      bank.touch?.('c', 3, NOW),
      bank.touch?.('c', 4, NOW),
    ])
    await turn()
    assert.deepEqual(held.called(), ['touchMany a,b,c,c'])
    held.answerAll()
    assert.deepEqual(await touched, [undefined, undefined, undefined, undefined])
    assert.deepEqual(
      ['a', 'b', 'c'].map((id) => held.entries.get(id)?.expires),
      [1, 2, 4],
    )
  })

  it('sends a waiting touch before a save or a swap of the same id', async () => {
    const { held, bank } = bankOf('a', 'b')
    void bank.touch?.('a', 1, NOW)
    void bank.save('unconcerned', { payload: 'n', expires: 3 })
    void bank.touch?.('b', 2, NOW)
    void bank.save('b', { payload: 'new', expires: 3 })
    assert.deepEqual(held.called(), ['save unconcerned', 'touchMany a,b', 'save b'])
    held.answerAll()
    assert.deepEqual(held.entries.get('b'), { payload: 'new', expires: 3 })
    await turn()
    void bank.touch?.('a', 4, NOW)
    void bank.swap?.('unconcerned', 'n', { payload: 'm', expires: 3 }, NOW)
    void bank.swap?.('a', 'of a', { payload: 'new', expires: 5 }, NOW)
    assert.deepEqual(held.called(), ['swap unconcerned', 'touch a', 'swap a'])
    held.answerAll()
    assert.deepEqual(held.entries.get('a'), { payload: 'new', expires: 5 })
  })

  it('sends what is waiting before it closes', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const answers = Promise.all(['a', 'b', 'c'].map((id) => bank.read(id)))
    await bank.close?.()
    assert.deepEqual(held.called(), ['readMany a,b,c'])
    assert.ok(held.closed)
    held.answerAll()
    assert.deepEqual(payloads(await answers), ['of a', 'of b', 'of c'])
  })

  it('has the capabilities of its bank and no others, of a bank with few of them too', () => {
    const few = { ...threeMethods(new HeldBank()), touch: async () => {}, readMany: async () => [] }
    for (const bank of [new HeldBank(), few] as Bank[]) {
      const layered = coalesce(bank)
      for (const name of BANK_METHODS) assert.equal(typeof layered[name], typeof bank[name], name)
    }
  })

  it('touches with the latest time of a batch, so that nothing is revived that has expired by then', async () => {
    const { held, bank } = bankOf('a', 'b')
    void bank.touch?.('a', NOW + 100, NOW + 1)
    void bank.touch?.('b', NOW + 100, NOW + 2)
    await turn()
    assert.deepEqual([held.called(), held.times], [['touchMany a,b'], [NOW + 2]])
  })

  it('returns a bank as it is that cannot do many at once', () => {
    const { held } = bankOf()
    const plain = Object.assign(held, { readMany: undefined, touchMany: undefined })
    assert.equal(coalesce(plain as unknown as Bank), plain)
  })
})
