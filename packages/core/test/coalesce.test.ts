import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it, vi } from 'vitest'
import type { Bank, Entry } from '../src/bank.ts'
import { DatabankError } from '../src/errors.ts'
import { coalesce } from '../src/layers/coalesce.ts'

interface Call {
  readonly name: string
  readonly ids: readonly string[]
  answer(): void
  fail(error: unknown): void
}

/** A bank that writes down what it is asked and answers when the test says so; then it does what it was asked at that moment. */
class HeldBank implements Bank {
  readonly entries = new Map<string, Entry>()
  readonly calls: Call[] = []
  readonly poisoned = new Set<string>()
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

  #move(id: string, expires: number | null) {
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
  touch(id: string, expires: number | null) {
    return this.#held('touch', [id], () => this.#move(id, expires))
  }
  readMany(ids: readonly string[]) {
    return this.#held('readMany', ids, () => ids.map((id) => this.entries.get(id) ?? null))
  }
  touchMany(moves: readonly (readonly [string, number | null])[]) {
    const ids = moves.map(([id]) => id)
    return this.#held('touchMany', ids, () => {
      for (const [id, expires] of moves) this.#move(id, expires)
    })
  }
  async close() {
    this.closed = true
  }

  said() {
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

/** Answers whatever comes until the promise is settled. */
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

/** Asks for each in a turn of the loop of its own. */
async function oneByOne<T>(ids: readonly string[], ask: (id: string) => Promise<T>): Promise<Promise<T>[]> {
  const answers: Promise<T>[] = []
  for (const id of ids) {
    answers.push(ask(id))
    await turn()
  }
  return answers
}

/** What is begun meanwhile never loses its patience: on a busy machine it would. */
async function withoutPatience<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    return await work()
  } finally {
    vi.useRealTimers()
  }
}

const payloads = (entries: readonly (Entry | null)[]) => entries.map((entry) => entry?.payload ?? null)

