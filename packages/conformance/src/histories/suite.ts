import { type Runner, skip } from '../suite.ts'
import { type HistoryOptions, type HistoryReport, runHistories } from './run.ts'

/** What the suite of histories is given. */
export interface HistorySuiteOptions
  extends Pick<HistoryOptions, 'open' | 'runs' | 'seed' | 'path' | 'limit' | 'atOnce' | 'clocks' | 'rounding'> {
  /** How long one of its tests may take, in milliseconds; for more `runs` by HISTORY_RUNS, so much longer. Default: 60,000. */
  readonly time?: number
}

type Kind = Pick<HistoryOptions, 'calls' | 'faults'> & { name: string; part: number }

const kinds: readonly Kind[] = [
  { name: 'with the calls of the bank in an order of their own', part: 1 / 2, calls: 'ordered' },
  {
    name: 'with calls of the bank that fail, before or after they happen',
    part: 1 / 4,
    calls: 'ordered',
    faults: ['before', 'after'],
  },
  { name: 'with calls as they come', part: 1 / 4, calls: 'as they come' },
]

/**
 * Tells a test runner of random histories: parallel requests of one visitor, on one store or two of the same place, that load,
 * change, save, touch, reload, destroy and regenerate sessions, let them expire and clean up. Whatever the order in which that
 * happens, no acknowledged change of a key that nobody else changed is missing, nothing destroyed is alive, nothing expired is given,
 * every callback is called once, and only what somebody wrote is found.
 *
 * `runs` histories in all. A failure tells the smallest history that shows it, and how to see it again:
 * the environment variables HISTORY_SEED and HISTORY_PATH stand for `seed` and `path`, HISTORY_RUNS for `runs`.
 *
 * @example
 * historyConformance({ describe, it }, {
 *   open: async (layer) => {
 *     const bank = new MyBank()
 *     const open = async () => new DatabankStore({ bank: layer(bank) })
 *     return { store: await open(), another: open, close: () => bank.close() }
 *   },
 * })
 */
export function historyConformance({ describe, it }: Runner, options: HistorySuiteOptions): void {
  const { time = 60_000, runs: usual = 1_000, ...rest } = options
  const { runs: all = usual, ...replay } = fromEnvironment()
  const longer = Math.max(1, all / usual)
  describe('random histories', () => {
    for (const { name, part, ...kind } of kinds) {
      const runs = Math.ceil(all * part)
      // A rest parameter keeps the function's length at 0: mocha and jest take a first parameter for a `done` callback.
      const body = async function (this: unknown, ...args: unknown[]): Promise<void> {
        const report = await runHistories({ ...rest, ...replay, ...kind, runs })
        if (report.skipped !== undefined) skip([args[0], this], report.skipped)
        throwFailure(report)
      }
      it(`${runs} ${name}`, body, time * longer)
    }
  })
}

/** Throws what a report tells of, and says how to see it again. */
export function throwFailure({ seed, failure }: HistoryReport): void {
  if (failure === undefined) return
  const replay = `see it again with HISTORY_SEED=${seed} HISTORY_PATH=${failure.path}`
  const plan = JSON.stringify(failure.plan)
  throw Object.assign(failure.error, { message: `${failure.error.message}\n${replay}\nthe plan: ${plan}` })
}

function fromEnvironment(): Pick<HistoryOptions, 'runs' | 'seed' | 'path'> {
  const { HISTORY_RUNS: runs, HISTORY_SEED: seed, HISTORY_PATH: path } = process.env
  return { ...(runs && { runs: Number(runs) }), ...(seed && { seed: Number(seed) }), ...(path && { path }) }
}
