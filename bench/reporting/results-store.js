// The results, part by part: one question of one backend. They are kept in results.json, from which RESULTS.md is written. So a run that is
// stopped keeps what it has measured, and one backend can be measured again without the others.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const file = join(import.meta.dirname, '../results/results.json')

/**
 * @typedef {object} Part
 * @property {string} backend
 * @property {string} question
 * @property {boolean} quick
 * @property {string} date
 * @property {string} machine
 * @property {string} node
 * @property {number} load what the machine had to do besides, as a load average, when it began
 * @property {number} minutes
 * @property {Record<string, string>} versions of what was measured
 * @property {string} server what ran, if any did
 * @property {string[]} missing what could not be asked, and why
 * @property {any} answer
 */

/** @returns {Promise<Part[]>} none, if nothing has been measured */
export async function readParts() {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return []
    throw error
  }
}

/** Puts the part in the place of the one before; gives all. @param {Part} part @returns {Promise<Part[]>} */
export async function keepPart(part) {
  const others = (await readParts()).filter(({ backend, question }) => backend !== part.backend || question !== part.question)
  const parts = [...others, part]
  // A run may be stopped at any time: the file is replaced as a whole.
  await writeFile(`${file}.new`, `[\n${parts.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`)
  await rename(`${file}.new`, file)
  return parts
}

/** What JSON makes of it, five digits of each number: so what was just measured is shown as it will be later. @template T @param {T} value @returns {T} */
export function rounded(value) {
  return JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'number' ? Number(each.toPrecision(5)) : each)))
}
