/**
 * A parsed form and where in it the inner objects are, so that a copy need not look for them: an object or array that holds none,
 * and a value that is no object, is its own mould. Nobody outside ever gets hold of what is in one.
 */
export type Mould = Branch | Rows | object | string | number | boolean | null

/** An object or array with objects inside: their places, and the mould of each, undefined as long as nobody has parsed it. */
export class Branch {
  readonly form: object
  readonly places: readonly (string | number)[]
  readonly inner: (Mould | undefined)[]

  constructor(form: object, places: readonly (string | number)[], inner: (Mould | undefined)[]) {
    this.form = form
    this.places = places
    this.inner = inner
  }
}

/** An array of nothing but objects that hold none: what most of the larger sessions are made of. */
class Rows {
  readonly form: readonly object[]
  /** What the members of each are named, if it is the same of all. */
  readonly names: readonly string[] | undefined

  constructor(form: readonly object[]) {
    this.form = form
    const names = Object.keys(form[0]!)
    if (form.every((row) => hasNames(row, names))) this.names = names
  }
}

/** Whether these are the names of its members, in their order. */
export function hasNames(form: object, names: readonly string[]): boolean {
  const own = Object.keys(form)
  return own.length === names.length && own.every((name, at) => name === names[at])
}

/** The mould of what `JSON.parse` gave. @throws RangeError for what is nested too deeply to be walked so */
export function mouldOf(form: unknown): Mould {
  if (typeof form !== 'object' || form === null) return form as Mould
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

/** A copy of what has been parsed. Spread takes the own fields at once, one named `__proto__` too, and what is assigned later is there already. */
export function cast(mould: Mould): unknown {
  if (typeof mould !== 'object' || mould === null) return mould
  if (mould instanceof Rows) return copyRows(mould.form)
  if (!(mould instanceof Branch)) return copyOne(mould)
  const { places, inner } = mould
  const copy = copyOne(mould.form) as Record<string | number, unknown>
  for (let index = 0; index < places.length; index++) copy[places[index]!] = cast(inner[index] as Mould)
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

/**
 * Whether `JSON.stringify` would write this value as it would what was cast from the mould: the same plain data in the same order.
 * It may say no of what only looks different, never yes of what is.
 */
export function isLike(mould: Mould, value: unknown): boolean {
  if (typeof mould !== 'object' || mould === null) return mould === value
  if (mould instanceof Rows) return isLikeRows(mould, value)
  return mould instanceof Branch ? isLikeBranch(mould, value) : isLikeFlat(mould, value)
}

function isLikeRows({ form, names }: Rows, value: unknown): boolean {
  if (!isPlainArray(value, form.length)) return false
  for (let at = 0; at < form.length; at++) {
    const row = form[at]!
    if (!isLikeObject(row, names ?? Object.keys(row), value[at])) return false
  }
  return true
}

/** An object or array without objects inside. */
function isLikeFlat(form: object, value: unknown): boolean {
  if (Array.isArray(form)) {
    if (!isPlainArray(value, form.length)) return false
    for (let at = 0; at < form.length; at++) if (form[at] !== value[at]) return false
    return true
  }
  return isLikeObject(form, Object.keys(form), value)
}

/** `for … in` goes through names without making a list of them. */
function isLikeObject(form: object, names: readonly string[], value: unknown): boolean {
  if (!isPlainObject(value)) return false
  let at = 0
  for (const name in value) {
    if (names[at++] !== name || value[name] !== (form as Record<string, unknown>)[name]) return false
  }
  return at === names.length
}

function isLikeBranch({ form, places, inner }: Branch, value: unknown): boolean {
  if (!(Array.isArray(form) ? isPlainArray(value, form.length) : isPlainObject(value))) return false
  const names = Object.keys(form)
  let [at, next] = [0, 0]
  for (const name in value as object) {
    if (names[at++] !== name) return false
    const there = (value as Record<string, unknown>)[name]
    const isInner = next < places.length && String(places[next]) === name
    if (isInner ? !isLike(inner[next++] as Mould, there) : there !== (form as Record<string, unknown>)[name]) return false
  }
  return at === names.length
}

function isPlainArray(value: unknown, length: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length === length && Object.getPrototypeOf(value) === Array.prototype
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
