// The stores that are graded: what each is called, which server it needs, and how one is opened for a check.
import { ours } from './ours.js'
import { peers } from './peers.js'

/**
 * Where a store keeps its sessions: a folder that nobody else uses, and the address of its server.
 * @typedef {{ folder: string, url: string }} Place
 *
 * @typedef {import('@connect-databank/conformance').OpenedStore} OpenedStore
 *
 * @typedef {object} GradedStore
 * @property {string} name
 * @property {boolean} [ours]
 * @property {string} [server] its name in testing/servers
 * @property {string} [settings] what is set that its documentation offers and that helps it
 * @property {string} [note] what a reader of its grades must know
 * @property {readonly string[]} packages whose versions are told, the store's own first
 * @property {(place: Place) => Promise<() => Promise<OpenedStore>>} prepare gives what opens a fresh, empty store for each check
 */

/** In the order of the table's columns. @type {readonly GradedStore[]} */
export const stores = [...ours, ...peers]
