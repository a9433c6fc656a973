import { AsyncResource } from 'node:async_hooks'

/**
 * Timers that do not keep the process alive. Where timers are numbers (jsdom), nothing keeps the process alive anyway. They serve all requests,
 * so they do not run in the asynchronous context (AsyncLocalStorage, spans) of the request that started them.
 */

type Timer = ReturnType<typeof setTimeout>

const noRequest = new AsyncResource('connect-databank')

export function setBackgroundTimeout(run: () => void, milliseconds: number): Timer {
  return unref(noRequest.runInAsyncScope(() => setTimeout(run, milliseconds)))
}

export function setBackgroundInterval(run: () => void, milliseconds: number): Timer {
  return unref(noRequest.runInAsyncScope(() => setInterval(run, milliseconds)))
}

function unref(timer: Timer): Timer {
  if (typeof timer === 'object') timer.unref()
  return timer
}
