// What is measured is an application that runs, not one that starts.

/**
 * After about so many operations the compiler is done with what is measured; how long (ms) they may take. Stores of more code need more of
 * them, and all get as many. Where other sessions take the place of those, only caches have to become warm again.
 */
export const FIRST = { operations: 150_000, milliseconds: 9_000 }
export const LATER = { operations: 20_000, milliseconds: 2_000 }
/** A quick run takes a part of that time: all of its stores look dearer than they are, and those of more code more so. */
const QUICK = 1 / 9

/**
 * Fills the store, and lets the compiler see what will be measured.
 * @param {import('./crew.js').Member} member
 * @param {{ sessions: number, bytes: number, quick: boolean }} setting
 * @param {typeof FIRST} enough
 */
export async function warmUp(member, { sessions, bytes, quick }, { operations, milliseconds } = FIRST) {
  await member.do('fill', sessions, bytes)
  const end = Date.now() + milliseconds * (quick ? QUICK : 1)
  for (let done = 0; done < operations && Date.now() < end; ) {
    // A store whose operations travel together has other code for one that travels alone.
    for (const concurrency of [128, 1]) {
      for (const operation of ['mix', 'set']) {
        const slice = { operation, concurrency, distribution: 'uniform', sessions, bytes, milliseconds: 300 }
        done += (await member.do('measure', slice)).rate * 0.3
      }
    }
  }
}
