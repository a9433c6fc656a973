// MongoDB: a mongod on the PATH, else SecantusDB, a stand-in from the Python registry that implements MongoDB's protocol.
// `MONGODB_URL` adds a server, for the conformance suites only.
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { freePort, isListening, Program, scratchFolder, until } from '../program.js'
import { makeCertificate } from '../tools/certificate.js'
import { isProgram, onPath, run } from '../tools/command.js'
import { cacheFolder, server } from './index.js'

const VERSION = '0.7.0b3'
const environment = join(cacheFolder, `secantus-${VERSION}`)

/**
 * An address from MONGODB_URL, a program and its kind, or both.
 * @typedef {{ url?: string, program?: string, kind?: 'mongod' | 'secantus', version?: string, missing?: string }} Mongodb
 */

export const packageName = 'mongodb'
export const title = 'MongoDB'

/** @returns {Promise<Mongodb>} */
export async function provide() {
  const given = process.env['MONGODB_URL']
  const url = given === undefined || given === '' ? {} : { url: given }
  const mongod = await onPath('mongod')
  if (mongod !== undefined) {
    const [, number] = /db version v(\S+)/.exec(await run(mongod, ['--version'])) ?? []
    return { ...url, program: mongod, kind: 'mongod', version: `MongoDB ${number}` }
  }
  try {
    return { ...url, program: await fetchSecantus(), kind: 'secantus', version: `SecantusDB ${VERSION}, a stand-in` }
  } catch (error) {
    if (url.url !== undefined) return url
    throw error
  }
}

async function fetchSecantus() {
  const program = join(environment, 'bin/secantusd-py')
  const complete = join(environment, 'complete')
  if ((await isProgram(program)) && (await isReadable(complete))) return program
  const python = (await onPath('python3')) ?? (await onPath('python'))
  if (python === undefined) throw new Error('neither mongod nor python3 is on the PATH')
  await mkdir(cacheFolder, { recursive: true })
  await run(python, ['-m', 'venv', '--clear', environment])
  await run(join(environment, 'bin/python'), [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    `SecantusDB==${VERSION}`,
  ])
  await writeFile(complete, '')
  return program
}

/** @param {string} path */
async function isReadable(path) {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * @typedef {object} MongodbOptions
 * @property {boolean} [auth] requires credentials; `url` has those of an administrator
 * @property {boolean} [tls] accepts TLS connections only
 * @property {boolean} [standalone] runs without a replica set
 * @property {boolean} [testCommands] accepts `configureFailPoint`
 */

/**
 * Starts a server with a folder of its own on a free port.
 * @param {MongodbOptions} [options]
 */
export async function startMongodb(options = {}) {
  const { program: command, kind } = /** @type {Mongodb} */ (server('mongodb'))
  if (command === undefined) throw new Error('no program to start: only MONGODB_URL is there')
  const [folder, port] = [await scratchFolder(), await freePort()]
  const certificate = options.tls === true ? await makeCertificate(folder.path) : undefined
  const argumentsFor = kind === 'mongod' ? mongodArguments : secantusArguments
  const data = join(folder.path, 'data')
  await mkdir(data)
  const start = async (/** @type {boolean} */ auth) => {
    const args = await argumentsFor({ ...options, auth, port, data, folder: folder.path, certificate })
    return new Program({ command, args, ready: () => isListening(port) }).start()
  }

  const parameters = certificate === undefined ? '' : `tls=true&tlsCAFile=${encodeURIComponent(certificate.cert)}&`
  const address = `127.0.0.1:${port}`
  const openUrl = `mongodb://${address}/?${parameters}`
  const isSet = options.standalone !== true
  let program = await start(false)
  if (kind === 'mongod' && isSet) await initiate(openUrl, address)
  if (options.auth === true) {
    await addAdministrator(openUrl)
    await program.stop('SIGTERM')
    program = await start(true)
  }
  const user = options.auth === true ? 'admin:secret@' : ''
  return {
    program,
    port,
    /** It ends with `?` or `&`: a test appends its parameters. */
    url: `mongodb://${user}${address}/?${parameters}`,
    caFile: certificate?.cert,
    async stop() {
      await program.stop()
      await folder.remove()
    },
  }
}

/** @typedef {MongodbOptions & { port: number, data: string, folder: string, certificate: { cert: string, key: string, both: string } | undefined }} Setting */

/** @param {Setting} setting */
async function secantusArguments({ port, data, certificate, auth, standalone, testCommands }) {
  return [
    ...['--port', String(port), '--storage-path', data, '--log-level', 'ERROR'],
    ...(certificate === undefined ? [] : ['--tls-cert-file', certificate.cert, '--tls-key-file', certificate.key]),
    ...(auth === true ? ['--auth'] : []),
    ...(standalone === true ? ['--standalone'] : []),
    ...(testCommands === true ? ['--enable-test-commands'] : []),
  ]
}

/** @param {Setting} setting */
async function mongodArguments({ port, data, folder, certificate, auth, standalone, testCommands }) {
  const keyFile = join(folder, 'members.key')
  // With authentication, the members of a set share a key.
  if (auth === true) await writeFile(keyFile, 'of one member only', { mode: 0o600 })
  return [
    ...['--port', String(port), '--dbpath', data, '--bind_ip', '127.0.0.1', '--quiet'],
    ...(certificate === undefined ? [] : ['--tlsMode', 'requireTLS', '--tlsCertificateKeyFile', certificate.both]),
    ...(auth !== true ? [] : standalone === true ? ['--auth'] : ['--auth', '--keyFile', keyFile]),
    ...(standalone === true ? [] : ['--replSet', 'sessions']),
    ...(testCommands === true ? ['--setParameter', 'enableTestCommands=1'] : []),
  ]
}

/**
 * Makes the server a replica set with one member, and waits until it is the primary.
 * @param {string} url
 * @param {string} host
 */
async function initiate(url, host) {
  const client = new MongoClient(`${url}directConnection=true`)
  try {
    const admin = client.db('admin')
    await admin.command({ replSetInitiate: { _id: 'sessions', members: [{ _id: 0, host }] } })
    await until(
      async () => (await admin.command({ hello: 1 }))['isWritablePrimary'] === true,
      'the replica set to have a primary',
    )
  } finally {
    await client.close()
  }
}

/** @param {string} url */
async function addAdministrator(url) {
  const client = new MongoClient(url)
  try {
    await client.db('admin').command({ createUser: 'admin', pwd: 'secret', roles: ['root'] })
  } finally {
    await client.close()
  }
}
