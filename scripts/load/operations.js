// A million operations of a memory store, in a process of its own. Reports how much the heap has grown.
import { MemoryStore } from '@connect-databank/memory'
import { collected } from './memory.js'

const operations = Number(process.env['OPERATIONS'] || 1_000_000)
const visitors = 1_000
const atOnce = 16

const store = new MemoryStore()
const hour = 3_600_000

/** @param {(callback: (error?: unknown, value?: any) => void) => void} call @returns {Promise<any>} */
const promised = (call) => new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))))

/** One request of a visitor: get, then a touch or, one time in ten, a set. Every hundredth logs out and in again. */
async function visit(/** @type {number} */ number) {
  const sid = `visitor ${number % visitors}`
  const found = await promised((callback) => store.get(sid, callback))
  const request = /** @type {any} */ ({ sessionID: sid, sessionStore: store })
  const live = found === null ? fresh(request) : store.createSession(request, found)
  live.visits = number
  live.cookie.maxAge = hour
  if (number % 100 === 0) return promised((callback) => store.destroy(sid, callback))
  if (found === null || number % 10 === 0) return promised((callback) => store.set(sid, live, callback))
  return promised((callback) => store.touch(sid, live, callback))
}

/** @param {any} request */
function fresh(request) {
  const live = store.createSession(request, /** @type {any} */ ({ cookie: { maxAge: hour }, cart: 'x'.repeat(500) }))
  return /** @type {any} */ (live)
}

let number = 0
/** @param {number} until */
async function work(until) {
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      // Two operations a visit.
      while (number < until / 2) await visit(number++)
    }),
  )
}

const first = operations / 10
await work(first)
const before = await collected()
await work(first + operations)
const grown = (await collected()) - before
process.send?.({ operations, grown })
await store.close()
process.disconnect?.()
