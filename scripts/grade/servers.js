// The servers of the graded stores, each started when the first store needs it.
import { backends } from '../../testing/backends.js'
import { server } from '../../testing/servers/index.js'

/** @typedef {{ url: string, version: string, stop: () => Promise<unknown> }} Running */

/** Starts each server once. */
export class Servers {
  /** @type {Map<string, Promise<Running>>} */
  #running = new Map()

  /**
   * Rejects with the reason if the server is not available.
   * @param {string} name in testing/servers
   * @returns {Promise<Running>}
   */
  get(name) {
    const running = this.#running.get(name) ?? start(name)
    this.#running.set(name, running)
    return running
  }

  async stop() {
    for (const running of await Promise.allSettled(this.#running.values())) {
      if (running.status === 'fulfilled') await running.value.stop()
    }
  }
}

/** @param {string} name @returns {Promise<Running>} */
async function start(name) {
  const { missing, version } = server(name)
  const backend = backends.find((each) => each.server === name)
  if (missing !== undefined || backend === undefined) throw new Error(missing ?? 'no backend uses it')
  const started = await backend.start()
  return { url: started.url, version: String(version), stop: () => started.stop() }
}
