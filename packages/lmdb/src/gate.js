// Keeps those who open an environment and those who write to it apart, whatever their processes.
//
// Who opens one notes which transaction was the last, as he saw it a moment before; the next writer builds upon that, and what was
// committed between the two is lost. OpenLDAP knows it as ITS#9496 and mended it in 2021, but LMDB's client has a copy from before:
// with lmdb 3.5.6, 300 openings beside one writer lost 12 of his 2,500 updates. So nobody opens while another writes.
import { open } from 'lmdb'
import { requireOpenable } from './preflight.js'

/**
 * The lock for writing of a second environment, which holds nothing. The system frees it when its holder dies, as it does LMDB's
 * own. It is taken before that of the environment itself, by everybody.
 */
export class Gate {
  #root

  /** @param {string} path of the environment that it keeps */
  constructor(path) {
    const own = `${path}-gate`
    requireOpenable(own)
    this.#root = open({ path: own, noSubdir: true, noSync: true, overlappingSync: false })
  }

  /**
   * Does the work while nobody else is inside; waits for whoever is.
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  pass(work) {
    return this.#root.transactionSync(work)
  }

  /**
   * To be called while another process has it open, for the last one to close ends the lock, under whoever has begun to open it. A
   * process that is to end does not close it.
   */
  close() {
    this.#root.close()
  }
}