describe('coalesce', () => {
  it('sends a lone read and a lone touch as what they are, before the loop turns', async () => {
    const { held, bank } = bankOf('a')
    const turned = turn().then(() => held.calls.push({ name: 'the loop turned', ids: [], answer() {}, fail() {} }))
    void bank.read('a')
    void bank.touch?.('a', 5)
    await turned
    assert.deepEqual(held.said(), ['read a', 'touch a', 'the loop turned '])
  })

  it('sends what is asked for in one callback of the loop as one readMany', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const answers = Promise.all(['a', 'b', 'c', 'missing'].map((id) => bank.read(id)))
    await turn()
    assert.deepEqual(held.said(), ['readMany a,b,c,missing'])
    held.answerAll()
    assert.deepEqual(payloads(await answers), ['of a', 'of b', 'of c', null])
  })

  it('gathers what arrives one by one while a request is under way, and sends it at the answer', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const { held, bank } = bankOf(...ids)
    const answers = await withoutPatience(() => oneByOne(ids, (id) => bank.read(id)))
    assert.deepEqual(held.said(), ['read a'])
    held.calls[0]?.answer()
    await answers[0]
    await turn()
    assert.deepEqual(held.said(), ['read a', 'readMany b,c,d,e,f,g'])
    held.answerAll()
    assert.deepEqual(
      payloads(await Promise.all(answers)),
      ids.map((id) => `of ${id}`),
    )
  })

  it('waits for no answer where 16 have gathered, and has four requests under way at the most', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `id${index}`)
    const { held, bank } = bankOf(...ids)
    const answers = await withoutPatience(() => oneByOne(ids, (id) => bank.read(id)))
    assert.deepEqual(
      held.calls.map((call) => call.ids.length),
      [1, 16, 16, 16],
    )
    // More than 16 wait, so any answer makes room for them; where fewer do, all have to be answered.
    held.calls[2]?.answer()
    await answers[20]
    await turn()
    assert.equal(held.calls.at(-1)?.ids.length, 51)
    assert.deepEqual(
      payloads(await answering(held, Promise.all(answers))),
      ids.map((id) => `of ${id}`),
    )
  })

  it('lets fewer than 16 wait for all answers, not for one of them', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `id${index}`)
    const { held, bank } = bankOf(...ids)
    const answers = await withoutPatience(() => oneByOne(ids, (id) => bank.read(id)))
    for (const at of [0, 1]) {
      assert.equal(held.calls.length, 2)
      await withoutPatience(async () => {
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

  it('sends together what is asked for in the callbacks of one batch', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const again = ['a', 'b', 'c'].map((id) => bank.read(id).then(() => bank.read(id)))
    await turn()
    held.answerAll()
    await turn()
    assert.deepEqual(held.said(), ['readMany a,b,c'])
    held.answerAll()
    await Promise.all(again)
  })

  it('keeps a batch within bounds', async () => {
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

  it('goes on within its patience when requests hang, again and again', async () => {
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
    // Its late answer frees no place of another: the next goes out, and the others wait.
    await answering(held, bank.read('a'))
    hung?.answer()
    await turn()
    await withoutPatience(() => oneByOne(ids, (id) => bank.read(id)))
    assert.deepEqual(held.said(), ['read a'])
  })

  it('asks for each member singly when one of them fails the batch', async () => {
    const { held, bank } = bankOf('a', 'b', 'c', 'd')
    held.poisoned.add('c')
    const answers = await answering(held, Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => bank.read(id))))
    assert.deepEqual(
      answers.map((answer) => answer.status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    )
  })

  it('does not ask a backend again that failed as a whole, and gives each member an error of its own', async () => {
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

  it('takes what a bank throws for a failure, alone or of many, and frees its place', async () => {
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

  it('takes an answer with places missing for a failure', async () => {
    const { held } = bankOf('a', 'b', 'c')
    const bank = coalesce(Object.assign(held, { readMany: async () => [] }))
    const answers = await answering(held, Promise.all(['a', 'b', 'c'].map((id) => bank.read(id))))
    assert.deepEqual(payloads(answers), ['of a', 'of b', 'of c'])
  })

  it('frees the place of a request that failed', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    for (let round = 0; round < 10; round++) {
      const failing = Promise.allSettled(['a', 'b', 'c'].map((id) => bank.read(id)))
      await turn()
      for (const call of held.calls.splice(0)) call.fail(new DatabankError('DATABANK_UNAVAILABLE', 'gone'))
      await failing
    }
    void bank.read('a')
    await turn()
    assert.deepEqual(held.said(), ['read a'])
  })

  it('gives reads of one id that wait together one answer, but never one that was under way before', async () => {
    const { held, bank } = bankOf('a')
    const shared = [bank.read('b'), bank.read('a'), bank.read('b')]
    await turn()
    assert.deepEqual(held.said(), ['readMany b,a'])
    const later = bank.read('b')
    await turn()
    held.calls.shift()?.answer()
    assert.deepEqual(payloads(await Promise.all(shared)), [null, 'of a', null])
    held.entries.set('b', { payload: 'new', expires: null })
    assert.equal((await answering(held, later))?.payload, 'new')
  })

  it('sends touches together, and each of two touches of one id', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const touched = Promise.all([bank.touch?.('a', 1), bank.touch?.('b', 2), bank.touch?.('c', 3), bank.touch?.('c', 4)])
    await turn()
    assert.deepEqual(held.said(), ['touchMany a,b,c,c'])
    held.answerAll()
    assert.deepEqual(await touched, [undefined, undefined, undefined, undefined])
    assert.deepEqual(
      ['a', 'b', 'c'].map((id) => held.entries.get(id)?.expires),
      [1, 2, 4],
    )
  })

  it('sends a waiting touch before a save of the same id', async () => {
    const { held, bank } = bankOf('a', 'b')
    void bank.touch?.('a', 1)
    void bank.save('unconcerned', { payload: 'n', expires: 3 })
    void bank.touch?.('b', 2)
    void bank.save('b', { payload: 'new', expires: 3 })
    assert.deepEqual(held.said(), ['save unconcerned', 'touchMany a,b', 'save b'])
    held.answerAll()
    assert.deepEqual(held.entries.get('b'), { payload: 'new', expires: 3 })
  })

  it('sends what waits before it closes', async () => {
    const { held, bank } = bankOf('a', 'b', 'c')
    const answers = Promise.all(['a', 'b', 'c'].map((id) => bank.read(id)))
    await bank.close?.()
    assert.deepEqual(held.said(), ['readMany a,b,c'])
    assert.ok(held.closed)
    held.answerAll()
    assert.deepEqual(payloads(await answers), ['of a', 'of b', 'of c'])
  })

  it('has the capabilities of its bank and no others', () => {
    const { held, bank } = bankOf()
    const capabilities = ['touch', 'swap', 'readMany', 'touchMany', 'scan', 'count', 'clear', 'purge', 'open', 'close'] as const
    for (const name of capabilities) assert.equal(typeof bank[name], typeof (held as Bank)[name], name)
  })

  it('gives back a bank that cannot do many at once', () => {
    const { held } = bankOf()
    const plain = Object.assign(held, { readMany: undefined, touchMany: undefined })
    assert.equal(coalesce(plain as unknown as Bank), plain)
  })
})
