/** How many characters of payloads are kept in two generations of equal size: with the parsed forms about 40 MB at most. */
const generationCharacters = 2 ** 23
/** A payload longer than this would drive out too many others. */
const longest = 2 ** 17

interface Kept {
  readonly text: string
  readonly mould: Mould
}

/**
 * `JSON.parse` that remembers: a session is read again and again between two changes, and to copy its parsed form costs a fifth
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
    if (young !== undefined && young.text === text) return cast(young.mould)
    const old = young === undefined ? this.#old.get(id) : undefined
    if (old !== undefined && old.text === text) {
      this.#keep(id, old)
      return cast(old.mould)
    }
    const form: unknown = JSON.parse(text)
    if (typeof form !== 'object' || form === null || text.length > longest) return form
    const mould = mouldOrNothing(form)
    if (mould === undefined) return form
    this.#keep(id, { text, mould })
    return cast(mould)
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

/**
 * A parsed form and where in it the inner objects are, so that a copy need not look for them: an object or array that holds none
 * is its own mould.
 */
type Mould = Branch | Rows | object

/** An object or array with objects inside. */
class Branch {
  readonly form: object
  readonly places: readonly (string | number)[]
  readonly inner: readonly Mould[]

  constructor(form: object, places: readonly (string | number)[], inner: readonly Mould[]) {
    this.form = form
    this.places = places
    this.inner = inner
  }
}

/** An array of nothing but objects that hold none: what most of the larger sessions are made of. */
class Rows {
  readonly form: readonly object[]

  constructor(form: readonly object[]) {
    this.form = form
  }
}

/** Undefined for what is nested too deeply to be walked so; `JSON.parse` knows no such bound. */
function mouldOrNothing(form: object): Mould | undefined {
  try {
    return mouldOf(form)
  } catch {
    return undefined
  }
}

function mouldOf(form: object): Mould {
  const isArray = Array.isArray(form)
  const places: (string | number)[] = []
  const inner: Mould[] = []
  for (const name of Object.keys(form)) {
    const value = (form as Record<string, unknown>)[name]
    if (typeof value !== 'object' || value === null) continue
    places.push(isArray ? Number(name) : name)
    inner.push(mouldOf(value))
  }
  if (inner.length === 0) return form
  return isArray && inner.length === form.length && inner.every(isRow) ? new Rows(form) : new Branch(form, places, inner)
}

function isRow(mould: Mould): boolean {
  return !(mould instanceof Branch) && !(mould instanceof Rows) && !Array.isArray(mould)
}

/** A copy. Spread takes the own fields at once, one named `__proto__` too, and what is assigned later is there already. */
function cast(mould: Mould): object {
  if (mould instanceof Rows) return copyRows(mould.form)
  if (!(mould instanceof Branch)) return copyOne(mould)
  const { places, inner } = mould
  const copy = copyOne(mould.form) as Record<string | number, unknown>
  for (let index = 0; index < places.length; index++) copy[places[index]!] = cast(inner[index]!)
  return copy
}

function copyRows(rows: readonly object[]): object[] {
  const copy = new Array<object>(rows.length)
  for (let index = 0; index < rows.length; index++) copy[index] = { ...rows[index] }
  return copy
}

function copyOne(form: object): object {
  return Array.isArray(form) ? form.slice() : { ...form }
}
