import { gatedBank } from '@connect-databank/conformance'
import { MemoryBank } from '@connect-databank/memory'
import { type Bank, DatabankError, extend } from 'connect-databank/backend'
import { describe, expect, test } from 'vitest'
import { type MoveProgress, move } from '../src/move/index.ts'
import { changeData, entry, HOUR, liveIn, memoryWith, moveWithSteps } from './move-support.ts'

describe('what is copied', () => {
  test('payload, expiry in milliseconds and owner of each live session', async () => {
    const now = Date.now()
    const sessions = {
      a: entry({ user: 'ada', __databank: { created: now - HOUR } }, now + HOUR + 1, 'ada'),
      b: entry({ user: 'bob' }, null, 'bob'),
      c: entry({}, now + 61_234),
    }
    const [from, to] = [await memoryWith(sessions), new MemoryBank()]
    const result = await move(from, to)
    expect(await liveIn(to)).toEqual(sessions)
    expect(result).toMatchObject({ copied: 3, updated: 0, isEqual: true, isAborted: false, left: 0 })
    expect(await liveIn(from)).toEqual(sessions)
  })

  test('no expired session, and no corrupt record', async () => {
    const from = await memoryWith({ live: entry({}), expired: entry({}, Date.now() - 1), corrupt: entry({}) })
    const scan = from.scan.bind(from)
    const withCorrupt = extend(from, {
      async *scan() {
        for await (const [id, stored] of scan())
          yield [id, id === 'corrupt' ? { ...stored, corrupt: 'damaged' } : stored] as const
      },
    })
    const to = new MemoryBank()
    expect(await move(withCorrupt, to)).toMatchObject({ copied: 1, expired: 1, corrupt: 1, isEqual: true })
    expect(Object.keys(await liveIn(to))).toEqual(['live'])
  })

  test('all of several hundred sessions, with few at a time', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `id ${index}`)
    const from = await memoryWith(Object.fromEntries(ids.map((id) => [id, entry({ id })])))
    const [target, underWay] = [new MemoryBank(), { now: 0, most: 0 }]
    const to = extend(target, {
      async swap(...args) {
        underWay.most = Math.max(underWay.most, ++underWay.now)
        await null
        underWay.now--
        return target.swap(...args)
      },
    })
    expect(await move(from, to)).toMatchObject({ copied: 300, isEqual: true })
    expect(underWay.most).toBe(64)
    expect(await liveIn(to)).toEqual(await liveIn(from))
  })

  test('with ids that are made for the target', async () => {
    const [from, to] = [await memoryWith({ a: entry({ n: 1 }), b: entry({ n: 2 }) }), new MemoryBank()]
    const result = await moveWithSteps(from, to, [() => from.delete('a')], { idOf: (id) => `new ${id}` })
    expect(result).toMatchObject({ copied: 2, ended: 1, isEqual: true })
    expect(Object.keys(await liveIn(to))).toEqual(['new b'])
  })
})

