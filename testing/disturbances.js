// What may happen to a server and to the way there, while the tests let histories take place: one of it at a time.

/**
 * @typedef {import('./proxy.js').FaultyProxy} Proxy
 * @typedef {{ freeze(): void, thaw(): void, stop(signal?: NodeJS.Signals): Promise<void>, start(): Promise<unknown> }} Stoppable
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
 * What may be done to a server: frozen, and thawed again; killed with -9, or told to end, and started again.
 * @typedef {'freeze' | 'kill' | 'restart'} OfTheServer
 */

/** @type {Readonly<Record<'kill' | 'restart', NodeJS.Signals>>} */
const signals = { kill: 'SIGKILL', restart: 'SIGTERM' }

/**
 * For `disturb` and `calm` of histories: before each, chance takes one of the disturbances of the way through the proxy, or, where
 * `program` is given, of those of the server. Only one that keeps what it has acknowledged (`survives` says what) may be
 * killed or restarted. Default: it is frozen alone.
 * @param {{ proxy: Proxy, program?: Stoppable, survives?: readonly ('kill' | 'restart')[] }} what
 */
export function disturbances({ proxy, program, survives = [] }) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  /** @type {Promise<unknown>} */
  let underWay = Promise.resolve()
  /** @type {() => unknown} */
  let mend = () => {}
  /** @type {Set<string>} */
  const met = new Set()
  /** @type {readonly OfTheServer[]} */
  const ofTheServer = program === undefined ? [] : ['freeze', ...survives]
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
      } else if (kind === 'kill' || kind === 'restart') {
        after(async () => {
          await program?.stop(signals[kind])
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
