import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { DiskBank } from '../src/bank.ts'
import { bundlePrograms, filesIn, inAnHour, leftOver, newFolder } from './kit.ts'

const run = promisify(execFile)
const isRoot = process.geteuid?.() === 0
const nobody = 65_534

let programs: Awaited<ReturnType<typeof bundlePrograms>>
beforeAll(async () => {
  programs = await bundlePrograms()
})
afterAll(() => programs.remove())

describe('without room', () => {
  it('a limit on the size of a file is DATABANK_FULL, and the old session stays', async () => {
    const folder = newFolder()
    // Ignored, the signal of the limit becomes the error EFBIG.
    const script = 'trap "" XFSZ; ulimit -f 64; exec "$0" "$@"'
    const { stdout } = await run('sh', ['-c', script, process.execPath, join(programs.folder, 'limited.js'), folder, 'size'])
    assert.deepEqual(JSON.parse(stdout), {
      small: 'done',
      large: 'DATABANK_FULL',
      'large swap': 'DATABANK_FULL',
      // It sees that it has lost before it makes a file.
      'large swap that loses': false,
      'large new': 'DATABANK_FULL',
      read: 'small',
      'read new': null,
      'small again': true,
    })
    assert.deepEqual(leftOver(folder), [], 'half a file stays')
    fs.rmSync(folder, { recursive: true })
  })

  for (const [what, option] of [
    ['space', 'size=400k'],
    ['inodes', 'nr_inodes=60'],
  ] as const) {
    it.skipIf(!canMount())(`a file system without ${what} is DATABANK_FULL; deleting makes room again`, async () => {
      const folder = newFolder()
      execFileSync('mount', ['-t', 'tmpfs', '-o', `${option},mode=700`, 'tmpfs', folder])
      try {
        const bank = new DiskBank({ path: folder })
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
        assert.ok(saved.length > 3)
        for (const id of saved) assert.equal((await bank.read(id))?.payload, 'x'.repeat(5_000))
        await assert.rejects(bank.swap(saved[0]!, 'x'.repeat(5_000), inAnHour('y'.repeat(50_000))), { code: 'DATABANK_FULL' })
        const soon = Date.now() + 1
        await bank.touch(saved[0]!, soon)
        assert.equal((await bank.read(saved[0]!))?.expires, soon, 'a touch needs no room')
        assert.ok(!filesIn(folder).some((name) => name.endsWith('.tmp')), 'half a file stays')
        assert.equal(await bank.purge(soon), 1)
        assert.equal(await bank.delete(saved[1]!), true)
        await bank.save(saved[2]!, inAnHour('there is room again'))
        assert.equal((await bank.read(saved[2]!))?.payload, 'there is room again')
        await bank.close()
      } finally {
        execFileSync('umount', [folder])
        fs.rmdirSync(folder)
      }
    })
  }
})

describe('without rights', () => {
  it('what the system denies is DATABANK_DENIED, and all goes on when it is allowed again', async () => {
    const folder = newFolder()
    // Nothing is denied to root: somebody else does it then, who must be able to read the program.
    const program = join(newFolder(), 'limited.mjs')
    fs.cpSync(programs.folder, join(program, '..'), { recursive: true })
    fs.chmodSync(join(program, '..'), 0o755)
    if (isRoot) fs.chownSync(folder, nobody, nobody)
    const { stdout } = await run(process.execPath, [join(program, '..', 'limited.js'), folder, 'rights'], {
      cwd: '/',
      ...(isRoot ? { uid: nobody, gid: nobody } : {}),
    })
    assert.deepEqual(JSON.parse(stdout), {
      read: 'a',
      save: 'DATABANK_DENIED',
      swap: 'DATABANK_DENIED',
      delete: 'DATABANK_DENIED',
      'another save': 'DATABANK_DENIED',
      'another open': 'DATABANK_DENIED',
      'blind read': 'DATABANK_DENIED',
      'blind count': 'DATABANK_DENIED',
      'blind purge': 'DATABANK_DENIED',
      again: true,
    })
    fs.rmSync(folder, { recursive: true })
    fs.rmSync(join(program, '..'), { recursive: true })
  })

  it('files and folders are for their owner alone', async () => {
    const folder = join(newFolder(), 'a/b')
    const bank = new DiskBank({ path: folder })
    await bank.save('a', inAnHour('a'))
    for (const name of ['.', ...fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
      const stats = fs.statSync(join(folder, name))
      assert.equal(stats.mode & 0o777, stats.isDirectory() ? 0o700 : 0o600, name)
    }
    await bank.close()
    fs.rmSync(join(folder, '../..'), { recursive: true })
  })
})

function canMount(): boolean {
  if (!isRoot || process.platform !== 'linux') return false
  const folder = newFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    fs.rmdirSync(folder)
  }
}