describe('the application writes on the target', () => {
  test('a session that it stores between the look at the target and the copy stays', async () => {
    const [from, target] = [await memoryWith({ a: entry({ n: 'source' }) }), new MemoryBank()]
    const to = gatedBank(target)
    to.hold('swap')
    const moving = move(from, to)
    const copy = await to.held('swap')
    await target.save('a', entry({ n: 'target' }, Date.now() + 2 * HOUR))
    to.releaseAll()
    await copy.release()
    expect(await moving).toMatchObject({ copied: 0, newer: 1, isEqual: true })
    expect((await target.read('a'))?.payload).toContain('"target"')
  })

  test('what it has changed and then ended does not come back when its first expiry has passed', async () => {
    const clock = { now: Date.now() }
    const [from, to] = [await memoryWith({ a: entry({ n: 1 }, clock.now + 5_000) }), new MemoryBank()]
    const steps = [
      () => changeData(to, 'a', { n: 'target' }, clock.now + HOUR),
      async () => {
        await from.touch('a', clock.now + HOUR, clock.now)
        await to.delete('a')
        clock.now += 10_000
      },
    ]
    expect(await moveWithSteps(from, to, steps, { now: () => clock.now })).toMatchObject({ copied: 1, newer: 1, isEqual: true })
    expect(await liveIn(to)).toEqual({})
  })

  test('the owner that it stores stays', async () => {
    const [from, to] = [await memoryWith({ a: entry({}, undefined, 'ada') }), new MemoryBank()]
    const give = async (owner: string): Promise<void> => to.save('a', { ...(await to.read('a'))!, owner })
    expect(await moveWithSteps(from, to, [() => give('bob'), () => {}])).toMatchObject({ updated: 0, isEqual: true })
    expect((await to.read('a'))?.owner).toBe('bob')
  })

  test('a session that it changes between the look at the target and the update stays', async () => {
    const [from, target] = [await memoryWith({ a: entry({ n: 1 }) }), new MemoryBank()]
    const to = gatedBank(target)
    const change = async (): Promise<void> => {
      to.hold('swap')
      await changeData(from, 'a', { n: 2 })
      const update = await to.held('swap')
      await changeData(target, 'a', { n: 'target' })
      to.releaseAll()
      await update.release()
    }
    expect(await moveWithSteps(from, to, [change])).toMatchObject({ updated: 0, newer: 1, isEqual: true })
    expect((await target.read('a'))?.payload).toContain('"target"')
  })

  test('what it has changed stays, whatever the source does afterwards', async () => {
    const [from, to] = [await memoryWith({ a: entry({ n: 1 }), b: entry({ n: 1 }) }), new MemoryBank()]
    const result = await moveWithSteps(from, to, [
      async () => {
        await changeData(to, 'a', { n: 'target' })
        await changeData(to, 'b', { n: 'target' })
      },
      () => changeData(from, 'a', { n: 2 }),
      () => from.delete('b'),
    ])
    expect(result).toMatchObject({ updated: 0, ended: 0, isEqual: true })
    for (const id of ['a', 'b']) expect((await to.read(id))?.payload).toContain('"target"')
  })

  test('what it has ended is not copied again, also if the source changes it', async () => {
    const [from, to] = [await memoryWith({ a: entry({ n: 1 }), b: entry({ n: 1 }) }), new MemoryBank()]
    const result = await moveWithSteps(from, to, [() => to.clear(), () => changeData(from, 'a', { n: 2 })])
    expect(result).toMatchObject({ copied: 2, updated: 0, newer: 2, isEqual: true })
    expect(await liveIn(to)).toEqual({})
  })

  test('a session that expires later there keeps its expiry', async () => {
    const now = Date.now()
    const [from, to] = [await memoryWith({ a: entry({}, now + HOUR) }), new MemoryBank()]
    await moveWithSteps(from, to, [() => to.touch('a', now + 3 * HOUR, now), () => from.touch('a', now + 2 * HOUR, now)])
    expect((await to.read('a'))?.expires).toBe(now + 3 * HOUR)
  })
})

