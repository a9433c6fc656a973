import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { bundlePrograms, filesIn, inAnHour, leftoversIn, newDirectory } from './helpers.ts'

const run = promisify(execFile)
const isRoot = process.geteuid?.() === 0
const NOBODY = 65_534

let programs: Awaited<ReturnType<typeof bundlePrograms>>
beforeAll(async () => {
  programs = await bundlePrograms()
})
afterAll(() => programs.remove())

describe('without space', () => {
  it('a limit on the size of a file is DATABANK_FULL, and the old session stays', async () => {
    const directory = newDirectory()
    // Ignored, the signal of the limit becomes the error EFBIG.
    const script = 'trap "" XFSZ; ulimit -f 64; exec "$0" "$@"'
    const { stdout } = await run('sh', ['-c', script, process.execPath, join(programs.folder, 'limited.js'), directory, 'size'])
    assert.deepEqual(JSON.parse(stdout), {
      small: 'done',
      large: 'DATABANK_FULL',
      'large swap': 'DATABANK_FULL',
      // It compares before it writes a file.
      'large swap that comes too late': false,
      'large new': 'DATABANK_FULL',
      read: 'small',
      'read new': null,
      'small again': true,
    })
    assert.deepEqual(leftoversIn(directory), [], 'half a file stays')
    fs.rmSync(directory, { recursive: true })
  })

  for (const [what, option] of [
    ['space', 'size=400k'],
    ['inodes', 'nr_inodes=60'],
  ] as const) {
    it.skipIf(!canMount())(`a file system without ${what} is DATABANK_FULL, and deleting makes space again`, async () => {
      const directory = newDirectory()
      execFileSync('mount', ['-t', 'tmpfs', '-o', `${option},mode=700`, 'tmpfs', directory])
      try {
        const [bank, other] = [new DiskBank({ path: directory }), new DiskBank({ path: directory })]
        const saved: string[] = []
        let failure: unknown
        for (let at = 0; failure === undefined; at++) {
          await bank.save(`session-${at}`, inAnHour('x'.repeat(5_000))).then(
            () => saved.push(`session-${at}`),
            (error) => {
              failure = error
            },
          )
        }
        assert.equal((failure as { code: string }).code, 'DATABANK_FULL')
        assert.ok(saved.length > 5)
        if (what === 'inodes') fillInodes(directory)
        for (const id of saved) assert.equal((await bank.read(id))?.payload, 'x'.repeat(5_000))
        const now = Date.now()
        const large = bank.swap(saved[0]!, 'x'.repeat(5_000), inAnHour('y'.repeat(50_000)), now)
        await assert.rejects(large, { code: 'DATABANK_FULL' })
        for (const id of saved.slice(0, 2)) {
          await bank.touch(id, now + 1, now)
          assert.equal((await bank.read(id))?.expires, now + 1, 'a touch needs no space')
        }
        assert.ok(!filesIn(directory).some((name) => name.endsWith('.tmp')), 'half a file stays')
        // A second process has given up no space of its own yet.
        assert.equal(await other.delete(saved[2]!), true)
        assert.equal(await bank.purge(now + 1), 2)
        assert.equal(await bank.delete(saved[3]!), true)
        await bank.save(saved[4]!, inAnHour('there is space again'))
        assert.equal((await bank.read(saved[4]!))?.payload, 'there is space again')
        await Promise.all([bank.close(), other.close()])
      } finally {
        execFileSync('umount', [directory])
        fs.rmdirSync(directory)
      }
    })
  }
})

describe('without rights', () => {
  it('what the system denies is DATABANK_DENIED, and works when it is allowed again', async () => {
    const directory = newDirectory()
    // Nothing is denied to root: another user runs the program then, and must be able to read it.
    const copy = newDirectory()
    fs.cpSync(programs.folder, copy, { recursive: true })
    fs.chmodSync(copy, 0o755)
    if (isRoot) fs.chownSync(directory, NOBODY, NOBODY)
    const { stdout } = await run(process.execPath, [join(copy, 'limited.js'), directory, 'rights'], {
      cwd: '/',
      ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    })
    assert.deepEqual(JSON.parse(stdout), {
      read: 'a',
      save: 'DATABANK_DENIED',
      swap: 'DATABANK_DENIED',
      delete: 'DATABANK_DENIED',
      purge: 'DATABANK_DENIED',
      'another save': 'DATABANK_DENIED',
      'another open': 'DATABANK_DENIED',
      'blind read': 'DATABANK_DENIED',
      'blind count': 'DATABANK_DENIED',
      'blind purge': 'DATABANK_DENIED',
      again: true,
    })
    for (const each of [directory, copy]) fs.rmSync(each, { recursive: true })
  })

  it.skipIf(!canMount())('a read-only file system is DATABANK_DENIED for every write, and can be read', async () => {
    const directory = newDirectory()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', directory])
    const bank = new DiskBank({ path: directory })
    try {
      await bank.save('a', inAnHour('a'))
      execFileSync('mount', ['-o', 'remount,ro', directory])
      assert.equal((await bank.read('a'))?.payload, 'a')
      assert.equal(await bank.count(Date.now()), 1)
      const now = Date.now()
      const missing = new DiskBank({ path: join(directory, 'not/there') })
      const writes = {
        open: () => bank.open(),
        save: () => bank.save('a', inAnHour('b')),
        'save of a new session': () => bank.save('b', inAnHour('b')),
        swap: () => bank.swap('a', 'a', inAnHour('b'), now),
        touch: () => bank.touch('a', null, now),
        delete: () => bank.delete('a'),
        clear: () => bank.clear(),
        purge: () => bank.purge(now + 7_200_000),
        'open of a missing directory': () => missing.open(),
        'save to a missing directory': () => missing.save('a', inAnHour('a')),
      }
      for (const [what, write] of Object.entries(writes)) await assert.rejects(write(), { code: 'DATABANK_DENIED' }, what)
      assert.equal(await missing.count(now), 0)
      execFileSync('mount', ['-o', 'remount,rw', directory])
      assert.equal(await bank.swap('a', 'a', inAnHour('b'), now), 'b')
    } finally {
      execFileSync('umount', [directory])
      fs.rmdirSync(directory)
    }
  })
})

/** Takes the last inodes: a failed save may have left some. */
function fillInodes(directory: string): void {
  try {
    for (let count = 0; ; count++) fs.writeFileSync(join(directory, `filler-${count}`), '', { flag: 'wx' })
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  }
}

function canMount(): boolean {
  if (!isRoot || process.platform !== 'linux') return false
  const directory = newDirectory()
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', directory], { stdio: 'ignore' })
    execFileSync('umount', [directory])
    return true
  } catch {
    return false
  } finally {
    fs.rmdirSync(directory)
  }
}
