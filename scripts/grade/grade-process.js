// Grades one store in a process of its own, so that uncaught errors and the end of the process concern this store only.
// Arguments: the module that exports `stores`, the store's name, its location. The parent sends the names of the checks.
import { AssertionError } from 'node:assert'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { gradeStore } from '@connect-databank/conformance'

const [module = '', name, location = '{}'] = process.argv.slice(2)
/** @type {readonly import('./stores.js').GradedStore[]} */
const stores = (await import(pathToFileURL(module).href)).stores
const store = stores.find((each) => each.name === name)
if (store === undefined) throw new Error(`no store is called ${name}`)
const { rounding } = store
const open = await store.prepare(JSON.parse(location))

process.on('message', async (/** @type {{ checks: string[], limit: number }} */ { checks, limit }) => {
  for (const check of checks) {
    await send({ started: check })
    const grades = await gradeStore({ open, limit, ...(rounding !== undefined && { rounding }), only: (each) => each === check })
    for (const { outcome, error, reason } of grades) {
      await send({ graded: check, outcome, reason: error === undefined ? (reason ?? '') : oneLine(error) })
    }
  }
  process.exit()
})
process.once('disconnect', () => process.exit())
await send({ ready: true })

/** The message of a failure in one line. An assertion's own message has several lines, and may not name the values. @param {Error} error */
function oneLine(error) {
  const [first = ''] = error.message.split('\n')
  if (!(error instanceof AssertionError) || !/equal/i.test(error.operator)) return first
  const [actual, expected] = [error.actual, error.expected].map((value) =>
    inspect(value, { breakLength: Infinity, compact: true }),
  )
  return `${error.generatedMessage ? '' : `${first}: `}${actual} instead of ${expected}`
}

/** Resolves when the parent has received the message, because the next check may end the process. @param {object} message */
function send(message) {
  return new Promise((resolve) => process.send?.(message, undefined, {}, resolve))
}
