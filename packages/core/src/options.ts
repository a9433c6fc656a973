import { invalidOption } from './errors.ts'

/** What an option may be: a predicate, and the words that say what was expected. */
export interface OptionRule {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

/** The options that something takes, by name. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule }

const isFunction = (value: unknown): boolean => typeof value === 'function'
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/** The rules that options are commonly made of. */
export const rules = {
  positiveMilliseconds: {
    expected: 'a positive number of milliseconds',
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
  },
  milliseconds: {
    expected: 'a number of milliseconds, 0 or more',
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  },
  positiveInteger: {
    expected: 'a positive whole number',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  },
  string: { expected: 'a string', accepts: (value) => typeof value === 'string' },
  nonEmptyString: { expected: 'a non-empty string', accepts: (value) => typeof value === 'string' && value !== '' },
  boolean: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
  function: { expected: 'a function', accepts: isFunction },
  object: { expected: 'an object', accepts: isObject },
} satisfies Record<string, OptionRule>

/** The rule, or null. */
export function orNull(rule: OptionRule): OptionRule {
  return { expected: `${rule.expected}, or null`, accepts: (value) => value === null || rule.accepts(value) }
}

/** One of these values. */
export function oneOf(...values: readonly unknown[]): OptionRule {
  return {
    expected: `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`,
    accepts: (value) => values.includes(value),
  }
}

/** An object that has these methods: how a client of the caller's is recognised, whatever package made it. */
export function withMethods(what: string, ...methods: readonly string[]): OptionRule {
  return {
    expected: `${what} (with ${methods.join(', ')})`,
    accepts: (value) => isObject(value) && methods.every((method) => isFunction((value as Record<string, unknown>)[method])),
  }
}

/**
 * Throws `DATABANK_INVALID_OPTION` for an option that is unknown or breaks its rule, and says what was expected. An option
 * that is `undefined` counts as not given.
 */
export function checkOptions(owner: string, ruleOf: Readonly<Record<string, OptionRule>>, options: unknown): void {
  checkIsObject(owner, options)
  for (const [name, value] of Object.entries(options as object)) {
    if (value === undefined) continue
    const rule = Object.hasOwn(ruleOf, name) ? ruleOf[name] : undefined
    if (rule === undefined) {
      throw invalidOption(`${owner}: unknown option ${JSON.stringify(name)}; expected ${Object.keys(ruleOf).join(', ')}`)
    }
    if (!rule.accepts(value)) throw invalidOption(`${owner}: ${name} must be ${rule.expected}, got ${describe(value)}`)
  }
}

/** @throws DATABANK_INVALID_OPTION */
export function checkIsObject(owner: string, options: unknown): void {
  if (isObject(options) && !Array.isArray(options)) return
  throw invalidOption(`${owner}: options must be an object, got ${describe(options)}`)
}

/** Names a wrong value without showing what might be a secret. */
function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
