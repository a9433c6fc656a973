// The graded stores: their names, the servers that they need, and how each is opened for a check.
import { ours } from './ours.js'
import { peers } from './peers.js'

/**
 * Where a store keeps its sessions: a folder of its own, and the address of its server.
 * @typedef {{ folder: string, url: string }} Location
 *
 * @typedef {import('@connect-databank/conformance').OpenedStore} OpenedStore
 *
 * @typedef {object} GradedStore
 * @property {string} name
 * @property {boolean} [ours]
 * @property {number} [rounding] as in `storeConformance`. Default: 1,000
 * @property {string} [server] its name in testing/servers
 * @property {string} [settings] the settings of its documentation that are on because they help it
 * @property {string} [note] what a reader of its grades has to know
 * @property {readonly string[]} packages whose versions are shown, the store's own first
 * @property {(location: Location) => Promise<() => Promise<OpenedStore>>} prepare returns a function that opens an empty store for a check
 */

/** In the order of the table. @type {readonly GradedStore[]} */
export const stores = [...ours, ...peers]
