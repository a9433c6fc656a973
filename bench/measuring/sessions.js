// Sessions as applications keep them, and the order in which they are asked for.

export const DAY = 86_400_000

/** A sequence that is the same in every run. @param {number} seed */
export function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A session id like those of uid-safe: 32 characters. @param {number} index */
export function sidOf(index) {
  return `bench${String(index).padStart(9, '0')}qWvYx7TzR4mKp2sLdN`
}

/**
 * The data of a session: somebody signed in, a basket, what was looked at; as JSON about `bytes` long, its cookie included.
 * @param {number} bytes
 * @param {number} index
 */
export function sessionData(bytes, index) {
  const random = randomOf(index)
  /** @type {Record<string, any>} */
  const data = { passport: { user: 100_000 + index }, csrfSecret: text(random, 18), views: 0 }
  const cookieBytes = 90
  if (bytes < 500) return data
  data['locale'] = 'en-GB'
  data['returnTo'] = `/catalogue/${text(random, 8)}?page=2`
  data['flash'] = { info: ['Welcome back!'] }
  data['basket'] = { currency: 'EUR', coupon: null, items: /** @type {unknown[]} */ ([]) }
  data['seen'] = /** @type {unknown[]} */ ([])
  let length = JSON.stringify(data).length + cookieBytes
  for (let turn = 0; length < bytes; turn += 1) {
    const item =
      turn % 2 === 0
        ? {
            sku: text(random, 10),
            title: `${text(random, 6)} ${text(random, 9)}`,
            quantity: 1 + (turn % 3),
            price: Math.round(random() * 1e4) / 100,
            gift: false,
          }
        : { path: `/item/${text(random, 12)}`, at: 1_700_000_000_000 + Math.floor(random() * 1e9) }
    ;(turn % 2 === 0 ? data['basket'].items : data['seen']).push(item)
    length += JSON.stringify(item).length + 1
  }
  return data
}

/** @param {() => number} random @param {number} length */
function text(random, length) {
  let made = ''
  while (made.length < length) made += Math.floor(random() * 2 ** 40).toString(36)
  return made.slice(0, length)
}

/**
 * Which of `count` sessions are asked for, one after the other: a long list that is repeated.
 * @param {number} count
 * @param {number} seed
 */
export function orderOf(count, seed) {
  const random = randomOf(seed)
  return new Uint32Array(1 << 17).map(() => Math.floor(random() * count))
}
