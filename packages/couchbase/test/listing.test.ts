// CouchbaseMock can list nothing. Here the SDK's answers are played to the code that takes them; the suites do the same on a real
// cluster, if COUCHBASE_URL names one.
import { EventEmitter } from 'node:events'
import type { CouchbaseCollection } from '@connect-databank/couchbase'
import * as couchbase from 'couchbase'
import { describe, expect, it } from 'vitest'
import type { Sdk } from '../src/client.ts'
import { encode } from '../src/documents.ts'
import { placeOf } from '../src/keys.ts'
import { list, type Wanted } from '../src/listing.ts'
import { checked } from '../src/options.ts'
import { Sessions } from '../src/sessions.ts'

class UnsupportedOperationError extends Error {}
class IndexNotFoundError extends Error {}

const prefix = 'p:'
const wanted: Wanted = { prefix, idsOnly: true, after: [], timeout: 1_000 }
const sdk = couchbase as unknown as Sdk

interface Played {
  scan?: () => unknown
  query?: (statement: string, parameters: string[]) => unknown[]
  get?: (key: string) => Buffer
}

function played({ scan, query, get }: Played): CouchbaseCollection {
  const cluster = {
    query: async (statement: string, { parameters }: { parameters: string[] }) => ({
      rows: query?.(statement, parameters) ?? [],
    }),
  }
  return {
    name: 'c`x',
    scope: { name: 's', bucket: { name: 'b', cluster } },
    scan,
    get: async (key: string) => ({ content: get?.(key), cas: 1 }),
  } as unknown as CouchbaseCollection
}

class Stream extends EventEmitter {
  isCancelled = false
  cancelStreaming() {
    this.isCancelled = true
  }
}

const idsOf = async (listing: AsyncIterable<{ id: string }>) => {
  const ids: string[] = []
  for await (const { id } of listing) ids.push(id)
  return ids
}

describe('a listing by range scan', () => {
  it('gives what comes, before and after it waits', async () => {
    const stream = new Stream()
    const ids = idsOf(list(played({ scan: () => stream }), sdk, wanted))
    await new Promise((resolve) => setImmediate(resolve))
    stream.emit('result', { id: 'p:a' })
    stream.emit('result', { id: 'p:b' })
    await new Promise((resolve) => setImmediate(resolve))
    stream.emit('result', { id: 'p:c' })
    stream.emit('end')
    expect(await ids).toEqual(['p:a', 'p:b', 'p:c'])
  })

  it('fails when the stream does, and is cancelled when it is left', async () => {
    const failing = new Stream()
    const ids = idsOf(list(played({ scan: () => failing }), sdk, wanted))
    await new Promise((resolve) => setImmediate(resolve))
    failing.emit('error', new Error('broken'))
    failing.emit('end')
    await expect(ids).rejects.toMatchObject({ code: 'DATABANK_BACKEND_FAILED' })

    const left = new Stream()
    const listing = list(played({ scan: () => left }), sdk, wanted)
    const first = listing.next()
    await new Promise((resolve) => setImmediate(resolve))
    left.emit('result', { id: 'p:a' })
    expect((await first).value).toEqual({ id: 'p:a' })
    await listing.return(undefined)
    expect(left.isCancelled).toBe(true)
  })
})

describe('the writes of a bank', () => {
  const token = (partition: number, sequence: number) => ({
    toJSON: () => ({ bucket_name: 'b', partition_id: String(partition), sequence_number: String(sequence) }),
  })

  it('are waited for by a range scan, for each partition the last', async () => {
    let asked: { consistentWith: unknown } | undefined
    const stream = new Stream()
    const writes = [token(1, 3), token(2, 4), token(1, 9), token(2, 10)]
    const collection = {
      ...played({}),
      upsert: async () => ({ cas: 1, token: writes.shift() }),
      remove: async () => ({ cas: 1, token: writes.shift() }),
      scan: (_type: unknown, options: { consistentWith: unknown }) => {
        asked = options
        setImmediate(() => stream.emit('end'))
        return stream
      },
    } as unknown as CouchbaseCollection
    const sessions = new Sessions(checked({ prefix }))
    // Two keys, and one partition: so it is where a bucket has fewer than there are room for.
    await sessions.put({ collection, sdk }, 'a', { payload: 'x', expires: null })
    await sessions.put({ collection, sdk }, 'c', { payload: 'x', expires: null })
    await sessions.put({ collection, sdk }, 'b', { payload: 'x', expires: null })
    await sessions.remove({ collection, sdk }, 'c')
    for await (const _ of sessions.list({ collection, sdk })) throw new Error('there is none')
    const data = JSON.parse(JSON.stringify(asked?.consistentWith))
    expect(data).toEqual({ b: { 1: token(1, 9).toJSON(), 2: token(2, 10).toJSON() } })
  })
})

describe('a listing by query', () => {
  const noScan = () => {
    throw new UnsupportedOperationError('unsupported operation')
  }

  it('goes page by page behind the last key, in the right keyspace', async () => {
    const keys = Array.from({ length: 1_200 }, (_, at) => `p:${String(at).padStart(5, '0')}`)
    const asked: string[][] = []
    const query = (statement: string, parameters: string[]) => {
      expect(statement).toContain('FROM `b`.`s`.`c``x` AS d')
      expect(statement).toMatch(/ORDER BY META\(d\)\.id LIMIT 500$/)
      asked.push(parameters)
      return keys.filter((key) => key > (parameters[2] as string)).slice(0, 500)
    }
    expect(await idsOf(list(played({ scan: noScan, query }), sdk, wanted))).toEqual(keys)
    expect(asked.map((parameters) => parameters[2])).toEqual(['', 'p:00499', 'p:00999'])
    expect(asked[0]?.slice(0, 2)).toEqual(['p:', 'p:\u{10ffff}'])
  })

  it('is not supported without an index', async () => {
    const query = () => {
      throw new IndexNotFoundError('no index')
    }
    await expect(idsOf(list(played({ scan: noScan, query }), sdk, wanted))).rejects.toMatchObject({
      code: 'DATABANK_NOT_SUPPORTED',
      message: expect.stringMatching(/index/),
    })
  })

  it('reads each document, and tells hashed ids from it', async () => {
    const ids = ['short', 'k'.repeat(500), '#']
    const documents = new Map(
      ids.map((id) => {
        const { key, isHashed } = placeOf(prefix, id)
        return [key, encode({ payload: `of ${id}`, expires: 5 }, 'w', isHashed ? id : undefined)]
      }),
    )
    const collection = played({ scan: noScan, query: () => [...documents.keys()], get: (key) => documents.get(key) as Buffer })
    const found: unknown[] = []
    for await (const each of new Sessions(checked({ prefix })).list({ collection, sdk })) found.push(each)
    expect(found).toEqual(ids.map((id) => [id, { payload: `of ${id}`, expires: 5 }]))
  })
})
