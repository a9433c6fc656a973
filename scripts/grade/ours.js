// Our stores, with their defaults but for `timeout`. Each check gets a location of its own.
import { DatabankStore, openBank } from 'connect-databank'
import { extend } from 'connect-databank/backend'
import { backends, canList } from '../../testing/backends.js'

/** Long enough for the stand-ins of servers, which are slow on a busy machine, in milliseconds. */
const TIMEOUT = 20_000

const context = { timeout: TIMEOUT, warn: () => {} }

/** The methods that a store without listing lacks. */
const LISTING = { all: undefined, length: undefined, clear: undefined }

/** @type {readonly import('./stores.js').GradedStore[]} */
export const ours = backends.map((backend) => {
  const { name, server, isShared = true } = backend
  return {
    name: `@connect-databank/${name}`,
    ours: true,
    rounding: 0,
    settings: `\`timeout: ${TIMEOUT}\``,
    ...(server !== undefined && { server }),
    packages: [`@connect-databank/${name}`],
    ...(!canList(backend) && {
      note: `\`all\`, \`length\` and \`clear\` of @connect-databank/${name} are not checked: its stand-in cannot list sessions.`,
    }),
    async prepare({ folder, url: address }) {
      const root = address === '' ? `${name}:${folder}` : address
      return async () => {
        const { url, options } = backend.location({ url: root, stop: async () => {} })
        /** Of a backend that cannot be shared: all stores are on one bank, which is closed after them. */
        const only = isShared ? undefined : await openBank(url, options, context)
        /** @type {import('connect-databank').DatabankStore[]} */
        const stores = []
        /** @type {NonNullable<import('./stores.js').OpenedStore['configured']>} */
        const configured = async (settings, layer) => {
          const bank = only === undefined ? await openBank(url, options, context) : extend(only, { close: undefined })
          const store = new DatabankStore({ timeout: TIMEOUT, .../** @type {object} */ (settings), bank: layer(bank) })
          stores.push(store)
          return /** @type {any} */ (canList(backend) ? store : Object.assign(store, LISTING))
        }
        const another = () => configured({}, (bank) => bank)
        const close = async () => {
          await Promise.all(stores.map((store) => store.close()))
          await only?.close?.()
        }
        return { store: await another(), configured, close, ...(isShared && { another }) }
      }
    },
  }
})
