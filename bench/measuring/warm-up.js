// What is measured is an application that runs, not one that starts.

/**
 * What all questions have in common is compiled after about so many operations; how long (ms) they may take. All stores get as many, and
 * each question goes on from there (`untilWarm`). Where other sessions take the place of those, only caches have to become warm again.
 */
export const FIRST = { operations: 50_000, milliseconds: 3_000 }
export const LATER = { operations: 10_000, milliseconds: 1_000 }
/** A quick run takes a part of that time: all stores seem to cost more than they do, and those with more code even more. */
const QUICK = 1 / 3

/**
 * Fills the store, and lets the compiler see what will be measured.
 * @param {import('./workers.js').Worker} worker
 * @param {{ sessions: number, bytes: number, quick: boolean }} setting
 * @param {typeof FIRST} enough
 */
export async function warmUp(worker, { sessions, bytes, quick }, { operations, milliseconds } = FIRST) {
  await worker.do('fill', sessions, bytes)
  const end = Date.now() + milliseconds * (quick ? QUICK : 1)
  for (let done = 0; done < operations && Date.now() < end; ) {
    // A store that batches operations runs other code for a single one.
    for (const concurrency of [128, 1]) {
      for (const operation of ['mix', 'set']) {
        const slice = { operation, concurrency, sessions, bytes, milliseconds: 300 }
        done += (await worker.do('measure', slice)).rate * 0.3
      }
    }
  }
}

/** So often in a row something may be no cheaper than before until it is taken as warm, and so often it is done at most. */
const SAME = 2
const MOST = 6
/** A cost counts as cheaper if it is below this share of the lowest so far; above it, the difference is noise. */
const CHEAPER = 0.95

/**
 * Does what will be measured until it gets no cheaper. What is measured next may take code that nothing before has taken; and a process
 * that has waited long for the others finds its caches cold. The first quarter of a second of a `mix` at 16 cost up to four times what
 * the fifth did, and a store of more code needs more of them.
 * @param {() => Promise<number | undefined>} costOf does it once; undefined if it cannot be done
 * @param {boolean} quick a quick run has no time for that
 */
export async function untilWarm(costOf, quick) {
  if (quick) return
  let lowest = Number.POSITIVE_INFINITY
  for (let [done, same] = [0, 0]; done < MOST && same < SAME; done += 1) {
    const cost = await costOf()
    if (cost === undefined) return
    same = cost < lowest * CHEAPER ? 0 : same + 1
    lowest = Math.min(lowest, cost)
  }
}
