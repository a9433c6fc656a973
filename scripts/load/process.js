// A child process of a load test, with messages in both directions.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export class Child {
  /** @param {string} path @param {NodeJS.ProcessEnv} [env] */
  constructor(path, env = {}) {
    this.output = ''
    this.process = spawn(process.execPath, ['--expose-gc', path], {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.ended = once(this.process, 'exit')
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk) => {
        this.output = (this.output + chunk).slice(-20_000)
      })
    }
  }

  /**
   * Sends a message; returns the child's next message. Rejects if the child ends.
   * @param {string} [message]
   * @returns {Promise<any>}
   */
  async request(message) {
    const answer = once(this.process, 'message')
    answer.catch(() => {})
    if (message !== undefined) this.process.send(message)
    const [received] = await Promise.race([
      answer,
      this.ended.then(([code, signal]) => {
        throw new Error(`the program ended, ${signal ?? code}: ${this.output}`)
      }),
    ])
    return received
  }

  /**
   * Sends a message after which the child has to end by itself. If it does not, kills it and rejects.
   * @param {string} message
   * @param {number} milliseconds
   * @returns {Promise<number>} its exit code
   */
  async endsAfter(message, milliseconds) {
    this.process.send(message)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.process.kill('SIGKILL')
    }, milliseconds)
    const [code] = await this.ended
    clearTimeout(timer)
    if (isLate) throw new Error(`the program did not end by itself within ${milliseconds} ms: ${this.output}`)
    return code
  }

  kill() {
    this.process.kill('SIGKILL')
  }
}
