// `close` comes while something is under way.
import { gatedBank } from '@connect-databank/conformance'
import { describe, expect, it } from 'vitest'
import { ReferenceBank } from '../../conformance/test/fixtures/reference-bank.ts'
import { Client, sessionData, turnOfLoop } from './kit.ts'

describe('close', () => {
  it.each(['touch', 'clear', 'purge', 'read'] as const)('waits for a %s that is under way', async (method) => {
    const gated = gatedBank(new ReferenceBank())
    const client = new Client(gated)
    await client.set('sid', sessionData())
    const live = await client.load('sid')
    gated.hold(method)
    const works = {
      touch: () => client.touch('sid', live),
      clear: () => client.clear(),
      purge: () => client.cleanup(),
      read: () => client.get('sid'),
    }
    const work: Promise<unknown> = works[method]()
    const held = await gated.held(method)
    const closing = client.store.close()
    await turnOfLoop()
    const closedMeanwhile = gated.calls('close')
    await held.release()
    const outcome = await work.then(
      () => 'done',
      (error) => error.code,
    )
    await closing
    expect([closedMeanwhile, outcome]).toEqual([0, 'done'])
  })
})
