// How long work stops the event loop, for what is timed on a quiet machine.

/**
 * The longest turn of the event loop while this is done, in milliseconds, of several tries the best. A turn counts with its time
 * on the processor where that is less than its time on the clock: other programs stop us as well.
 * @param {number} tries
 * @param {(attempt: number) => Promise<void>} act
 * @returns {Promise<number>}
 */
export async function longestTurn(tries, act) {
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
