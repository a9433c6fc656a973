// Our stores, with their defaults. Each check gets a location of its own.
import { openStore } from 'connect-databank'
import { backends, canList } from '../../testing/backends.js'

/** The methods that a store without listing lacks. */
const LISTING = { all: undefined, length: undefined, clear: undefined }

/** @type {readonly import('./stores.js').GradedStore[]} */
export const ours = backends.map((backend) => {
  const { name, server, isShared = true } = backend
  return {
    name: `@connect-databank/${name}`,
    ours: true,
    ...(server !== undefined && { server }),
    packages: [`@connect-databank/${name}`],
    ...(!canList(backend) && {
      note: `\`all\`, \`length\` and \`clear\` of @connect-databank/${name} are not checked: its stand-in cannot list sessions.`,
    }),
    async prepare({ folder, url: address }) {
      const root = address === '' ? `${name}:${folder}` : address
      return async () => {
        const { url, options } = backend.location({ url: root, stop: async () => {} })
        /** @type {import('connect-databank').DatabankStore[]} */
        const stores = []
        const another = async () => {
          const store = await openStore(url, options)
          stores.push(store)
          return /** @type {any} */ (canList(backend) ? store : Object.assign(store, LISTING))
        }
        const close = async () => void (await Promise.all(stores.map((store) => store.close())))
        return { store: await another(), close, ...(isShared && { another }) }
      }
    },
  }
})
