// A program that tests start, stop, freeze and kill, and helpers for such programs: ports, folders, waiting.
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server of 127.0.0.1 on a port that the system chooses. */
async function listen() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { server, port }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort() {
  const { server, port } = await listen()
  server.close()
  await once(server, 'close')
  return port
}

/** Systems assign only higher ports automatically, so no other process gets one of these between two uses here. */
const CHOSEN_PORTS = { min: 20_000, max: 30_000 }

/**
 * A port of 127.0.0.1 that refuses connections. It is the client's end of a connection, so no server can listen on it until this process
 * ends, or until `free` has freed it.
 */
export async function refusingPort() {
  const { server, port } = await listen()
  const accepted = once(server, 'connection')
  const client = (await connectedFromChosenPort(port)).unref()
  const [socket] = await accepted
  socket.unref()
  server.close()
  return {
    port: /** @type {number} */ (client.localPort),
    async free() {
      const closed = once(client.ref().resume(), 'close')
      // If the client's end closed first, the port would not be free for a minute.
      socket.destroy()
      await closed
    },
  }
}

/** @param {number} port @returns {Promise<import('node:net').Socket>} */
async function connectedFromChosenPort(port) {
  const { min, max } = CHOSEN_PORTS
  const client = connect({ port, host: '127.0.0.1', localPort: randomInt(min, max) })
  try {
    await once(client, 'connect')
    return client
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'EADDRINUSE') throw error
    return connectedFromChosenPort(port)
  }
}

/** A new folder for temporary files; `remove` deletes it. */
export async function scratchFolder() {
  const path = await mkdtemp(join(tmpdir(), 'connect-databank-'))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/**
 * Whether something listens on the port.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/**
 * Calls `check` every 25 ms until it returns true. Rejects after `milliseconds`.
 * @param {() => boolean | Promise<boolean>} check
 * @param {string} what the awaited condition, for the error message
 * @param {number} [milliseconds]
 */
export async function until(check, what, milliseconds = 30_000) {
  const end = Date.now() + milliseconds
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms for ${what}`)
    await sleep(25)
  }
}

/** All running programs. @type {Set<Program>} */
const running = new Set()
process.once('exit', () => {
  for (const program of running) program.kill()
})

/** How long a program may take to stop before it is killed, in milliseconds. */
const STOP_TIMEOUT = 2_000

/** How long a program may take to freeze, in milliseconds. */
const FREEZE_TIMEOUT = 10_000

/**
 * @typedef {object} Command
 * @property {string} command
 * @property {string[]} [args]
 * @property {NodeJS.ProcessEnv} [env] added to the environment of this process
 * @property {string} [cwd]
 * @property {number} [uid] the user and group that it runs as. Default: those of this process
 * @property {NodeJS.Signals} [shutdown] the signal of `stop('SIGTERM')`. Default: SIGTERM
 * @property {(pid: number) => boolean | Promise<boolean>} ready whether it accepts connections
 */

export class Program {
  /** @param {Command} what */
  constructor(what) {
    this.what = what
    this.output = ''
    /** @type {import('node:child_process').ChildProcess | undefined} */
    this.child = undefined
  }

  async start() {
    const { command, args = [], env, cwd, uid, ready } = this.what
    const user = uid === undefined ? {} : { uid, gid: uid }
    const child = spawn(command, args, { env: { ...process.env, ...env }, cwd, ...user, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    running.add(this)
    const keep = (/** @type {Buffer} */ chunk) => {
      this.output = (this.output + chunk).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => keep(Buffer.from(String(error))))
    await until(() => {
      if (!isAlive(child) || child.pid === undefined) throw new Error(`${command} ended at its start: ${this.output}`)
      return ready(child.pid)
    }, `${command} to be ready`)
    return this
  }

  /** Sends a signal to the program and to the processes that it has started. @param {NodeJS.Signals} [signal] */
  kill(signal = 'SIGKILL') {
    const child = this.child
    if (child?.pid === undefined || !isAlive(child)) return
    // A killed process loses its children, so they are listed before; a stopped process starts no others.
    if (signal === 'SIGKILL') child.kill('SIGSTOP')
    else child.kill(signal)
    const children = childrenOf(child.pid)
    for (const pid of children) trySignal(pid, signal)
    if (signal === 'SIGKILL') child.kill(signal)
  }

  /**
   * Makes the program stop answering, with its connections open. Returns when none of its threads runs any more. The signal is repeated: it
   * takes a moment to arrive, and until then the program may start another process.
   */
  freeze() {
    const end = Date.now() + FREEZE_TIMEOUT
    do {
      if (Date.now() > end) throw new Error('the program did not freeze')
      this.kill('SIGSTOP')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    } while (this.#isRunning())
  }

  thaw() {
    this.kill('SIGCONT')
  }

  #isRunning() {
    const pid = this.child?.pid
    return pid !== undefined && [pid, ...childrenOf(pid)].some(isRunning)
  }

  /**
   * Stops the program and waits for its end. Like an init system, it kills a program that does not stop in time: SecantusDB sometimes waits
   * for a lock of its own.
   * @param {NodeJS.Signals} [signal]
   */
  async stop(signal = 'SIGKILL') {
    running.delete(this)
    const child = this.child
    if (child === undefined || child.pid === undefined || !isAlive(child)) return
    const ended = once(child, 'exit')
    if (signal === 'SIGKILL') this.kill()
    else {
      this.thaw()
      child.kill(signal === 'SIGTERM' ? this.what.shutdown : signal)
    }
    const timer = setTimeout(() => this.kill(), STOP_TIMEOUT)
    await ended
    clearTimeout(timer)
  }

  async restart() {
    await this.stop()
    await this.start()
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function isAlive(child) {
  return child.exitCode === null && child.signalCode === null
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function trySignal(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

/** The child processes of a process; none where there is no /proc. @param {number} pid @returns {number[]} */
function childrenOf(pid) {
  if (!existsSync('/proc/self/stat')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && fieldsOf(`/proc/${name}/stat`)[1] === String(pid))
    .map(Number)
}

/** Whether a thread of the process still runs; false where there is no /proc. @param {number} pid */
function isRunning(pid) {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return false
  return readdirSync(threads).some((thread) => !/^[TtZX]?$/.test(fieldsOf(`${threads}/${thread}/stat`)[0] ?? ''))
}

/** The state of a process or thread, its parent and so on; empty if it has ended. @param {string} file @returns {string[]} */
function fieldsOf(file) {
  try {
    const text = readFileSync(file, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}