describe('the application writes on the source', () => {
  test('changes and touches after the copy reach the target, exactly', async () => {
    const now = Date.now()
    const [from, to] = [
      await memoryWith({ a: entry({ n: 1 }), b: entry({}), c: entry({}), d: entry({}, null) }),
      new MemoryBank(),
    ]
    const result = await moveWithSteps(from, to, [
      () => changeData(from, 'a', { n: 2 }),
      () => from.touch('b', now + 5 * HOUR + 1, now),
      () => from.touch('c', now + HOUR / 2, now),
      () => from.touch('d', now + HOUR, now),
      () => from.touch('d', null, now),
      () => from.save('e', entry({ isNew: true })),
    ])
    expect(await liveIn(to)).toEqual(await liveIn(from))
    expect(result).toMatchObject({ copied: 5, updated: 5, ended: 0, isEqual: true, isTargetUsed: false })
  })

  test.each([
    ['a touch', (from: Bank) => from.touch!('a', Date.now() + 2 * HOUR, Date.now())],
    ['another owner', async (from: Bank) => void (await from.save('a', { ...(await from.read('a'))!, owner: 'ada' }))],
    ['an end', (from: Bank) => from.delete('a')],
  ])('%s is a change: both are not equal until it has arrived', async (_what, change) => {
    const [from, to] = [await memoryWith({ a: entry({}) }), new MemoryBank()]
    const seen: boolean[] = []
    await moveWithSteps(from, to, [() => change(from)], { onProgress: ({ isEqual }) => seen.push(isEqual) })
    const firstEqual = seen.indexOf(true)
    expect(seen.indexOf(false, firstEqual)).toBeGreaterThan(firstEqual)
  })

  test('unchanged sessions are not read singly, on either side', async () => {
    const from = gatedBank(await memoryWith({ a: entry({}), b: entry({}), expired: entry({}, Date.now() - 1) }))
    const to = gatedBank(new MemoryBank())
    await moveWithSteps(from, to, [() => {}, () => {}])
    expect(from.calls('readMany') + from.calls('read')).toBe(0)
    expect(to.calls('read')).toBe(0)
  })

  test('an owner that is stored later reaches the target', async () => {
    const [from, to] = [await memoryWith({ a: entry({}) }), new MemoryBank()]
    const stored = (await from.read('a'))!
    await moveWithSteps(from, to, [() => from.save('a', { ...stored, owner: 'ada' })])
    expect((await to.read('a'))?.owner).toBe('ada')
  })

  test('a session that ends between the look at the source and the copy is ended on the target too', async () => {
    const [from, target] = [await memoryWith({ a: entry({}), b: entry({}) }), new MemoryBank()]
    const to = gatedBank(target)
    to.hold('swap')
    const moving = move(from, to)
    const copies = [await to.held('swap'), await to.held('swap')]
    await from.delete('a')
    to.releaseAll()
    for (const copy of copies) await copy.release()
    expect(await moving).toMatchObject({ copied: 2, ended: 1, isEqual: true })
    expect(Object.keys(await liveIn(target))).toEqual(['b'])
  })

  test('a session that ends ends its copy, also if the application has touched that', async () => {
    const now = Date.now()
    const [from, to] = [await memoryWith({ a: entry({}), b: entry({}, null) }), new MemoryBank()]
    const result = await moveWithSteps(from, to, [() => to.touch('a', now + 2 * HOUR, now), () => from.clear()])
    expect(result).toMatchObject({ ended: 2, isEqual: true })
    expect(await liveIn(to)).toEqual({})
  })

  test('a copy that the application changes while its end is under way stays', async () => {
    const [from, target] = [await memoryWith({ a: entry({}) }), new MemoryBank()]
    const to = gatedBank(target)
    const end = async (): Promise<void> => {
      to.hold('swap')
      await from.delete('a')
      const ending = await to.held('swap')
      await changeData(target, 'a', { n: 'target' })
      to.releaseAll()
      await ending.release()
    }
    expect(await moveWithSteps(from, to, [end])).toMatchObject({ ended: 0 })
    expect((await target.read('a'))?.payload).toContain('"target"')
  })

  test('a session that has expired on the source stays where it was extended', async () => {
    const clock = { now: Date.now() }
    const [from, to] = [await memoryWith({ a: entry({}, clock.now + 5_000), b: entry({}) }), new MemoryBank()]
    const expire = async (): Promise<void> => {
      await to.touch('a', clock.now + HOUR, clock.now)
      clock.now += 10_000
      await from.purge(clock.now)
    }
    const result = await moveWithSteps(from, to, [expire], { now: () => clock.now })
    expect(result).toMatchObject({ ended: 0, isEqual: true })
    expect(Object.keys(await liveIn(to))).toEqual(['a', 'b'])
  })

  test('a session whose copy has expired, and that was extended on the source, is copied again', async () => {
    const clock = { now: Date.now() }
    const [from, to] = [await memoryWith({ a: entry({}, clock.now + 5_000) }), new MemoryBank()]
    const extendLate = async (): Promise<void> => {
      await from.touch('a', clock.now + HOUR, clock.now)
      clock.now += 10_000
      await to.purge(clock.now)
    }
    const result = await moveWithSteps(from, to, [extendLate], { now: () => clock.now })
    expect(result).toMatchObject({ copied: 2, isEqual: true })
    expect(await liveIn(to)).toEqual(await liveIn(from))
  })

  test('a session that a listing leaves out is not taken for ended', async () => {
    const [source, to] = [await memoryWith({ a: entry({}), b: entry({}) }), new MemoryBank()]
    let lists = 0
    const from = extend(source, {
      async *scan() {
        lists++
        for await (const item of source.scan()) if (lists !== 2 || item[0] !== 'a') yield item
      },
    })
    expect(await move(from, to)).toMatchObject({ copied: 2, ended: 0, isEqual: true })
    expect(Object.keys(await liveIn(to))).toEqual(['a', 'b'])
  })

  test('a busy source: after six rounds the result says that they are not equal', async () => {
    const [source, to] = [await memoryWith({ a: entry({ n: 0 }), quiet: entry({}) }), new MemoryBank()]
    let n = 0
    const from = extend(source, {
      async *scan() {
        await changeData(source, 'a', { n: ++n })
        yield* source.scan()
      },
    })
    const result = await move(from, to, { deleteSource: true })
    expect(result).toMatchObject({ copied: 2, updated: 5, changes: 1, round: 6, deleted: 0, isEqual: false })
  })
})

