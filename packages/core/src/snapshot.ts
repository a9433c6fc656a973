import { Branch, cast, isLike, type Mould, mouldOf } from './mould.ts'
import { type Places, placesOf } from './places.ts'
import { jsonOf, Writing } from './writing.ts'

/** A session as it is to be written, and whether anything but its cookie is written otherwise than before, if that is known. */
export interface Revision {
  readonly record: Snapshot
  readonly isChanged: boolean | undefined
}

/** Up to so many characters a session is written out anew: to look for what is as it was, and to keep where that is, costs more. */
const short = 512

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
  /** All but the cookie, as JSON: of a text with the cookie at its head that `JSON.stringify` would write so. Null of others. */
  #rest: string | null | undefined

  constructor(text: string, places?: Places, mould?: Mould) {
    this.text = text
    this.#places = places
    this.#mould = mould
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
    return (this.text.length <= short ? this.#rewritten(session, cookie) : undefined) ?? this.#patched(session, cookie)
  }

  /** Undefined if the text is not written so: then what is left alone must stay as it is, or it would count as our change. */
  #rewritten(session: object, cookie: unknown): Revision | undefined {
    if (this.#rest === undefined) this.#rest = restOf(this.text)
    if (this.#rest === null || !beginsWithCookie(session)) return undefined
    const head = jsonOf('cookie', cookie)
    if (head === undefined) return undefined
    const rest = JSON.stringify({ ...session, cookie: undefined })
    const record = new Snapshot(withHead(head, rest))
    record.#rest = rest
    return { record, isChanged: rest !== this.#rest }
  }

  #patched(session: object, cookie: unknown): Revision {
    const before = this.#find()
    const mould = this.#mould instanceof Branch && before.isClear ? this.#mould : undefined
    const names = Object.keys(session)
    const writing = new Writing(this.text, before, names.length)
    const changed: string[] = []
    // By number: this loop is most of a save, and an iterator's results are garbage.
    for (let at = 0; at < names.length; at++) {
      const name = names[at]!
      const value = name === 'cookie' ? cookie : (session as Record<string, unknown>)[name]
      const place = writing.placeOf(name)
      if (place >= 0 && mould !== undefined && isMemberLike(mould, name, value)) writing.keep(place)
      else {
        writing.write(name, value, place)
        changed.push(name)
      }
    }
    const recast = mould !== undefined && writing.hasSameNames ? revisedMould(mould, changed, session) : undefined
    return { record: new Snapshot(writing.end(), writing.places(), recast), isChanged: writing.isChanged }
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

function restOf(text: string): string | null {
  const form: unknown = JSON.parse(text)
  if (typeof form !== 'object' || form === null) return null
  const rest = JSON.stringify({ ...form, cookie: undefined })
  return withHead(JSON.stringify((form as { cookie: unknown }).cookie), rest) === text ? rest : null
}

function withHead(cookie: string, rest: string): string {
  return `{"cookie":${cookie}${rest === '{}' ? '' : ','}${rest.slice(1)}`
}

function beginsWithCookie(session: object): boolean {
  for (const first in session) return first === 'cookie'
  return false
}

/** Undefined for what is nested too deeply to be walked; `JSON.parse` knows no such bound. */
function mouldOrNothing(form: unknown): Mould | undefined {
  try {
    return mouldOf(form)
  } catch {
    return undefined
  }
}

/** Whether `JSON.stringify` would ask it, or arrays, for what to write in its place. */
function writesItself(session: object): boolean {
  return 'toJSON' in session || 'toJSON' in Array.prototype
}

function isMemberLike({ form, places, inner }: Branch, name: string, value: unknown): boolean {
  const at = places.indexOf(name)
  if (at < 0) return (form as Record<string, unknown>)[name] === value
  const mould = inner[at]
  return mould !== undefined && isLike(mould, value)
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
