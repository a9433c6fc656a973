// The processes of a backend's candidates, and the rounds in which they take turns.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { scratchFolder } from '../testing/program.js'
import { backendOf } from './candidates.js'

/** No job takes longer than this (ms); one that does is hung. */
const LIMIT = 600_000

/** One candidate in a process of its own. */
export class Member {
  /** @param {string} backend @param {number} index @param {import('./candidates.js').Candidate} candidate */
  constructor(backend, index, candidate) {
    this.backend = backend
    this.index = index
    this.name = candidate.name
    this.ours = candidate.ours === true
    this.limit = candidate.limit === true
  }

  /** @param {string} url @param {string} [namespace] */
  async start(url, namespace = `bench-${this.index}`) {
    this.folder = await scratchFolder()
    this.process = fork(join(import.meta.dirname, 'worker.js'), {
      execArgv: ['--expose-gc', '--max-old-space-size=8192'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await this.do('open', this.backend, this.index, { url, namespace, folder: this.folder.path })
    return this
  }

  /**
   * Has the job done in the member's process.
   * @param {string} job
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  async do(job, ...args) {
    const child = /** @type {import('node:child_process').ChildProcess} */ (this.process)
    const end = new AbortController()
    const ended = once(child, 'exit', { signal: end.signal }).then(() => ({ error: 'its process ended' }))
    const late = sleep(LIMIT, { error: `no answer in ${LIMIT} ms` }, { signal: end.signal })
    const answered = once(child, 'message', { signal: end.signal }).then(([message]) => message)
    const waits = [answered, ended, late]
    for (const wait of waits) wait.catch(() => {})
    child.send({ job, args })
    const { error, answer } = await Promise.race(waits)
    end.abort()
    if (error !== undefined) throw new Error(`${this.name}, ${job}: ${error}`)
    return answer
  }

  async stop() {
    const child = this.process
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      await Promise.race([this.do('close').catch(() => {}), sleep(3_000, undefined, { ref: false })])
      child.kill('SIGKILL')
      await ended
    }
    await this.folder?.remove()
  }
}

/**
 * The candidates of a backend that a question is put to.
 * @param {string} backend
 * @param {string} question
 * @param {(candidate: import('./candidates.js').Candidate) => boolean} [wanted]
 */
export async function membersOf(backend, question, wanted = () => true) {
  const { candidates } = await backendOf(backend)
  return candidates
    .map((candidate, index) => ({ candidate, index }))
    .filter(({ candidate }) => wanted(candidate) && (candidate.questions?.includes(question) ?? true))
    .map(({ candidate, index }) => new Member(backend, index, candidate))
}

/**
 * Starts the members; gives those that could be started and the reasons of the others.
 * @param {Member[]} members
 * @param {string} url
 */
export async function startAll(members, url) {
  const started = []
  /** @type {Set<string>} */
  const missing = new Set()
  for (const member of members) {
    try {
      started.push(await member.start(url))
    } catch (error) {
      missing.add(error instanceof Error ? error.message : String(error))
      await member.stop()
    }
  }
  return { started, missing }
}

/**
 * Rounds in which the members take turns: A B C, C B A, A B C … One warm-up round is thrown away.
 * @template T
 * @param {Member[]} members
 * @param {number} rounds
 * @param {(member: Member) => Promise<T>} measure
 * @param {Set<string>} missing is told of a member that failed, and is left out
 * @returns {Promise<Map<Member, T[]>>}
 */
export async function interleaved(members, rounds, measure, missing) {
  /** @type {Map<Member, T[]>} */
  const results = new Map(members.map((member) => [member, []]))
  for (let round = -1; round < rounds; round += 1) {
    const there = members.filter((member) => results.has(member))
    for (const member of round % 2 === 0 ? there : there.toReversed()) {
      try {
        const result = await measure(member)
        if (round >= 0) results.get(member)?.push(result)
      } catch (error) {
        results.delete(member)
        missing.add(error instanceof Error ? error.message : String(error))
      }
    }
  }
  return results
}

/**
 * Has each member do what comes before the measuring; gives those that could.
 * @param {Member[]} members
 * @param {Set<string>} missing is told of the others
 * @param {(member: Member) => Promise<unknown>} work
 */
export async function prepared(members, missing, work) {
  const ready = []
  for (const member of members) {
    try {
      await work(member)
      ready.push(member)
    } catch (error) {
      missing.add(error instanceof Error ? error.message : String(error))
    }
  }
  return ready
}
