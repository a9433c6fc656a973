// The baseline for correct stores on Redis: the commands that such a store cannot do without, and nothing else. A read asks for the session
// and for its expiry, since a touch changes the expiry alone. A write is a compare-and-swap of a version. It merges nothing, has no deadlines,
// and needs a server that is up.
import { createHash } from 'node:crypto'
import session from 'express-session'
import { createClient } from 'redis'

const VERSION_LENGTH = 16
const SWAP = `
if redis.call('GETRANGE', KEYS[1], -#ARGV[1], -1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1
`
const SWAP_SHA = createHash('sha1').update(SWAP).digest('hex')

class RedisBaselineStore extends session.Store {
  /** The version that each session was loaded with. @type {WeakMap<object, string>} */
  #versions = new WeakMap()
  #writes = 0

  /** @param {any} client @param {string} prefix */
  constructor(client, prefix) {
    super()
    this.client = client
    this.prefix = prefix
  }

  /** @override @param {string} sid @param {(error: unknown, session?: any) => void} callback */
  get(sid, callback) {
    const key = this.prefix + sid
    const replies = [this.client.sendCommand(['GET', key]), this.client.sendCommand(['PEXPIRETIME', key])]
    Promise.all(replies).then(([text, expires]) => process.nextTick(callback, null, this.#sessionOf(text, expires)), callback)
  }

  /** @override @param {any} request @param {any} data */
  createSession(request, data) {
    const version = this.#versions.get(data)
    const live = super.createSession(request, data)
    if (version !== undefined) this.#versions.set(live, version)
    return live
  }

  /** @override @param {string} sid @param {any} live @param {(error?: unknown) => void} callback */
  set(sid, live, callback) {
    const key = this.prefix + sid
    const version = this.#newVersion()
    const text = JSON.stringify(live) + version
    const expires = String(live.cookie.expires.getTime())
    const before = this.#versions.get(live)
    const command =
      before === undefined ? ['SET', key, text, 'PXAT', expires] : ['EVALSHA', SWAP_SHA, '1', key, before, text, expires]
    this.#versions.set(live, version)
    this.client.sendCommand(command).then((/** @type {unknown} */ reply) => {
      process.nextTick(callback, reply === 0 ? new Error('another write was faster') : null)
    }, callback)
  }

  /** @override @param {string} sid @param {any} live @param {(error?: unknown) => void} callback */
  touch(sid, live, callback) {
    const command = ['PEXPIREAT', this.prefix + sid, String(live.cookie.expires.getTime())]
    this.client.sendCommand(command).then(() => process.nextTick(callback, null), callback)
  }

  /** The benchmark never calls it. @override @param {string} _sid @param {(error?: unknown) => void} [callback] */
  destroy(_sid, callback) {
    callback?.(new Error('a baseline store destroys nothing'))
  }

  /** @param {string} text @param {number} expires */
  #sessionOf(text, expires) {
    const data = JSON.parse(text.slice(0, -VERSION_LENGTH))
    data.cookie.expires = new Date(expires)
    this.#versions.set(data, text.slice(-VERSION_LENGTH))
    return data
  }

  #newVersion() {
    this.#writes += 1
    return `${process.pid}-${this.#writes}`.padStart(VERSION_LENGTH)
  }
}

/** @type {import('./index.js').MeasuredStore} */
export const redisBaseline = {
  name: 'baseline store: the commands of a correct store, redis 6, time-out off',
  limit: true,
  fullOnly: true,
  open: async ({ url, namespace }) => {
    const client = createClient({ url, commandOptions: /** @type {any} */ ({ timeout: undefined }) })
    await client.connect()
    await client.scriptLoad(SWAP)
    return { store: new RedisBaselineStore(client, `${namespace}:`), close: () => client.close() }
  },
}
