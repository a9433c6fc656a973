// What is measured: for each backend our store, its peers, and the bare client as the limit.

/**
 * Where a store keeps its sessions: the address of the server, a name of its own there, a folder of its own.
 * @typedef {{ url: string, namespace: string, folder: string }} Target
 * `questions`: those that it is asked, if not all. `fullOnly`: a quick run goes without it.
 * @typedef {{ name: string, ours?: boolean, limit?: boolean, questions?: string[], fullOnly?: boolean, open: (target: Target) => Promise<import('../measuring/workload.js').Opened> }} MeasuredStore
 * @typedef {object} Backend
 * @property {string} title
 * @property {string} [server] its name in testing/servers
 * @property {boolean} [inProcess] the sessions are in the memory of the client process
 * @property {boolean} [shared] foreign keys can stand beside the sessions
 * @property {number} [sessions] how many sessions are kept, where a slow stand-in takes long to fill
 * @property {MeasuredStore[]} stores
 */

export const backendNames = ['memory', 'files', 'sqlite', 'postgres', 'mysql', 'redis', 'mongodb', 'couchbase']

/** @param {string} name @returns {Promise<Backend>} */
export function backendOf(name) {
  return import(`./${name}.js`)
}
