/** How many characters of payloads are kept in two generations of equal size: with the parsed forms about 40 MB at most. */
const generationCharacters = 2 ** 23
/** A payload longer than this would drive out too many others. */
const longest = 2 ** 17

interface Kept {
  readonly text: string
  readonly form: object
}

/**
 * `JSON.parse` that remembers: a session is read again and again between two changes, and to copy its parsed form costs a quarter
 * of parsing it. What is handed out is the caller's own, down to its innermost array: no two calls ever share an object.
 *
 * Kept by id, and valid for the very text it was made of: to compare two texts is cheaper than to hash one. Bounded: when the
 * younger generation is full, it becomes the older one, and what was not asked for since is dropped.
 */
export class ParsedForms {
  #young = new Map<string, Kept>()
  #old = new Map<string, Kept>()
  #characters = 0

  /** @throws SyntaxError as `JSON.parse` does */
  parse(id: string, text: string): unknown {
    const young = this.#young.get(id)
    if (young !== undefined && young.text === text) return copyObject(young.form)
    const old = young === undefined ? this.#old.get(id) : undefined
    if (old !== undefined && old.text === text) {
      this.#keep(id, old)
      return copyObject(old.form)
    }
    const form: unknown = JSON.parse(text)
    if (typeof form !== 'object' || form === null || text.length > longest) return form
    const copy = copyOrNothing(form)
    if (copy !== undefined) this.#keep(id, { text, form })
    return copy ?? form
  }

  #keep(id: string, kept: Kept): void {
    this.#characters += kept.text.length
    if (this.#characters > generationCharacters) {
      this.#old = this.#young
      this.#young = new Map()
      this.#characters = kept.text.length
    }
    this.#young.set(id, kept)
  }
}

/** Undefined for what is nested too deeply to be copied so; `JSON.parse` knows no such bound. */
function copyOrNothing(form: object): object | undefined {
  try {
    return copyObject(form)
  } catch {
    return undefined
  }
}

/**
 * A copy of what `JSON.parse` made. Spread copies the own fields at once, one named `__proto__` too; what is left to do is to
 * replace the objects among them.
 */
function copyObject(form: object): object {
  if (Array.isArray(form)) return copyArray(form)
  const copy = { ...form } as Record<string, unknown>
  for (const name in copy) {
    const value = copy[name]
    if (typeof value === 'object' && value !== null && Object.hasOwn(copy, name)) copy[name] = copyObject(value)
  }
  return copy
}

function copyArray(form: readonly unknown[]): unknown[] {
  const copy = form.slice()
  for (let index = 0; index < copy.length; index++) {
    const value = copy[index]
    if (typeof value === 'object' && value !== null) copy[index] = copyObject(value)
  }
  return copy
}