describe('a target that stores otherwise', () => {
  /** As a column of type jsonb: the keys come back in another order. And whole seconds, rounded up. */
  function reordering(bank: Bank): Bank {
    const reversed = (payload: string): string =>
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(payload)).reverse()))
    const stored = (given: number | null): number | null => given && Math.ceil(given / 1_000) * 1_000
    return extend(bank, {
      swap: (id, expected, { payload, expires }, now) =>
        bank.swap!(id, expected, { payload: reversed(payload), expires: stored(expires) }, now),
    })
  }

  test('keys in another order and a rounded expiry are the same session', async () => {
    const now = Date.now()
    const [from, target] = [await memoryWith({ a: entry({ n: 1, m: 2 }), b: entry({ n: 1 }, now + HOUR) }), new MemoryBank()]
    const to = reordering(target)
    const result = await moveWithSteps(from, to, [
      () => changeData(from, 'a', { n: 2 }),
      () => from.touch('b', now + HOUR + 1, now),
      () => from.delete('b'),
    ])
    expect(result).toMatchObject({ copied: 2, updated: 2, ended: 1, newer: 0, isEqual: true, isTargetUsed: false })
    expect(JSON.parse((await target.read('a'))!.payload)).toMatchObject({ n: 2, m: 2 })
    expect(await move(from, to)).toMatchObject({ copied: 0, updated: 0, skipped: 1, isEqual: true })
  })

  test('without compare-and-swap and lists of reads', async () => {
    const [from, target] = [await memoryWith({ a: entry({ n: 1 }), b: entry({}), c: entry({}) }), new MemoryBank()]
    await target.save('c', entry({ n: 'target' }, Date.now() + 2 * HOUR))
    const to: Bank = {
      read: (id) => target.read(id),
      save: (id, given) => target.save(id, given),
      delete: (id) => target.delete(id),
    }
    const result = await moveWithSteps(from, to, [() => changeData(from, 'a', { n: 2 }), () => from.delete('b')])
    expect(result).toMatchObject({ copied: 2, updated: 1, ended: 1, newer: 1, isEqual: true })
    expect((await target.read('a'))?.payload).toContain('"n":2')
    expect(await target.read('b')).toBeNull()
    expect((await target.read('c'))?.payload).toContain('"target"')
  })

  test('without compare-and-swap, what the application has written just before stays', async () => {
    const [from, target] = [await memoryWith({ a: entry({ n: 1 }), b: entry({ n: 1 }) }), new MemoryBank()]
    const plain = gatedBank({
      read: (id) => target.read(id),
      save: (id, given) => target.save(id, given),
      delete: (id) => target.delete(id),
    } as Bank)
    const race = async (id: string, change: () => Promise<unknown>): Promise<void> => {
      plain.hold('read')
      await change()
      // The first is the look at the target, the second one that of the write.
      const nextRead = async () => {
        for (;;) {
          const read = await plain.held('read')
          if (read.args[0] === id) return read
          await read.release()
        }
      }
      await (await nextRead()).release()
      const second = await nextRead()
      await changeData(target, id, { n: 'target' })
      plain.releaseAll()
      await second.release()
    }
    const steps = [() => race('a', () => changeData(from, 'a', { n: 2 })), () => race('b', () => from.delete('b'))]
    expect(await moveWithSteps(from, plain, steps)).toMatchObject({ updated: 0, ended: 0 })
    for (const id of ['a', 'b']) expect((await target.read(id))?.payload).toContain('"target"')
  })

  test('a record of the target that is no session is no copy', async () => {
    const session = entry({})
    const [from, target] = [await memoryWith({ a: session }), await memoryWith({ a: session })]
    const readMany = async (ids: readonly string[]) =>
      (await target.readMany(ids)).map((stored) => stored && { ...stored, corrupt: 'it cannot be decrypted' })
    expect(await move(from, extend(target, { readMany }))).toMatchObject({ differing: 1, skipped: 0, isEqual: false })
  })

  test('what it cannot hold is counted with the first reason, and the others are copied', async () => {
    const [from, target] = [await memoryWith({ long: entry({}), short: entry({}) }), new MemoryBank()]
    let refusals = 0
    const to = extend(target, {
      async swap(id, ...rest) {
        if (id !== 'long') return target.swap(id, ...rest)
        refusals++
        throw new DatabankError('DATABANK_INVALID_ID', 'the id is too long')
      },
    })
    const result = await move(from, to, { deleteSource: true })
    expect(result).toMatchObject({ copied: 1, refused: 1, refusal: 'the id is too long', deleted: 1, left: 1, isEqual: false })
    expect(Object.keys(await liveIn(from))).toEqual(['long'])
    expect(refusals).toBe(1)
  })
})

