import assert from 'node:assert/strict'
import { MongoClient } from 'mongodb'
import { describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import type { MongoClientLike } from '../src/index.ts'
import { contextWith, onMongodb } from './support.ts'

const { missing, program } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('the clocks of the server and of this machine', () => {
  const mongodb = onMongodb()

  /** The warnings when the server's clock is wrong by so much. */
  async function warningsAt(difference: number): Promise<readonly string[]> {
    const client = mongodb.keep(new MongoClient(mongodb.url))
    const shifted = async (name: string | undefined, command: object): Promise<object> => {
      const answer = await client.db(name).command(command as { hello: 1 })
      return { ...answer, localTime: new Date(answer['localTime'].getTime() + difference) }
    }
    const like: MongoClientLike = {
      connect: () => client.connect(),
      close: () => client.close(),
      db: (name) => ({
        collection: (collectionName, options) => client.db(name).collection(collectionName, options),
        command: (command) => shifted(name, command),
      }),
    }
    const context = contextWith()
    const bank = mongodb.bank({ client: like, collectionName: await mongodb.freshCollection() }, context)
    await bank.open()
    return context.warnings
  }

  it('are compared when the bank connects: a difference above a second is a warning', async () => {
    assert.deepEqual(await warningsAt(0), [])
    for (const [difference, expected] of [
      [60_000, /the clock of MongoDB is (60|61) s ahead of this machine's/],
      [-3_600_000, /the clock of MongoDB is 3600 s behind this machine's/],
    ] as const) {
      const warnings = await warningsAt(difference)
      assert.equal(warnings.length, 1)
      assert.match(String(warnings[0]), expected)
    }
  })
})
