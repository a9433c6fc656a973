import { idConformance, recordConformance } from '@connect-databank/conformance'
import type { Entry } from 'connect-databank/backend'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { server } from '../../../testing/servers/index.js'
import { startMongodb } from '../../../testing/servers/mongodb.js'
import { MongoBank } from '../src/index.ts'
import { freshName, within } from './address.ts'
import { contextWith } from './support.ts'

const { missing, program, kind } = server('mongodb')

describe.skipIf(missing ?? program === undefined)('on MongoDB', () => {
  let mongodb: Awaited<ReturnType<typeof startMongodb>>
  beforeAll(async () => {
    // A standalone server: a replica set would log each write once more.
    mongodb = await startMongodb({ standalone: true })
  })
  afterAll(() => mongodb?.stop())

  const open = async () => {
    const url = within(mongodb.url, 'bad-input')
    const client = new MongoClient(url)
    const neighbour = client.db('bad-input').collection('neighbour')
    await neighbour.deleteMany({})
    await neighbour.insertOne({ mine: true })
    const collectionName = freshName()
    const bank = new MongoBank({ url, collectionName }, contextWith({ timeout: 30_000 }))
    const collection = client.db('bad-input').collection<{ _id: string }>(collectionName)
    const saveMany = async (entries: readonly (readonly [string, Entry])[]) => {
      await collection.insertMany(
        entries.map(([id, { payload, expires }]) => ({
          _id: id,
          session: payload,
          ...(expires !== null && { expires: new Date(expires) }),
        })),
      )
    }
    return {
      bank,
      // The stand-in for MongoDB needs minutes for fifty thousand writes of one document each.
      ...(kind === 'mongod' ? {} : { saveMany }),
      outside: () => neighbour.find({}, { projection: { _id: 0 } }).toArray(),
      close: async () => {
        await bank.close()
        await client.close()
      },
    }
  }

  // The stand-in for MongoDB is slow.
  idConformance({ describe, it }, { open, time: 600_000, ...(kind === 'mongod' ? {} : { count: 1_000 }) })
  recordConformance({ describe, it }, { open, oneIn: 10 })
})
