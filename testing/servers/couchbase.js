// CouchbaseMock, the data service of the tests of Couchbase's own clients: Maven fetches it into .cache, Java runs it.
// `COUCHBASE_URL` (couchbase://user:password@host/bucket) adds a real cluster, for the conformance suites only.
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, Program } from '../program.js'
import { onPath, run } from '../tools/command.js'
import { cacheFolder, server } from './index.js'

const VERSION = '1.5.27'
const folder = join(cacheFolder, 'couchbase')
const jar = join(folder, `CouchbaseMock-${VERSION}.jar`)

const LACKING =
  'to list sessions (all, length, clear) on a Couchbase cluster: there is only CouchbaseMock, which has neither range scan nor ' +
  'query service; set COUCHBASE_URL to a real one'

export const packageName = 'couchbase'
export const title = 'Couchbase'

/** @returns {Promise<{ java: string, jar: string, version: string, url?: string, lacking?: string }>} */
export async function provide() {
  const url = process.env['COUCHBASE_URL']
  const java = await onPath('java')
  if (java === undefined) throw new Error('no java on the PATH')
  await fetchJar()
  const version = url ? 'Couchbase' : `CouchbaseMock ${VERSION}, a stand-in`
  return { java, jar, version, ...(url ? { url } : { lacking: LACKING }) }
}

async function fetchJar() {
  if (await isThere(jar)) return
  const maven = await onPath('mvn')
  if (maven === undefined) throw new Error('no mvn on the PATH to fetch CouchbaseMock with')
  await mkdir(folder, { recursive: true })
  const artifact = `com.couchbase.mock:CouchbaseMock:${VERSION}`
  const goals = ['dependency:get', `-Dartifact=${artifact}`, 'dependency:copy', `-DoutputDirectory=${folder}`]
  await run(maven, ['-B', '-q', `-Dmaven.repo.local=${join(cacheFolder, 'maven')}`, ...goals], { cwd: folder })
}

/** @param {string} path */
function isThere(path) {
  return access(path).then(
    () => true,
    () => false,
  )
}

const options = ['-c', '-n', '1', '-R', '0', '-v', '64', '-b', 'default:']
/** @param {number} port @returns {string[]} */
const asItIs = (port) => ['com.couchbase.mock.CouchbaseMock', ...options, '-p', String(port)]

/**
 * Starts a server with one bucket, `default`, and any user. It keeps its data in memory: after `restart` it is empty, on the port that
 * `restart` returns.
 * @param {{ java: string, jar: string }} [provided]
 * @param {(port: number) => string[]} [main] the arguments of Java, with CouchbaseMock on its class path
 * @returns {Promise<{ program: Program, port: number, url: string, restart: () => Promise<number>, stop: () => Promise<void> }>}
 */
export async function startCouchbase({ java, jar } = found(), main = asItIs) {
  const port = await freePort()
  const program = new Program({
    command: String(java),
    args: ['-Xmx256m', '-cp', String(jar), ...main(port)],
    ready: async () => (await dataPort(port)) !== undefined,
  })
  await program.start()
  const chosen = async () => /** @type {number} */ (await dataPort(port))
  const data = await chosen()
  const url = `couchbase://user:password@127.0.0.1:${data}/default`
  const restart = async () => {
    await program.restart()
    return chosen()
  }
  return { program, port: data, url, restart, stop: () => program.stop() }
}

/** The result of `provide`. */
function found() {
  const { missing, java, jar } = server('couchbase')
  if (missing !== undefined) throw new Error(`no CouchbaseMock: ${missing}`)
  return { java: String(java), jar: String(jar) }
}

/**
 * The port of the data service, which the server chooses.
 * @param {number} port
 * @returns {Promise<number | undefined>}
 */
async function dataPort(port) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/pools/default/buckets/default`)
    const { nodes } = /** @type {{ nodes: { ports: { direct: number } }[] }} */ (await response.json())
    return nodes[0]?.ports.direct
  } catch {
    return undefined
  }
}
