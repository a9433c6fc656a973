import assert from 'node:assert/strict'

/** The code that this fails with. Fails if it takes much longer than the time-out: a busy machine adds to it. */
export async function failureOf(work: Promise<unknown>, timeout: number): Promise<string> {
  const start = Date.now()
  const code = await work.then(
    () => 'none',
    (error) => error.code,
  )
  const took = Date.now() - start
  assert.ok(took < timeout * 2, `it took ${took} ms`)
  return code
}
