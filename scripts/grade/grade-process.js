// Grades one store in a process of its own: what a store throws into the void, and what ends the process, is nobody else's.
// Arguments: the module that exports `stores`, the store's name, its place. The parent sends the names of the checks.
import { AssertionError } from 'node:assert'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { gradeStore } from '@connect-databank/conformance'

const [module = '', name, place = '{}'] = process.argv.slice(2)
/** @type {readonly import('./stores.js').GradedStore[]} */
const stores = (await import(pathToFileURL(module).href)).stores
const store = stores.find((each) => each.name === name)
if (store === undefined) throw new Error(`no store is called ${name}`)
const open = await store.prepare(JSON.parse(place))

process.on('message', async (/** @type {{ checks: string[], limit: number }} */ { checks, limit }) => {
  for (const check of checks) {
    await tell({ started: check })
    const grades = await gradeStore({ open, limit, only: (each) => each === check })
    for (const { outcome, error, reason } of grades) {
      await tell({ graded: check, outcome, said: error === undefined ? (reason ?? '') : inWords(error) })
    }
  }
  process.exit()
})
process.once('disconnect', () => process.exit())
await tell({ ready: true })

/** What a failure says, in one line. An assertion's own message is many, and may not name the values. @param {Error} error */
function inWords(error) {
  const [first = ''] = error.message.split('\n')
  if (!(error instanceof AssertionError) || !/equal/i.test(error.operator)) return first
  const [actual, expected] = [error.actual, error.expected].map((value) =>
    inspect(value, { breakLength: Infinity, compact: true }),
  )
  return `${error.generatedMessage ? '' : `${first}: `}${actual} instead of ${expected}`
}

/** Resolves when the parent has it: what comes next may end the process. @param {object} message */
function tell(message) {
  return new Promise((resolve) => process.send?.(message, undefined, {}, resolve))
}
