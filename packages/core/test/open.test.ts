import { describe, expect, it } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import connectDatabank, * as everything from '../src/index.ts'
import { openBank, openStore } from '../src/open.ts'
import { DatabankStore } from '../src/store.ts'

describe('openStore and openBank', () => {
  it('open a scheme of one’s own, with the bank’s options', async () => {
    const given: unknown[] = []
    const own = async () => ({
      openBank: (...args: unknown[]) => {
        given.push(args)
        return new ReferenceBank()
      },
    })
    const store = await openStore('Firestore://somewhere/x', { schemes: { firestore: own }, ttl: 7, projectId: 'p' })
    expect(store).toBeInstanceOf(DatabankStore)
    expect(given).toEqual([['Firestore://somewhere/x', { projectId: 'p' }]])
  })

  it.each([
    'memory:',
    'disk:./sessions',
    'redis://localhost',
    'rediss://localhost',
    'mongodb://localhost',
    'mongodb+srv://localhost',
    'couchbase://localhost',
    'couchbases://localhost',
    'lmdb:./sessions.mdb',
  ])('know %s', async (url) => {
    const bank = await openBank(url)
    expect(bank.read).toBeTypeOf('function')
    await bank.close?.()
  })

  it('name what they know for a scheme that nothing serves', async () => {
    await expect(openBank('foo://secret')).rejects.toMatchObject({
      code: 'DATABANK_UNKNOWN_SCHEME',
      message: expect.stringMatching(/^nothing serves foo: URLs; known are memory:, .*lmdb:$/),
    })
    await expect(openBank('constructor:x')).rejects.toMatchObject({ code: 'DATABANK_UNKNOWN_SCHEME' })
  })

  it.each([undefined, '', 'no url', '/path', 7])('refuse %o, without showing it', async (url) => {
    await expect(openBank(url as string)).rejects.toMatchObject({
      code: 'DATABANK_INVALID_OPTION',
      message: 'expected a URL such as disk:./sessions or redis://localhost',
    })
  })

  it('refuse a module that is no backend', async () => {
    await expect(openBank('own:', { schemes: { own: async () => ({}) as never } })).rejects.toMatchObject({
      code: 'DATABANK_INVALID_OPTION',
    })
  })
})

describe('the package’s face', () => {
  it('is one function that carries every named export, for CommonJS', () => {
    const { default: main, 'module.exports': commonJs, ...named } = everything as Record<string, unknown>
    expect(commonJs).toBe(main)
    for (const [name, value] of Object.entries(named)) {
      expect((connectDatabank as unknown as Record<string, unknown>)[name]).toBe(value)
    }
  })
})
