// One program of the tests: started on a free port with a folder of its own, ended by its process id.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/** A new folder of its own; `remove` ends it. */
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
 * Asks `check` every 25 ms until it answers true.
 * @param {() => boolean | Promise<boolean>} check
 * @param {string} what for the error
 * @param {number} [milliseconds]
 */
export async function until(check, what, milliseconds = 30_000) {
  const end = Date.now() + milliseconds
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms for ${what}`)
    await sleep(25)
  }
}

const running = /** @type {Set<Program>} */ (new Set())
process.once('exit', () => {
  for (const program of running) program.kill()
})

/** How long a program may take to end, in milliseconds. */
const patience = 2_000

export class Program {
  /**
   * @param {{ command: string, args?: string[], env?: NodeJS.ProcessEnv, cwd?: string, ready: () => boolean | Promise<boolean> }} what
   *   `ready` tells when it serves
   */
  constructor(what) {
    this.what = what
    this.output = ''
    /** @type {import('node:child_process').ChildProcess | undefined} */
    this.child = undefined
  }

  async start() {
    const { command, args = [], env, cwd, ready } = this.what
    const child = spawn(command, args, { env: { ...process.env, ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    running.add(this)
    const keep = (/** @type {Buffer} */ chunk) => {
      this.output = (this.output + chunk).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', (error) => keep(Buffer.from(String(error))))
    await until(() => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
        throw new Error(`${command} ended at its start: ${this.output}`)
      }
      return ready()
    }, `${command} to be ready`)
    return this
  }

  /** @param {NodeJS.Signals} [signal] */
  kill(signal = 'SIGKILL') {
    if (this.child?.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
  }

  /** Stops answering, keeps its connections. A signal is on its way for a moment: when this has returned, none of its threads runs. */
  freeze() {
    this.kill('SIGSTOP')
    for (let waits = 0; isRunning(this.child?.pid); waits++) {
      if (waits === 1_000) throw new Error('the program goes on, though it was told to stop')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }

  thaw() {
    this.kill('SIGCONT')
  }

  /**
   * Ends it and waits for its end. As an init system would, it kills one that was told to end and does not: SecantusDB now and then
   * waits for a lock of its own when it is told so.
   * @param {NodeJS.Signals} [signal]
   */
  async stop(signal = 'SIGKILL') {
    running.delete(this)
    const child = this.child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    const impatience = setTimeout(() => child.kill('SIGKILL'), patience)
    await ended
    clearTimeout(impatience)
  }

  async restart() {
    await this.stop()
    await this.start()
  }
}

/** Whether a thread of the process has not stopped yet, where there is a /proc to tell. @param {number | undefined} pid */
function isRunning(pid) {
  const threads = `/proc/${pid}/task`
  if (pid === undefined || !existsSync(threads)) return false
  return readdirSync(threads).some((thread) => {
    try {
      return !/\) [TtZX] /.test(readFileSync(`${threads}/${thread}/stat`, 'utf8'))
    } catch {
      // It has ended.
      return false
    }
  })
}
