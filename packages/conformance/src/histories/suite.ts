import { type Runner, skip } from '../suite.ts'
import { type HistoryOptions, type HistoryReport, runHistories } from './histories.ts'

/** Options of the suite of histories. */
export interface HistorySuiteOptions
  extends Pick<HistoryOptions, 'open' | 'owners' | 'runs' | 'seed' | 'path' | 'limit' | 'atOnce' | 'clocks' | 'rounding'> {
  /** The longest time of one test, in milliseconds; with more `runs` by HISTORY_RUNS, proportionally longer. Default: 60,000. */
  readonly time?: number
}

type Kind = Pick<HistoryOptions, 'calls' | 'faults'> & { name: string; part: number }

const KINDS: readonly Kind[] = [
  { name: 'with the calls of the bank in a random order', part: 1 / 2, calls: 'ordered' },
  {
    name: 'with calls of the bank that fail, before or after they happen',
    part: 1 / 4,
    calls: 'ordered',
    faults: ['before', 'after'],
  },
  { name: 'with calls as they come', part: 1 / 4, calls: 'as they come' },
]

/**
 * Registers random histories: parallel requests of one visitor, on one store or on two with the same storage, that load, change, save,
 * touch, reload, destroy and regenerate sessions, let them expire and clean up. In every order, an acknowledged change of a
 * key is found unless another request changed the same key, no destroyed or expired session is returned, every callback is called once,
 * and only written values are found.
 *
 * `runs` is the number of histories. A failure shows the smallest failing history, and how to repeat it: the environment variables
 * HISTORY_SEED and HISTORY_PATH replace `seed` and `path`, HISTORY_RUNS replaces `runs`.
 *
 * @example
 * historyConformance({ describe, it }, {
 *   owners: true,
 *   open: async (layer) => {
 *     const bank = new MyBank()
 *     const open = async () => new DatabankStore({ bank: layer(bank), owner: ownerInHistories })
 *     return { store: await open(), another: open, close: () => bank.close() }
 *   },
 * })
 */
export function historyConformance({ describe, it }: Runner, options: HistorySuiteOptions): void {
  const { time = 60_000, runs: usual = 1_000, ...rest } = options
  const { runs: all = usual, ...replay } = fromEnvironment()
  const longer = Math.max(1, all / usual)
  describe('random histories', () => {
    for (const { name, part, ...kind } of KINDS) {
      const runs = Math.ceil(all * part)
      // A rest parameter keeps the function's length at 0: mocha and Jest take a first parameter for a `done` callback.
      const body = async function (this: unknown, ...args: unknown[]): Promise<void> {
        const report = await runHistories({ ...rest, ...replay, ...kind, runs })
        if (report.skipped !== undefined) skip([args[0], this], report.skipped)
        throwFailure(report)
      }
      it(`${runs} ${name}`, body, time * longer)
    }
  })
}

/** Throws the failure of a report, and says how to repeat it. */
export function throwFailure({ seed, failure }: HistoryReport): void {
  if (failure === undefined) return
  const replay = `repeat it with HISTORY_SEED=${seed} HISTORY_PATH=${failure.path}`
  const plan = JSON.stringify(failure.plan)
  throw Object.assign(failure.error, { message: `${failure.error.message}\n${replay}\nthe plan: ${plan}` })
}

function fromEnvironment(): Pick<HistoryOptions, 'runs' | 'seed' | 'path'> {
  const { HISTORY_RUNS: runs, HISTORY_SEED: seed, HISTORY_PATH: path } = process.env
  return { ...(runs && { runs: Number(runs) }), ...(seed && { seed: Number(seed) }), ...(path && { path }) }
}
