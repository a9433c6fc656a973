import { chmod, mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LmdbBank } from '@connect-databank/lmdb'
import { open as openLmdb } from 'lmdb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openForWriting } from '../src/environment.js'
import { formatKey, keysOf } from '../src/format.js'
import { closeTables, newPlace, type Place } from './place.ts'
import { bundleProcess, startProcess } from './processes.ts'

const entry = { payload: 'x'.repeat(2_000), expires: null }
const withCode = (code: string, message = /./) => expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('when things fail', () => {
  let place: Place
  let program: Awaited<ReturnType<typeof bundleProcess>>
  beforeAll(async () => {
    program = await bundleProcess()
  })
  afterAll(() => program.remove())
  beforeEach(async () => {
    place = await newPlace()
  })
  afterEach(() => place.remove())

  it('makes the folders above the file', async () => {
    const path = join(place.folder, 'a/b/sessions.mdb')
    await place.bank({ path }).save('a', entry)
    expect((await stat(path)).isFile()).toBe(true)
  })

  it('refuses a file that is no database, and leaves it as it is', async () => {
    const text = 'precious '.repeat(2_000)
    await writeFile(place.path, text)
    const bank = place.bank()
    await expect(bank.open()).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED', /sessions\.mdb/))
    await expect(bank.read('a')).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED'))
    expect(await readFile(place.path, 'utf8')).toBe(text)
  })

  it.each([
    ['a file that was cut off', (bytes: Buffer) => bytes.subarray(0, 5_000)],
    ['a file that is shorter than its head', (bytes: Buffer) => bytes.subarray(0, 10)],
    ['another version of LMDB', (bytes: Buffer) => bytes.fill(1, 28, 29)],
  ])('refuses %s', async (_, damage) => {
    const first = place.bank()
    await first.save('a', entry)
    await first.close()
    await writeFile(place.path, damage(await readFile(place.path)))
    await expect(place.bank().read('a')).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED', /sessions\.mdb/))
  })

  it('refuses a folder', async () => {
    await mkdir(place.path)
    await expect(place.bank().read('a')).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED'))
  })

  it('refuses the environment of another program, and leaves it as it is', async () => {
    const other = openLmdb({ path: place.path, noSubdir: true })
    await other.put('theirs', 1)
    await other.close()
    await expect(place.bank().save('a', entry)).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED', /another program/))
    const again = openLmdb({ path: place.path, noSubdir: true })
    expect([...again.getKeys()]).toEqual(['theirs'])
    await again.close()
  })

  it('refuses another format than its own', async () => {
    const tables = openForWriting({ path: place.path, durable: false })
    await tables.about.put(formatKey, Buffer.from('2'))
    await closeTables(tables)
    await expect(place.bank().open()).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED', /format 2.*format 1/))
  })

  it('says that a record is damaged, and writes over it', async () => {
    const bank = place.bank()
    await bank.save('a', entry)
    await bank.save('b', entry)
    await bank.close()
    const tables = openForWriting({ path: place.path, durable: false })
    await tables.sessions.put(keysOf('a').record, Buffer.from('?'))
    await closeTables(tables)
    const again = place.bank()
    await expect(again.read('a')).rejects.toEqual(withCode('DATABANK_INVALID_RECORD'))
    expect(await again.swap('a', entry.payload, entry)).toBe(false)
    const scanned: string[] = []
    for await (const [id] of again.scan()) scanned.push(id)
    expect(scanned).toEqual(['b'])
    await again.save('a', entry)
    expect(await again.read('a')).toEqual(entry)
  })

  it('is denied without rights, and works when it has them', async () => {
    const folder = join(place.folder, 'locked')
    await mkdir(folder)
    await chmod(place.folder, 0o755)
    await chmod(folder, 0o500)
    // To root nothing is forbidden: then the process is nobody's.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
    const denied = await startProcess(program.folder, { path: join(folder, 'sessions.mdb') }, nobody)
    try {
      await expect(denied.order({ call: 'save', args: ['a', entry] })).rejects.toEqual(withCode('DATABANK_DENIED'))
      await chmod(folder, 0o777)
      await denied.order({ call: 'save', args: ['a', entry] })
      expect(await denied.order({ call: 'read', args: ['a'] })).toEqual(entry)
    } finally {
      await denied.kill()
    }
  })

  describe.skipIf(process.platform === 'win32')('on a full disk', () => {
    // What a process may write ends here in the middle of the file.
    const startSmall = () => startProcess(program.folder, { path: place.path }, { shell: 'ulimit -f 2000' })

    it('ends no process by a hole in a lock: all of its room is there from the beginning', async () => {
      await place.bank().save('a', entry)
      for (const lock of [`${place.path}-lock`, `${place.path}-gate-lock`]) {
        const { size, blocks } = await stat(lock)
        expect(size).toBeGreaterThanOrEqual(1_024 * 64)
        expect(blocks * 512).toBeGreaterThanOrEqual(size)
      }
      expect((await readdir(place.folder)).filter((name) => /lock-./.test(name))).toEqual([])
    })

    it('says so, keeps what is there, and goes on when there is room', async () => {
      const small = await startSmall()
      try {
        await small.order({ call: 'save', args: ['kept', entry] })
        await expect(small.order({ call: 'fill', args: [2_000] })).rejects.toEqual(withCode('DATABANK_FULL'))
        expect(await small.order({ call: 'read', args: ['kept'] })).toEqual(entry)
      } finally {
        await small.kill()
      }
      const bank = place.bank()
      expect(await bank.read('kept')).toEqual(entry)
      expect(await bank.read('fill-0')).toEqual(entry)
      await bank.save('kept', { ...entry, expires: 9e15 })
      expect(await bank.read('kept')).toEqual({ ...entry, expires: 9e15 })
    })

    it('touches, counts, deletes and purges go on, and make room for what is saved next', async () => {
      const small = await startSmall()
      try {
        const dead = Array.from({ length: 50 }, (_, at) => `dead-${at}`)
        for (const id of dead) await small.order({ call: 'save', args: [id, { ...entry, expires: 1 }] })
        await expect(small.order({ call: 'fill', args: [2_000] })).rejects.toEqual(withCode('DATABANK_FULL'))
        const filled = (await small.order({ call: 'count', args: [1] })) as number
        await small.order({ call: 'touch', args: ['fill-0', 9e15] })
        for (let at = 1; at <= 50; at++) expect(await small.order({ call: 'delete', args: [`fill-${at}`] })).toBe(true)
        expect(await small.order({ call: 'purge', args: [1] })).toBe(50)
        for (let at = 1; at <= 50; at++) await small.order({ call: 'save', args: [`again-${at}`, entry] })
        expect(await small.order({ call: 'count', args: [1] })).toBe(filled)
        expect(await small.order({ call: 'read', args: ['fill-0'] })).toEqual({ ...entry, expires: 9e15 })
        await small.order({ call: 'clear', args: [] })
        await small.order({ call: 'save', args: ['a', entry] })
      } finally {
        await small.kill()
      }
    })
  })

  it('refuses more than maxSize; touches, deletes and purges go on, and make room', async () => {
    const bank = place.bank({ maxSize: 400_000 })
    let kept = 0
    const fill = async () => {
      for (;;) {
        await bank.save(`${kept}`, { payload: entry.payload, expires: 1_000 })
        kept++
      }
    }
    await expect(fill()).rejects.toEqual(withCode('DATABANK_FULL', /maxSize/))
    expect(kept).toBeGreaterThan(50)
    expect((await stat(place.path)).size).toBeLessThan(1_000_000)
    await expect(bank.swap('0', null, entry)).rejects.toEqual(withCode('DATABANK_FULL'))
    await bank.touch('0', 9e15)
    expect(await bank.delete('1')).toBe(true)
    expect(await bank.purge(1_000)).toBeGreaterThan(50)
    await bank.save('again', entry)
    expect(await bank.read('again')).toEqual(entry)
  })

  it('fails only those of a batch that must', async () => {
    const bank = place.bank()
    await bank.open()
    const outcomes = await Promise.allSettled([
      bank.save('a', entry),
      bank.save('b', { payload: 5 as unknown as string, expires: null }),
      bank.save('c', entry),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await bank.read('c')).toEqual(entry)
    expect(await bank.read('b')).toBeNull()
  })

  it('can be opened again after a failure', async () => {
    await mkdir(`${place.path}-lock`)
    const bank = place.bank()
    await expect(bank.open()).rejects.toEqual(withCode('DATABANK_BACKEND_FAILED'))
    await rmdir(`${place.path}-lock`)
    await bank.save('a', entry)
    expect(await bank.read('a')).toEqual(entry)
  })

  it('answers DATABANK_CLOSED once closed, and ends what was asked before', async () => {
    const bank = place.bank()
    await bank.open()
    const writes = Array.from({ length: 50 }, (_, at) => bank.save(`${at}`, entry))
    const [closed] = await Promise.all([bank.close(), ...writes])
    expect(closed).toBeUndefined()
    await expect(bank.read('1')).rejects.toEqual(withCode('DATABANK_CLOSED'))
    await expect(bank.save('1', entry)).rejects.toEqual(withCode('DATABANK_CLOSED'))
    await bank.close()
    expect(await place.bank().count(0)).toBe(50)
  })

  it('takes no wrong options', () => {
    expect(() => new LmdbBank({} as never)).toThrow(expect.objectContaining({ code: 'DATABANK_INVALID_OPTION' }))
    expect(() => new LmdbBank({ path: '' })).toThrow(TypeError)
    expect(() => new LmdbBank({ path: 'x', mapSize: 1 } as never)).toThrow(/mapSize/)
  })
})
