import { bankIdOf, hashedIdOf } from 'connect-databank/backend'
import { EXIT, Failure } from './failure.ts'
import type { Opened } from './opened.ts'
import { listed } from './sessions.ts'

/** How many characters of an id are printed. */
const SHOWN = 8

/** The beginning of an id. A whole id is a credential: anyone who has it can use the session. */
export function shortened(id: string): string {
  return Array.from(id).slice(0, SHOWN).join('')
}

/** An id as it is printed in a text. */
export function shown(id: string, isFull = false): string {
  return isFull || shortened(id) === id ? id : `${shortened(id)}…`
}

/**
 * The stored ids for the ids that a user has typed: whole ones, or at least their first 8 characters. With
 * `hashIds`, the id in a cookie is accepted too.
 *
 * @throws Failure if one is unknown or not unique
 */
export async function resolveIds({ bank, config }: Pick<Opened, 'bank' | 'config'>, typed: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>()
  for (const each of typed) {
    const id = await storedWhole(bank, each, config.hashIds !== undefined && config.hashIds !== false)
    if (id !== undefined) found.set(each, id)
  }
  const beginnings = typed.filter((each) => !found.has(each))
  for (const each of beginnings) if (Array.from(each).length < SHOWN) throw tooShort(each)
  if (beginnings.length > 0) await findBeginnings(bank, beginnings, found)
  return typed.map((each) => found.get(each) ?? fail(each))
}

async function storedWhole(bank: Opened['bank'], typed: string, isHashed: boolean): Promise<string | undefined> {
  if (typed === '') throw tooShort(typed)
  const candidates = isHashed ? [bankIdOf(typed), hashedIdOf(typed)] : [bankIdOf(typed)]
  for (const id of candidates) if ((await bank.read(id)) !== null) return id
  return undefined
}

async function findBeginnings(bank: Opened['bank'], beginnings: readonly string[], found: Map<string, string>): Promise<void> {
  for await (const [id] of listed(bank)) {
    for (const each of beginnings) {
      if (!id.startsWith(each)) continue
      if (found.has(each) && found.get(each) !== id) {
        throw new Failure(
          `several sessions begin with ${shown(each)}: give the whole id, which ls --full-ids prints`,
          EXIT.notFound,
        )
      }
      found.set(each, id)
    }
  }
}

function tooShort(typed: string): Failure {
  return new Failure(`an id needs at least its first ${SHOWN} characters: ${JSON.stringify(typed)} is too short`)
}

function fail(typed: string): never {
  throw new Failure(`there is no session ${shown(typed)}`, EXIT.notFound)
}
