import assert from 'node:assert/strict'
import { it } from 'vitest'
import { Coalescer } from '../src/backend/coalescer.ts'

it('requests that come in together are sent in batches no heavier than the limit', async () => {
  const batches: (readonly string[])[] = []
  const one = async (text: string): Promise<number> => {
    batches.push([text])
    return text.length
  }
  const many = async (texts: readonly string[]): Promise<number[]> => {
    batches.push(texts)
    return texts.map((text) => text.length)
  }
  const coalescer = new Coalescer(one, many, { weightOf: (text) => text.length, weight: 5 })
  const results = await Promise.all(['aa', 'bb', 'cc', 'dddddd', 'e'].map((text) => coalescer.request(text)))
  assert.deepEqual(results, [2, 2, 2, 6, 1])
  assert.deepEqual(batches, [['aa', 'bb'], ['cc'], ['dddddd'], ['e']])
})

it('a result that is a promise is its own request’s alone', async () => {
  const one = async (): Promise<string> => assert.fail('nothing is sent alone')
  const many = async (items: readonly number[]): Promise<(string | Promise<string>)[]> =>
    items.map((item) => (item === 1 ? Promise.reject(new Error('only this one')) : item === 2 ? Promise.resolve('later') : 'now'))
  const coalescer = new Coalescer<number, string>(one, many)
  const results = await Promise.allSettled([0, 1, 2].map((item) => coalescer.request(item)))
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message)),
    ['now', 'only this one', 'later'],
  )
})
