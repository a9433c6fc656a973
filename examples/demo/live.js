// Tells open pages what changes, by server-sent events: a page that asked again and again would extend its session.
import { html } from './html.js'
import { sessionRows } from './page.js'
import { handleOf, listSessions } from './sessions.js'

const every = 1000 // milliseconds

/**
 * @param {import('./sessions.js').Store} store
 * @param {() => number} merged how many saves were merged
 */
export function liveUpdates(store, merged) {
  /** @type {Map<import('express').Response, { handle: string, sent: string }>} */
  const listeners = new Map()
  let isBusy = false

  async function tell() {
    if (isBusy || listeners.size === 0) return
    isBusy = true
    try {
      const sessions = await listSessions(store)
      for (const [response, listener] of listeners) send(response, listener, sessions)
    } catch {
      // The storage doesn't answer; the page's next request says so.
    } finally {
      isBusy = false
    }
  }

  /**
   * @param {import('express').Response} response
   * @param {{ handle: string, sent: string }} listener
   * @param {readonly import('./sessions.js').Listed[] | undefined} sessions
   */
  function send(response, listener, sessions) {
    // What changes by itself, the remaining time, is left to the page.
    const seen = JSON.stringify([sessions, merged()])
    if (seen === listener.sent) return
    listener.sent = seen
    const own = sessions?.find(({ handle }) => handle === listener.handle)
    const news = {
      isAlive: own !== undefined || sessions === undefined, // can't be told without a list
      left: own?.expires == null ? null : own.expires - Date.now(),
      merged: merged(),
      rows: html`${sessionRows(sessions, listener.handle)}`.toString(),
    }
    response.write(`data: ${JSON.stringify(news)}\n\n`)
  }

  const timer = setInterval(tell, every).unref()

  return {
    /** @param {import('express').Request} request @param {import('express').Response} response */
    listen(request, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.flushHeaders()
      listeners.set(response, { handle: handleOf(request.sessionID), sent: '' })
      response.once('close', () => listeners.delete(response))
      void tell()
    },

    close() {
      clearInterval(timer)
      for (const response of listeners.keys()) response.destroy()
    },
  }
}
