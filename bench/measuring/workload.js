// Drives a store as express-session does, in the process of the store. What is timed is what the store does and what
// express-session needs to make a live session of it.
import { performance } from 'node:perf_hooks'
import { putForward } from './clock.js'
import { DAY, orderOf, sessionData, sidOf } from './sessions.js'

/**
 * What a store opens: a `store` for express-session, or a bare `client` as the limit of what a store could reach.
 * @typedef {{ get(sid: string): Promise<string>, set(sid: string, text: string, expires: number): Promise<unknown>, touch(sid: string, expires: number): Promise<unknown> }} Client
 * @typedef {{ store?: any, client?: Client, purge?: () => Promise<unknown>, close?: () => unknown }} Opened
 * @typedef {{ rate: number, cpu: number }} Measured operations a second, and CPU µs that one took
 * @typedef {'get' | 'set' | 'touch' | 'mix'} Operation
 * @typedef {{ operation: Operation, concurrency: number, sessions: number, bytes: number, milliseconds: number }} Slice
 */

/** @param {any} store @param {string} sid @param {Record<string, unknown>} data */
function liveSession(store, sid, data) {
  return store.createSession({ sessionID: sid, sessionStore: store }, data)
}

/** @param {number} bytes @param {number} index @param {number} [maxAge] */
function newData(bytes, index, maxAge = DAY) {
  return {
    cookie: { originalMaxAge: maxAge, expires: new Date(Date.now() + maxAge).toISOString(), httpOnly: true, path: '/' },
    ...sessionData(bytes, index),
  }
}

/**
 * Does `work(index)` for every index below `count`, `concurrency` of them at a time.
 * @param {number} count
 * @param {number} concurrency
 * @param {(index: number, done: (error?: unknown) => void) => void} work
 * @returns {Promise<void>}
 */
export function forEach(count, concurrency, work) {
  return new Promise((resolve, reject) => {
    let started = 0
    let ended = 0
    const next = () => {
      if (started === count) return
      work(started++, (error) => {
        if (error) return reject(error)
        ended += 1
        if (ended === count) resolve()
        else next()
      })
    }
    if (count === 0) resolve()
    for (let lane = 0; lane < concurrency; lane += 1) next()
  })
}

/**
 * Stores `count` sessions.
 * @param {Opened} opened
 * @param {number} count
 * @param {number} bytes
 * @param {(index: number) => number} [maxAgeOf]
 */
export async function fill({ store, client }, count, bytes, maxAgeOf = () => DAY) {
  await forEach(count, 64, (index, done) => {
    const sid = sidOf(index)
    const data = newData(bytes, index, maxAgeOf(index))
    if (store !== undefined) store.set(sid, liveSession(store, sid, data), done)
    else whenDone(/** @type {Client} */ (client).set(sid, JSON.stringify(data), Date.now() + DAY), done)
  })
}

/** @param {Promise<unknown>} promise @param {(error?: unknown) => void} done */
function whenDone(promise, done) {
  promise.then(() => done(), done)
}

/**
 * One slice of measuring; null for what the store cannot do.
 * @param {Opened} opened
 * @param {Slice} slice
 * @returns {Promise<Measured | null>}
 */
export async function measure(opened, slice) {
  if (opened.client === undefined && opened.store[slice.operation === 'mix' ? 'get' : slice.operation] === undefined) return null
  const order = orderOf(slice.sessions, 1)
  if (opened.client !== undefined) return timed(slice, clientOperation(opened.client, slice, order))
  if (slice.operation === 'get') return timed(slice, get(opened.store, order))
  if (slice.operation === 'mix') return timed(slice, mix(opened.store, order, slice.sessions))
  return inChunks(opened.store, slice, order)
}

/** @typedef {(done: (error?: unknown) => void) => void} Work */

/** @param {any} store @param {Uint32Array} order @returns {Work} */
function get(store, order) {
  let turn = 0
  return (done) => {
    const sid = sidOf(/** @type {number} */ (order[turn++ % order.length]))
    store.get(sid, (/** @type {unknown} */ error, /** @type {any} */ data) => {
      if (error || !data) return done(error ?? new Error(`${sid} is missing`))
      liveSession(store, sid, data)
      done()
    })
  }
}

// Not from 0: the process before may have stored that.
let views = Date.now() % 1e9

/**
 * What no session had before. What is set must be a change: the slices ask for the same sessions in the same order, and a store may
 * answer a set that changes nothing by a touch.
 */
function newViews() {
  views += 1
  return views
}

/** Between two requests of a session in a `mix`, on average, in milliseconds of the clock that is put forward. */
const APART = 4_000
/** By how much it is put forward at once. */
const STEP = 1_000

/**
 * A request: get, then nine times in ten a touch, and once a set.
 * @param {any} store
 * @param {Uint32Array} order
 * @param {number} sessions
 * @returns {Work}
 */
