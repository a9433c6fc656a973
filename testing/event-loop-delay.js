// How long work stops the event loop, for what is timed on a quiet machine.

/**
 * The longest time that the event loop is blocked while this is done, in milliseconds: the best of several tries. A block counts with its time
 * on the processor where that is less than its time on the clock: other programs stop us as well.
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
