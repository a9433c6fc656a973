/** Timers that do not keep the process alive. Where timers are numbers (jsdom), nothing keeps the process alive anyway. */

type Timer = ReturnType<typeof setTimeout>

export function setBackgroundTimeout(run: () => void, milliseconds: number): Timer {
  return unref(setTimeout(run, milliseconds))
}

export function setBackgroundInterval(run: () => void, milliseconds: number): Timer {
  return unref(setInterval(run, milliseconds))
}

function unref(timer: Timer): Timer {
  if (typeof timer === 'object') timer.unref()
  return timer
}