describe('a further run', () => {
  test('copies nothing that is there, and what is new', async () => {
    const [from, to] = [await memoryWith({ a: entry({}), b: entry({}) }), new MemoryBank()]
    await move(from, to)
    await from.save('c', entry({}))
    await from.touch('a', Date.now() + 2 * HOUR, Date.now())
    expect(await move(from, to)).toMatchObject({ copied: 1, updated: 1, skipped: 1, isEqual: true })
    expect(await liveIn(to)).toEqual(await liveIn(from))
  })

  test('continues one that was aborted', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `id ${index}`)
    const from = await memoryWith(Object.fromEntries(ids.map((id) => [id, entry({ id })])))
    const to = new MemoryBank()
    const stop = new AbortController()
    const first = await move(from, to, { signal: stop.signal, onProgress: () => stop.abort(), deleteSource: true })
    expect(first).toMatchObject({ copied: 64, deleted: 0, isAborted: true, isEqual: false })
    expect(await move(from, to)).toMatchObject({ copied: 136, skipped: 64, isEqual: true })
    expect(await liveIn(to)).toEqual(await liveIn(from))
  })

  test('with watch, does not report the target as ready if it was aborted in the first round', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `id ${index}`)
    const from = await memoryWith(Object.fromEntries(ids.map((id) => [id, entry({ id })])))
    const stop = new AbortController()
    const phases = new Set<string>()
    const onProgress = ({ phase }: MoveProgress): void => {
      phases.add(phase)
      stop.abort()
    }
    const result = await move(from, new MemoryBank(), { watch: true, signal: stop.signal, onProgress })
    expect(result).toMatchObject({ isAborted: true, isEqual: false })
    expect([...phases]).not.toContain('following')
  })

  test('leaves what differs: the later expiry tells which side was used last, else nobody knows', async () => {
    const now = Date.now()
    const from = await memoryWith({ a: entry({ n: 'source' }, now + HOUR), b: entry({ n: 'source' }, now + HOUR) })
    const to = await memoryWith({ a: entry({ n: 'target' }, now + HOUR + 1), b: entry({ n: 'target' }, now + HOUR) })
    const result = await move(from, to, { deleteSource: true })
    expect(result).toMatchObject({ newer: 1, differing: 1, deleted: 1, left: 1, isEqual: false, isTargetUsed: false })
    expect(Object.keys(await liveIn(from))).toEqual(['b'])
    for (const id of ['a', 'b']) expect((await to.read(id))?.payload).toContain('"target"')
  })

  test('with mirror, makes the target equal to the source', async () => {
    const from = await memoryWith({ a: entry({ n: 2 }), b: entry({}) })
    const to = await memoryWith({ a: entry({ n: 1 }, Date.now() + 2 * HOUR), ended: entry({}) })
    expect(await move(from, to, { mirror: true })).toMatchObject({ copied: 1, updated: 1, ended: 1, isEqual: true })
    expect(await liveIn(to)).toEqual(await liveIn(from))
  })

  test('with mirror, an aborted run ends nothing', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `id ${index}`)
    const sessions = Object.fromEntries(ids.map((id) => [id, entry({ id })]))
    const [from, to] = [await memoryWith(sessions), await memoryWith(sessions)]
    const stop = new AbortController()
    // As a listing that the same signal ends.
    const stopped = extend(from, {
      async *scan() {
        for await (const item of from.scan()) {
          if (stop.signal.aborted) return
          yield item
        }
      },
    })
    const result = await move(stopped, to, { mirror: true, signal: stop.signal, onProgress: () => stop.abort() })
    expect(result).toMatchObject({ ended: 0, isAborted: true })
    expect(Object.keys(await liveIn(to))).toHaveLength(100)
  })
})

