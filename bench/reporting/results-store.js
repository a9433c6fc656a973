// The results, part by part: one question of one backend. RESULTS.md is written from them. A new part replaces the one before. So one backend can
// be measured again without the others, and a run that is stopped keeps what it has measured, and can be continued.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * @typedef {object} Part
 * @property {string} backend
 * @property {string} question
 * @property {boolean} quick
 * @property {string} date
 * @property {string} commit
 * @property {string} machine
 * @property {string} node
 * @property {number} load the load average of the machine before
 * @property {number} minutes how long it took
 * @property {Record<string, string>} versions of the peers and clients
 * @property {{ name: string, isReal: boolean }} [server] absent: there is none
 * @property {string[]} missing what could not be measured, and why
 * @property {any} answer
 *
 * @typedef {{ only?: string[], questions?: string[], done: string[] }} Unfinished a run, and the parts that it has measured
 */

export class ResultsStore {
  /** @param {string} [folder] */
  constructor(folder = join(import.meta.dirname, '../results')) {
    this.file = join(folder, 'results.json')
    this.unfinishedFile = join(folder, 'unfinished.json')
  }

  /** @returns {Promise<Part[]>} empty if nothing has been measured */
  async parts() {
    return (await readJson(this.file)) ?? []
  }

  /** Replaces the part before; returns all parts. @param {Part} part @returns {Promise<Part[]>} */
  async keep(part) {
    const others = (await this.parts()).filter(({ backend, question }) => backend !== part.backend || question !== part.question)
    const parts = [...others, part]
    await replace(this.file, `[\n${parts.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`)
    return parts
  }

  /** The run that was stopped, if the last one was. @returns {Promise<Unfinished | undefined>} */
  unfinished() {
    return readJson(this.unfinishedFile)
  }

  /** @param {Unfinished} run */
  async keepUnfinished(run) {
    await replace(this.unfinishedFile, `${JSON.stringify(run)}\n`)
  }

  async finish() {
    await rm(this.unfinishedFile, { force: true })
  }
}

/** The name of a part in `Unfinished`. @param {string} backend @param {string} question */
export const partName = (backend, question) => `${backend}: ${question}`

/** @param {string} file */
async function readJson(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}

/** A run may be stopped at any time: the file is replaced as a whole. @param {string} file @param {string} text */
async function replace(file, text) {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

/** As JSON, with five digits of each number: what was just measured is shown as it will be later. @template T @param {T} value @returns {T} */
export function rounded(value) {
  return JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'number' ? Number(each.toPrecision(5)) : each)))
}
