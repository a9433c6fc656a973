// A program of a load test, as a process of its own that can be asked for its memory.
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
   * Sends a word; answers the child's next message, or fails when the child ends.
   * @param {string} [word]
   * @returns {Promise<any>}
   */
  async ask(word) {
    const answer = once(this.process, 'message')
    answer.catch(() => {})
    if (word !== undefined) this.process.send(word)
    const [message] = await Promise.race([
      answer,
      this.ended.then(([code, signal]) => {
        throw new Error(`the program ended, ${signal ?? code}: ${this.output}`)
      }),
    ])
    return message
  }

  /**
   * Sends a word after which the child is to end by itself; fails, and kills it, if it does not.
   * @param {string} word
   * @param {number} milliseconds
   * @returns {Promise<number>} its exit code
   */
  async endsAfter(word, milliseconds) {
    this.process.send(word)
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
