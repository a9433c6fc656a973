// What may happen to a server and to the way there, while the tests let histories take place: one of it at a time.

/**
 * @typedef {import('./proxy.js').FaultyProxy} Proxy
 * @typedef {{ freeze(): void, thaw(): void, stop(): Promise<void>, start(): Promise<unknown> }} Stoppable
 * @typedef {(bound: number) => number} Random whole numbers below the bound
 */

/** All disturbances of the way, by name. Those that come later come within so many milliseconds. */
const later = 25

/** @type {Readonly<Record<string, (proxy: Proxy, name: string, random: Random, after: (work: () => unknown) => void) => unknown>>} */
const ofTheWay = {
  'cut at some moment': (proxy, _name, _random, after) => after(() => proxy.cut()),
  'cut before the request': (proxy, name, random) => repeat(random(3) + 1, () => proxy.cutBefore(name)),
  'cut after the request': (proxy, name, random) => repeat(random(3) + 1, () => proxy.cutAfter(name)),
  'cut in the middle of the reply': (proxy, name, random) => proxy.cutWithin(name, random(40) + 1),
  'no connection': (proxy, _name, _random, after) => after(() => proxy.refuse()),
  silence: (proxy, _name, _random, after) => after(() => proxy.silence()),
  delay: (proxy, _name, random) => proxy.slowDown({ delay: random(30) + 1 }),
  drip: (proxy, _name, random) => proxy.slowDown({ delay: 1, bytes: random(60) + 20 }),
}

/**
 * For `disturb` and `calm` of histories: before each, chance takes one of the disturbances of the way through the proxy, or, where
 * `program` is given, freezes it; where it keeps what it has acknowledged (`isDurable`), kills and restarts it, too.
 * @param {{ proxy: Proxy, program?: Stoppable, isDurable?: boolean }} what
 */
export function disturbances({ proxy, program, isDurable = false }) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  /** @type {Promise<unknown>} */
  let underWay = Promise.resolve()
  /** @type {() => unknown} */
  let mend = () => {}
  /** @type {Set<string>} */
  const met = new Set()
  const ofTheServer = program === undefined ? [] : isDurable ? ['freeze', 'kill'] : ['freeze']
  const names = [...Object.keys(ofTheWay), ...ofTheServer]

  return {
    /** The names of those that there were. */
    met,

    /** @param {string} name @param {Random} random */
    async disturb(name, random) {
      const kind = /** @type {string} */ (names[random(names.length)])
      met.add(kind)
      const after = (/** @type {() => unknown} */ work) => {
        timer = setTimeout(() => {
          underWay = Promise.resolve(work())
        }, random(later))
      }
      if (kind === 'freeze') {
        mend = () => program?.thaw()
        after(() => program?.freeze())
      } else if (kind === 'kill') {
        after(async () => {
          await program?.stop()
          await program?.start()
        })
      } else {
        void ofTheWay[kind]?.(proxy, `${name}.`, random, after)
      }
    },

    async calm() {
      clearTimeout(timer)
      await underWay
      mend()
      mend = () => {}
      await proxy.calm()
    },
  }
}

/** @param {number} times @param {() => unknown} work */
function repeat(times, work) {
  for (let time = 0; time < times; time++) void work()
}
