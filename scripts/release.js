// `npm run release`: publishes every package version that the registry does not have; `npx lerna version` sets the versions.
// `npm run release -- --dry-run` publishes to a local registry that keeps nothing, and lists what it received.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { run } from './command.js'
import { install } from './install.js'

const args = process.argv.slice(2).filter((argument) => argument !== '--dry-run')
const isDry = args.length < process.argv.length - 2

await install()
process.exitCode = isDry ? await rehearse() : await publish(args)

/**
 * @param {readonly string[]} options of lerna
 * @param {NodeJS.ProcessEnv} [env]
 */
function publish(options, env = {}) {
  const lerna = 'node_modules/lerna/dist/cli.js'
  return run(process.execPath, [lerna, 'publish', 'from-package', ...options], { env: { ...process.env, ...env } })
}

/** Publishes to a registry that is empty and keeps nothing. */
async function rehearse() {
  /** @type {string[]} */
  const published = []
  const registry = createServer(async (request, response) => {
    if (request.method === 'PUT') published.push(describe(/** @type {any} */ (await json(request))))
    response.writeHead(request.method === 'PUT' ? 201 : 404, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (registry.address())
  const options = ['--yes', '--no-verify-access', '--registry', `http://127.0.0.1:${port}/`, ...args]
  // Provenance needs the identity of a workflow.
  const code = await publish(options, { NPM_CONFIG_PROVENANCE: 'false' })
  registry.close()
  registry.closeAllConnections()
  console.log(['', 'Would be published:', ...published].join('\n'))
  return code
}

/** @param {{ name: string, access: string | null, versions: Record<string, unknown>, _attachments: Record<string, { length: number }> }} document */
function describe({ name, access, versions, _attachments }) {
  const bytes = Object.values(_attachments)[0]?.length ?? 0
  return `  ${name}@${Object.keys(versions)[0]} (${access ?? 'no access set'}, ${Math.ceil(bytes / 1000)} kB)`
}
