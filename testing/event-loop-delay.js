// How long work blocks the event loop. Measured on a quiet machine only.

/**
 * The longest time that `act` blocks the event loop, in milliseconds: the lowest of several tries. A block counts by its CPU time where
 * that is lower than its elapsed time, because other programs delay this one too.
 * @param {number} tries
 * @param {(attempt: number) => Promise<void>} act
 * @returns {Promise<number>}
 */
export async function longestDelay(tries, act) {
  let best = Infinity
  for (let attempt = 0; attempt < tries; attempt++) {
    let longest = 0
    let [time, used] = [performance.now(), process.cpuUsage()]
    const tick = () => {
      const [now, cpu] = [performance.now(), process.cpuUsage(used)]
      longest = Math.max(longest, Math.min(now - time, (cpu.user + cpu.system) / 1000))
      ;[time, used] = [now, process.cpuUsage()]
      next = setImmediate(tick)
    }
    let next = setImmediate(tick)
    await act(attempt)
    clearImmediate(next)
    tick()
    clearImmediate(next)
    best = Math.min(best, longest)
  }
  return best
}