describe('deleteSource', () => {
  test('deletes the moved sessions, also those that the application has changed or ended on the target', async () => {
    const [from, to] = [
      await memoryWith({ a: entry({}), b: entry({}), c: entry({}), d: entry({}, Date.now() - 1) }),
      new MemoryBank(),
    ]
    const use = async (): Promise<void> => {
      await to.delete('b')
      await changeData(to, 'a', { n: 'target' })
    }
    const result = await moveWithSteps(from, to, [use], { deleteSource: true, quietTime: 0, signal: undefined })
    expect(result).toMatchObject({ deleted: 3, left: 0, isEqual: true, isAborted: false })
    expect(await from.count(0)).toBe(0)
    expect(Object.keys(await liveIn(to))).toEqual(['a', 'c'])
  })

  test('a session that changes before its deletion stays', async () => {
    const [source, to] = [await memoryWith({ a: entry({ n: 1 }), b: entry({}) }), new MemoryBank()]
    const from = gatedBank(source)
    from.hold('swap')
    const moving = move(from, to, { deleteSource: true })
    const deletions = [await from.held('swap'), await from.held('swap')]
    await changeData(source, 'a', { n: 2 })
    from.releaseAll()
    for (const deletion of deletions) await deletion.release()
    expect(await moving).toMatchObject({ deleted: 1, left: 1, isEqual: false })
    expect((await source.read('a'))?.payload).toContain('"n":2')
    expect(await source.read('b')).toBeNull()
  })

  test('sessions that change or begin between the last round and the deletion stay', async () => {
    const from = await memoryWith({ a: entry({ n: 1 }), c: entry({ n: 1 }) })
    const to = await memoryWith({ c: entry({ n: 'target' }, Date.now() + 2 * HOUR) })
    const onProgress = ({ isEqual, phase }: MoveProgress): void => {
      if (!isEqual || phase !== 'checking') return
      void from.save('a', entry({ n: 2 }))
      void from.save('b', entry({ n: 2 }))
      void from.save('c', entry({ n: 2 }))
    }
    expect(await move(from, to, { deleteSource: true, onProgress })).toMatchObject({ deleted: 0, left: 3, isEqual: false })
    for (const id of ['a', 'b', 'c']) expect((await from.read(id))?.payload).toContain('"n":2')
  })
})

