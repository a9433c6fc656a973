import { hashedIdOf, invalidOption } from 'connect-databank/backend'

/** The option `hashIds` of a store. */
export type HashIds = boolean | { acceptPlain?: boolean } | undefined

const SHA_256 = /^[0-9a-f]{64}$/

/**
 * The function from the ids of the source to those of the target, by the option `hashIds` of both stores. Undefined: they are the same.
 * A source with `acceptPlain` has both plain and hashed ids; an id that looks like a SHA-256 counts as one.
 *
 * @throws DATABANK_INVALID_OPTION if the source has hashed ids and the target has plain ones: an id cannot be computed from its hash
 */
export function idMapping(from: HashIds, to: HashIds): ((id: string) => string) | undefined {
  const isHashed = from !== undefined && from !== false
  const becomesHashed = to !== undefined && to !== false
  if (isHashed && !becomesHashed) {
    throw invalidOption('the source stores hashed ids, from which plain ones cannot be made: set hashIds for the target as well')
  }
  if (!becomesHashed) return undefined
  if (!isHashed) return hashedIdOf
  return typeof from === 'object' && from.acceptPlain === true ? (id) => (SHA_256.test(id) ? id : hashedIdOf(id)) : undefined
}
