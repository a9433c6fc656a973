import { Edits } from './edits.ts'
import { Branch, cast, hasNames, isLike, type Mould, mouldOf } from './mould.ts'
import { endOfValue, type Places, placesOf } from './places.ts'

/** A session as it is to be written, and whether anything but its cookie is written otherwise than before, if that is known. */
export interface Revision {
  readonly record: Snapshot
  readonly isChanged: boolean | undefined
}

/**
 * A record's text at one moment, and what was found out about it: its parsed form, and where its members are. It is kept, since a
 * session is read again and again between two changes, and a change leaves most of it alone: to copy a parsed form costs a fifth of
 * parsing the text, and so does seeing that a value is still like it, against writing it out.
 */
export class Snapshot {
  readonly text: string
  #isRead = false
  #mould: Mould | undefined
  #places: Places | undefined

  constructor(text: string) {
    this.text = text
  }

  /**
   * What `JSON.parse` gives: the caller's own, down to its innermost array. No two calls ever share an object.
   *
   * @throws SyntaxError as `JSON.parse` does
   */
  copy(): unknown {
    if (this.#mould === undefined) {
      const form: unknown = JSON.parse(this.text)
      // Most of many are read once: what is kept of them is only work for the collector.
      if (this.#isRead) this.#mould = mouldOrNothing(form)
      this.#isRead = true
      if (this.#mould === undefined) return form
    } else if (this.#mould instanceof Branch) this.#complete(this.#mould)
    return cast(this.#mould)
  }

  /** The JSON of each member's value, by name. The text must be that of an object. */
  json(): Map<string, string> {
    const { names, bounds } = this.#find()
    return new Map(names.map((name, at) => [name, this.text.slice(bounds[3 * at + 1], bounds[3 * at + 2])]))
  }

  /**
   * What a session is written as that was made of this: as by `JSON.stringify`, but what is like it was is not written anew.
   *
   * @param cookie what its cookie is written as. Default: as it is
   * @throws as `JSON.stringify` does
   */
  revised(session: object, cookie: unknown = (session as { cookie?: unknown }).cookie): Revision {
    if (writesItself(session)) return { record: new Snapshot(JSON.stringify(session)), isChanged: undefined }
    const mould = this.#mould
    if (!(mould instanceof Branch)) return this.#written(session, cookie)
    return this.#edited(session, cookie, mould) ?? this.#rewritten(session, cookie, mould)
  }

  /** All of it: without a mould, to find out what is as before takes longer than to write it. */
  #written(session: object, cookie: unknown): Revision {
    const record = new Snapshot(JSON.stringify({ ...session, cookie }))
    record.#isRead = this.#isRead
    return { record, isChanged: isOtherBeyondCookie(this.text, record.text) }
  }

  /** Where the session has the members that it had, in their order; undefined if not. */
  #edited(session: object, cookie: unknown, mould: Branch): Revision | undefined {
    const places = this.#find()
    const { names } = places
    if (!hasNames(session, names)) return undefined
    const edits = new Edits(this.text, places)
    const changed: string[] = []
    let isChanged = false
    // By number: this loop is most of a save, and an iterator's results are garbage.
    for (let at = 0; at < names.length; at++) {
      const name = names[at]!
      const value = name === 'cookie' ? cookie : (session as Record<string, unknown>)[name]
      if (isAsBefore(mould, name, value)) continue
      const json = jsonOf(name, value)
      if (json === undefined) return undefined
      changed.push(name)
      if (edits.set(at, json) && name !== 'cookie') isChanged = true
    }
    const record = new Snapshot(edits.text())
    record.#isRead = this.#isRead
    record.#places = edits.places()
    record.#mould = revisedMould(mould, changed, session)
    return { record, isChanged }
  }

  /** Whatever members it has. */
  #rewritten(session: object, cookie: unknown, mould: Branch): Revision {
    const { names, bounds, isClear } = this.#find()
    const members: string[] = []
    let [data, kept] = [0, 0]
    for (const [name, own] of Object.entries(session)) {
      const value = name === 'cookie' ? cookie : own
      const at = 3 * (isClear ? names.indexOf(name) : -1)
      const before = at < 0 ? undefined : this.text.slice(bounds[at + 1], bounds[at + 2])
      const json = before !== undefined && isAsBefore(mould, name, value) ? before : jsonOf(name, value)
      if (json === undefined) continue
      members.push(`${JSON.stringify(name)}:${json}`)
      if (name === 'cookie') continue
      data++
      if (json === before) kept++
    }
    const dataBefore = names.length - (names.includes('cookie') ? 1 : 0)
    return { record: new Snapshot(`{${members.join(',')}}`), isChanged: kept < data || kept < dataBefore }
  }

  #find(): Places {
    this.#places ??= placesOf(this.text)
    return this.#places
  }

  /** Parses the members that nobody has parsed since they were written. */
  #complete({ places, inner }: Branch): void {
    for (let at = inner.indexOf(undefined); at >= 0; at = inner.indexOf(undefined)) {
      const { names, bounds } = this.#find()
      const place = 3 * names.indexOf(places[at] as string)
      inner[at] = mouldOf(JSON.parse(this.text.slice(bounds[place + 1], bounds[place + 2])))
    }
  }
}

/** Undefined for what is nested too deeply to be walked; `JSON.parse` knows no such bound. */
function mouldOrNothing(form: unknown): Mould | undefined {
  try {
    return mouldOf(form)
  } catch {
    return undefined
  }
}

/** It may say no of what is, never yes of what is not. */
function isAsBefore({ form, places, inner }: Branch, name: string, value: unknown): boolean {
  const at = places.indexOf(name)
  if (at < 0) return (form as Record<string, unknown>)[name] === value
  const mould = inner[at]
  return mould !== undefined && isLike(mould, value)
}

const cookieFirst = '{"cookie":'

/** Undefined where the cookie does not stand first, as express-session puts it. */
function isOtherBeyondCookie(before: string, after: string): boolean | undefined {
  if (!before.startsWith(cookieFirst) || !after.startsWith(cookieFirst)) return undefined
  return before.slice(endOfValue(before, cookieFirst.length)) !== after.slice(endOfValue(after, cookieFirst.length))
}

/** Whether `JSON.stringify` would ask it, or arrays, for what to write in its place. */
function writesItself(session: object): boolean {
  return 'toJSON' in session || 'toJSON' in Array.prototype
}

/**
 * The mould of a session that differs by these members; what is an object in it is parsed when it is asked for. Undefined if a member
 * has become one, or is none any more: then all of it is.
 */
function revisedMould(mould: Branch, changed: readonly string[], session: object): Branch | undefined {
  const form = { ...mould.form } as Record<string, unknown>
  const inner = mould.inner.slice()
  for (const name of changed) {
    const at = mould.places.indexOf(name)
    const value = mouldOfValue((session as Record<string, unknown>)[name])
    if (at >= 0 !== (value === undefined)) return undefined
    form[name] = at >= 0 ? null : value
    if (at >= 0) inner[at] = undefined
  }
  return new Branch(form, mould.places, inner)
}

/** What JSON makes of a value that is no object: 0 of -0, and null of a number for which it has no word. */
function mouldOfValue(value: unknown): Mould | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null
  return typeof value === 'string' || typeof value === 'boolean' || value === null ? value : undefined
}

/** Undefined for what JSON leaves out. */
function jsonOf(name: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return JSON.stringify(value)
  // Within an object, for a `toJSON` is told the name.
  const text = JSON.stringify({ [name]: value })
  return text === '{}' ? undefined : text.slice(JSON.stringify(name).length + 2, -1)
}