describe('watch', () => {
  test('ends when the application was seen on the target, and the source was quiet for so long', async () => {
    const clock = { now: Date.now() }
    const [source, to] = [await memoryWith({ a: entry({ n: 1 }), b: entry({}) }), new MemoryBank()]
    const seen: string[] = []
    let equalRounds = 0
    let isChanged = false
    const from = extend(source, {
      async *scan() {
        if (equalRounds >= 12 && !isChanged) {
          isChanged = true
          await changeData(source, 'b', { n: 2 })
        }
        yield* source.scan()
      },
    })
    const onProgress = ({ phase, isEqual, isTargetUsed }: MoveProgress): void => {
      if (phase !== 'following' || !isEqual) return
      clock.now += 20_000
      seen.push(isTargetUsed ? 'used' : 'unused')
      if (++equalRounds === 10) void to.touch('a', clock.now + 3 * HOUR, clock.now)
    }
    const result = await move(from, to, { watch: true, interval: 0, quietTime: 60_000, onProgress, now: () => clock.now })
    expect(result).toMatchObject({ isEqual: true, isTargetUsed: true, isAborted: false, updated: 1 })
    // Quiet alone is not enough, and the quiet time begins anew with a change on the source.
    expect(seen.slice(0, 10)).toEqual(Array(10).fill('unused'))
    expect(seen.slice(10)).toEqual(['used', 'used', 'used', 'used', 'used'])
  })

  test('goes on after a failure that may pass, and says so', async () => {
    const [from, target] = [await memoryWith({ a: entry({ n: 1 }) }), new MemoryBank()]
    let failures = 2
    const to = extend(target, {
      swap: (...args) =>
        failures-- > 0 ? Promise.reject(new DatabankError('DATABANK_UNAVAILABLE', 'no connection')) : target.swap(...args),
    })
    const problems = new Set<string | undefined>()
    const stop = new AbortController()
    const onProgress = (progress: MoveProgress): void => {
      problems.add(progress.problem)
      if (progress.phase === 'following' && progress.isEqual) stop.abort()
    }
    const result = await move(from, to, { watch: true, interval: 0, onProgress, signal: stop.signal })
    expect(result).toMatchObject({ copied: 1, isEqual: true })
    expect(result.problem).toBeUndefined()
    expect([...problems]).toContain('no connection')
    await expect(
      move(from, extend(to, { readMany: () => Promise.reject(new Error('broken')) }), { watch: true }),
    ).rejects.toThrow('broken')
  })

  test("a write that failed, and was stored, is still the move's own", async () => {
    const [from, target] = [await memoryWith({ a: entry({ n: 1 }) }), new MemoryBank()]
    const late = new DatabankError('DATABANK_TIMEOUT', 'no answer')
    let failing = false
    const to = extend(target, {
      async swap(...args) {
        const version = await target.swap(...args)
        if (!failing) return version
        failing = false
        // The source goes on: nobody sees that the second version has arrived.
        await changeData(from, 'a', { n: 3 })
        throw late
      },
    })
    const change = async (): Promise<void> => {
      failing = true
      await changeData(from, 'a', { n: 2 })
    }
    expect(await moveWithSteps(from, to, [change])).toMatchObject({ newer: 0, isEqual: true, isTargetUsed: false })
    expect((await target.read('a'))?.payload).toContain('"n":3')
  })

  test('two writes in a row that failed, of which the first was stored', async () => {
    const [from, target] = [await memoryWith({ a: entry({ n: 1 }) }), new MemoryBank()]
    const late = new DatabankError('DATABANK_TIMEOUT', 'no answer')
    let fails = 0
    const to = extend(target, {
      async swap(...args) {
        if (fails === 0) return target.swap(...args)
        fails--
        if (fails === 1) await target.swap(...args)
        await changeData(from, 'a', { n: 4 - fails })
        throw late
      },
    })
    const change = async (): Promise<void> => {
      fails = 2
      await changeData(from, 'a', { n: 2 })
    }
    expect(await moveWithSteps(from, to, [change])).toMatchObject({ newer: 0, isEqual: true })
    expect((await target.read('a'))?.payload).toContain('"n":4')
  })

  test('an abort ends it, and the result says whether the last round had found nothing', async () => {
    const [from, to] = [await memoryWith({ a: entry({}) }), new MemoryBank()]
    const stop = new AbortController()
    stop.abort()
    expect(await move(from, to, { watch: true, signal: stop.signal })).toMatchObject({
      copied: 0,
      isEqual: false,
      isAborted: true,
    })
    expect(await moveWithSteps(from, to, [])).toMatchObject({ copied: 1, isEqual: true, isAborted: true })
  })
})

describe('the call', () => {
  test('reports counts, the total and the rate', async () => {
    const [source, to] = [await memoryWith({ a: entry({}), b: entry({}) }), new MemoryBank()]
    const from = extend(source, { count: async () => 2 })
    const reports: MoveProgress[] = []
    await move(from, to, { onProgress: (progress) => reports.push(progress) })
    expect(reports.at(-1)).toMatchObject({
      phase: 'checking',
      round: 2,
      seen: 2,
      total: 2,
      copied: 2,
      isEqual: true,
      timeLeft: 0,
    })
    expect(reports.at(-1)!.rate).toBeGreaterThan(0)
  })

  test('needs a source that can be listed, with mirror also such a target', async () => {
    const listable = new MemoryBank()
    const other = extend(new MemoryBank(), { scan: undefined })
    await expect(move(other, listable)).rejects.toMatchObject({ code: 'DATABANK_NOT_SUPPORTED' })
    await expect(move(listable, other, { mirror: true })).rejects.toMatchObject({ code: 'DATABANK_NOT_SUPPORTED' })
    await expect(move(listable, other)).resolves.toMatchObject({ isEqual: true })
  })

  test('refuses an unknown option', async () => {
    const wrong = { overwrite: true } as object
    await expect(move(new MemoryBank(), new MemoryBank(), wrong)).rejects.toMatchObject({ code: 'DATABANK_INVALID_OPTION' })
  })

  test("rejects with the bank's error", async () => {
    const from = await memoryWith({ a: entry({}) })
    const to = extend(new MemoryBank(), {
      swap: () => Promise.reject(new DatabankError('DATABANK_FULL', 'no space')),
    })
    await expect(move(from, to)).rejects.toMatchObject({ code: 'DATABANK_FULL' })
  })
})
