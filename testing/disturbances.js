// Faults of a server and of the network to it, one at a time, while the conformance suite runs histories.

/**
 * @typedef {import('./proxy.js').FaultyProxy} Proxy
 * @typedef {{ freeze(): void, thaw(): void, stop(signal?: NodeJS.Signals): Promise<void>, start(): Promise<unknown> }} Stoppable
 * @typedef {(bound: number) => number} Random whole numbers below the bound
 */

/** Delayed faults happen within so many milliseconds. */
const LATER = 25

/** @type {Readonly<Record<string, (proxy: Proxy, name: string, random: Random, after: (work: () => unknown) => void) => unknown>>} */
const networkFaults = {
  'cut at some moment': (proxy, _name, _random, after) => after(() => proxy.cut()),
  'cut before the request': (proxy, name, random) => repeat(random(3) + 1, () => proxy.cutBefore(name)),
  'cut after the request': (proxy, name, random) => repeat(random(3) + 1, () => proxy.cutAfter(name)),
  'cut in the middle of the reply': (proxy, name, random) => proxy.cutWithin(name, random(40) + 1),
  'no connection': (proxy, _name, _random, after) => after(() => proxy.refuse()),
  silence: (proxy, _name, _random, after) => after(() => proxy.silence()),
  delay: (proxy, _name, random) => proxy.slowDown({ delay: random(30) + 1 }),
  drip: (proxy, _name, random) => proxy.slowDown({ delay: 1, bytes: random(60) + 20 }),
}

/** @typedef {'freeze' | 'kill' | 'restart'} ServerFault `kill`: with SIGKILL; `restart`: with SIGTERM; both start it again */

/** @type {Readonly<Record<'kill' | 'restart', NodeJS.Signals>>} */
const SIGNALS = { kill: 'SIGKILL', restart: 'SIGTERM' }

/**
 * `disturb` and `calm` for histories. Before each history, chance selects one fault of the network or, if `program` is given, of the server.
 * @param {object} what
 * @param {Proxy} what.proxy
 * @param {Stoppable} [what.program]
 * @param {readonly ('kill' | 'restart')[]} [what.survives] the faults without a loss of acknowledged writes. Default: none, so the server
 *   is only frozen
 */
export function disturbances({ proxy, program, survives = [] }) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  /** @type {Promise<unknown>} */
  let running = Promise.resolve()
  /** @type {() => unknown} */
  let undo = () => {}
  /** @type {Set<string>} */
  const met = new Set()
  /** @type {readonly ServerFault[]} */
  const serverFaults = program === undefined ? [] : ['freeze', ...survives]
  const names = [...Object.keys(networkFaults), ...serverFaults]

  return {
    /** The names of the faults so far. */
    met,

    /** @param {string} name @param {Random} random */
    async disturb(name, random) {
      const kind = /** @type {string} */ (names[random(names.length)])
      met.add(kind)
      const after = (/** @type {() => unknown} */ work) => {
        timer = setTimeout(() => {
          running = Promise.resolve(work())
        }, random(LATER))
      }
      if (kind === 'freeze') {
        undo = () => program?.thaw()
        after(() => program?.freeze())
      } else if (kind === 'kill' || kind === 'restart') {
        after(async () => {
          await program?.stop(SIGNALS[kind])
          await program?.start()
        })
      } else {
        void networkFaults[kind]?.(proxy, `${name}.`, random, after)
      }
    },

    async calm() {
      clearTimeout(timer)
      await running
      undo()
      undo = () => {}
      await proxy.calm()
    },
  }
}

/** @param {number} times @param {() => unknown} work */
function repeat(times, work) {
  for (let time = 0; time < times; time++) void work()
}