export function mix(store, order, sessions) {
  const every = Math.ceil((sessions * STEP) / APART)
  let turn = 0
  return (done) => {
    const number = turn++
    if (number % every === 0) putForward(STEP)
    const sid = sidOf(/** @type {number} */ (order[number % order.length]))
    store.get(sid, (/** @type {unknown} */ error, /** @type {any} */ data) => {
      if (error || !data) return done(error ?? new Error(`${sid} is missing`))
      const session = liveSession(store, sid, data)
      if (number % 10 === 0) session.views = newViews()
      session.touch()
      if (number % 10 === 0) store.set(sid, session, done)
      // connect-databank 1.x has no touch; express-session then leaves it out.
      else if (store.touch === undefined) done()
      else store.touch(sid, session, done)
    })
  }
}

/** @param {Client} client @param {Slice} slice @param {Uint32Array} order @returns {Work} */
function clientOperation(client, { operation, bytes }, order) {
  const text = JSON.stringify(newData(bytes, 0))
  let turn = 0
  return (done) => {
    const now = turn++
    const sid = sidOf(/** @type {number} */ (order[now % order.length]))
    const write = () =>
      operation === 'set' || now % 10 === 0 ? client.set(sid, text, Date.now() + DAY) : client.touch(sid, Date.now() + DAY)
    if (operation === 'get') whenDone(client.get(sid), done)
    else if (operation === 'mix') whenDone(client.get(sid).then(write), done)
    else if (operation === 'set') whenDone(write(), done)
    else whenDone(client.touch(sid, Date.now() + DAY), done)
  }
}

/** @param {Slice} slice @param {Work} work @returns {Promise<Measured>} */
async function timed({ concurrency, milliseconds }, work) {
  let operations = 0
  const cpu = process.cpuUsage()
  const start = performance.now()
  await new Promise((resolve, reject) => {
    let lanes = concurrency
    const next = (/** @type {unknown} */ error) => {
      if (error) return reject(error)
      operations += 1
      if (performance.now() - start < milliseconds) work(next)
      else if (--lanes === 0) resolve(undefined)
    }
    for (let lane = 0; lane < concurrency; lane += 1) work(next)
  })
  const rate = (operations / (performance.now() - start)) * 1000
  const { user, system } = process.cpuUsage(cpu)
  return { rate, cpu: (user + system) / operations }
}

/** How many live sessions are loaded at once for each request under way, and how many at least. More would burden the garbage collector. */
const CHUNK_OF_EACH = 2
const SMALLEST_CHUNK = 64

/** How often a live session is touched that was loaded once: to load it takes several times as long. */
const TOUCHES = 8

/**
 * `set` and `touch` work on live sessions that came from `get`: a chunk of them is loaded off the clock, then written on it. The clock
 * stops when the last of a chunk starts: those that are under way then are followed by no others, which is not what is measured.
 * @param {any} store
 * @param {Slice} slice
 * @param {Uint32Array} order
 * @returns {Promise<Measured>}
 */
async function inChunks(store, { operation, concurrency, sessions, milliseconds }, order) {
  const chunk = Math.min(Math.max(SMALLEST_CHUNK, CHUNK_OF_EACH * concurrency), sessions)
  const passes = operation === 'touch' ? TOUCHES : 1
  let [operations, inTime, elapsed, user, system, place] = [0, 0, 0, 0, 0, 0]
  while (elapsed < milliseconds) {
    const sids = new Set()
    while (sids.size < chunk && place < order.length) sids.add(sidOf(/** @type {number} */ (order[place++])))
    place %= order.length
    const live = await load(store, [...sids])
    const count = live.length * passes
    const cpu = process.cpuUsage()
    const start = performance.now()
    await forEach(count, concurrency, (index, done) => {
      if (index % live.length === 0) putForward(STEP)
      if (index === count - 1) elapsed += performance.now() - start
      const session = live[index % live.length]
      if (operation === 'set') session.views = newViews()
      session.touch()
      store[operation](session.id, session, done)
    })
    const used = process.cpuUsage(cpu)
    operations += count
    // All but those that were under way then.
    inTime += Math.max(count - concurrency, 0)
    user += used.user
    system += used.system
  }
  return { rate: (inTime / elapsed) * 1000, cpu: (user + system) / operations }
}

/** @param {any} store @param {readonly string[]} sids */
async function load(store, sids) {
  const live = /** @type {any[]} */ (new Array(sids.length))
  await forEach(sids.length, 32, (index, done) => {
    const sid = /** @type {string} */ (sids[index])
    store.get(sid, (/** @type {unknown} */ error, /** @type {any} */ data) => {
      if (error || !data) return done(error ?? new Error(`${sid} is missing`))
      live[index] = liveSession(store, sid, data)
      done()
    })
  })
  return live
}
