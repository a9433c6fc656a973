import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { DiskBank, DiskStore, openBank } from '../src/index.ts'
import { inAnHour, newDirectory } from './helpers.ts'

describe('a disk URL', () => {
  it('names a directory, from here or from the root', async () => {
    const directory = newDirectory()
    const here = process.cwd()
    // Tests run in a process of their own.
    process.chdir(directory)
    try {
      const urls = {
        'disk:./one': 'one',
        'disk:two/three': 'two/three',
        'disk:./with%20space%25%3F%23': 'with space%?#',
        'disk:./zoë': 'zoë',
      }
      const absolute = {
        [`disk:${directory}/four`]: 'four',
        [`disk://${directory}/five?durable=true`]: 'five',
        [`disk:${directory}/six?durable=false`]: 'six',
      }
      for (const [url, path] of Object.entries({ ...urls, ...absolute })) {
        const bank = openBank(url)
        await bank.save('a', inAnHour('a'))
        await bank.close?.()
        assert.ok(fs.existsSync(join(directory, path, 'reserve')), url)
      }
      const bank = openBank('disk:./relative')
      assert.equal(bank.isLocal, true, 'core keeps parsed sessions')
      process.chdir('/')
      await bank.save('a', inAnHour('a'))
      assert.ok(fs.existsSync(join(directory, 'relative')), 'relative to where the bank was made')
      await bank.close?.()
    } finally {
      process.chdir(here)
      fs.rmSync(directory, { recursive: true })
    }
  })

  for (const url of ['disk:', 'disk://', 'disk://host/path', 'disk:./a?durable=yes', 'disk:./a?mode=3', 'disk:./50%']) {
    it(`is refused: ${url}`, () => {
      assert.throws(() => openBank(url), { code: 'DATABANK_INVALID_OPTION' })
    })
  }
})

describe('options', () => {
  it('are checked', () => {
    const wrong = [
      {},
      { path: '' },
      { path: 3 },
      { path: 'a', durable: 'yes' },
      { path: 'a', onSkip: () => {} },
      { path: 'a', mode: 1 },
    ]
    for (const options of wrong) {
      assert.throws(() => new DiskBank(options as { path: string }), { code: 'DATABANK_INVALID_OPTION' }, JSON.stringify(options))
      assert.throws(
        () => new DiskStore(options as { path: string }),
        { code: 'DATABANK_INVALID_OPTION' },
        JSON.stringify(options),
      )
    }
  })
})
