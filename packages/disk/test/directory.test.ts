import assert from 'node:assert/strict'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { DiskBank } from '../src/index.ts'
import { Layout } from '../src/layout.ts'
import { HOUR, inAnHour, newDirectory } from './helpers.ts'

let directory: string
beforeEach(() => {
  directory = newDirectory()
})
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

describe('the directory of the sessions', () => {
  it('may be removed at any time', async () => {
    const bank = new DiskBank({ path: directory })
    const path = new Layout(directory).pathOf('a')
    for (const gone of [directory, dirname(path)]) {
      await bank.save('a', inAnHour('a'))
      fs.rmSync(gone, { recursive: true })
      assert.equal(await bank.read('a'), null)
      await bank.touch('b', Date.now() + HOUR, Date.now())
      assert.equal(await bank.delete('b'), false)
      assert.equal(await bank.purge(Date.now()), 0)
      await bank.save('a', inAnHour('again'))
      assert.equal((await bank.read('a'))?.payload, 'again')
      fs.rmSync(gone, { recursive: true })
      assert.equal(await bank.swap('a', 'again', inAnHour('x'), Date.now()), null)
      assert.equal(await bank.swap('c', null, inAnHour('c'), Date.now()), 'c')
      assert.equal(await bank.delete('c'), true)
    }
    await bank.close()
  })

  it('that cannot be created is a coded error, never ENOENT, and never hangs', { timeout: 10_000 }, async () => {
    fs.writeFileSync(join(directory, 'file'), '')
    const paths = [join(directory, 'file'), join(directory, 'file/below'), `${directory}/${'x'.repeat(300)}`]
    if (process.platform === 'linux') paths.push('/proc/sessions', '/proc/a/b/c')
    for (const path of paths) {
      const bank = new DiskBank({ path })
      const unavailable = { code: 'DATABANK_UNAVAILABLE' }
      await assert.rejects(bank.open(), unavailable, path)
      await assert.rejects(bank.save('a', inAnHour('a')), unavailable, path)
      await assert.rejects(bank.swap('a', null, inAnHour('a'), Date.now()), unavailable, path)
      if (!path.startsWith('/proc')) {
        await assert.rejects(bank.read('a'), unavailable, path)
        await assert.rejects(bank.count(0), unavailable, path)
      }
      await bank.close()
    }
  })

  it('is not created by reading', async () => {
    const bank = new DiskBank({ path: join(directory, 'not/there') })
    assert.equal(await bank.read('a'), null)
    assert.equal(await bank.delete('a'), false)
    assert.equal(await bank.count(0), 0)
    assert.equal(await bank.purge(0), 0)
    await bank.touch('a', null, 0)
    await bank.clear()
    for await (const entry of bank.scan()) assert.fail(`${entry[0]} is stored`)
    await bank.close()
    assert.ok(!fs.existsSync(join(directory, 'not')))
  })

  it('is for its owner alone, with all files in it', async () => {
    const path = join(directory, 'a/b')
    const bank = new DiskBank({ path })
    await bank.save('a', inAnHour('a'))
    for (const name of ['.', ...fs.readdirSync(path, { recursive: true, encoding: 'utf8' })]) {
      const stats = fs.statSync(join(path, name))
      assert.equal(stats.mode & 0o777, stats.isDirectory() ? 0o700 : 0o600, name)
    }
    await bank.close()
  })
})
