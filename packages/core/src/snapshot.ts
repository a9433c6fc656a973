import { Branch, cast, isLike, type Mould, mouldOf } from './mould.ts'
import { type Places, placesOf } from './places.ts'
import { Writing } from './writing.ts'

/** The members of a record, and the mould of each one's value, undefined as long as nobody has parsed it. */
export interface Members extends Places {
  readonly moulds: (Mould | undefined)[]
}

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
  #mould: Mould | undefined
  #members: Members | undefined

  constructor(text: string, members?: Members) {
    this.text = text
    this.#members = members
  }

  /**
   * What `JSON.parse` gives: the caller's own, down to its innermost array. No two calls ever share an object.
   *
   * @throws SyntaxError as `JSON.parse` does
   */
  copy(): unknown {
    if (this.#mould === undefined) {
      const members = this.#members
      if (members !== undefined && !members.names.includes('__proto__')) this.#mould = mouldOfMembers(this.text, members)
      else {
        const form: unknown = JSON.parse(this.text)
        this.#mould = mouldOrNothing(form)
        if (this.#mould === undefined) return form
      }
    }
    return cast(this.#mould)
  }

  /** The JSON of each member's value, by name. The text must be that of an object. */
  json(): Map<string, string> {
    const { names, starts, ends } = this.#find()
    return new Map(names.map((name, place) => [name, this.text.slice(starts[place], ends[place])]))
  }

  /**
   * What a session is written as that was made of this: as by `JSON.stringify`, but what is like it was is not written anew.
   *
   * @throws as `JSON.stringify` does
   */
  revised(session: object): Revision {
    if (writesItself(session)) return { record: new Snapshot(JSON.stringify(session)), isChanged: undefined }
    const before = this.#find()
    const writing = new Writing(this.text, before)
    for (const name of Object.keys(session)) {
      const value = (session as Record<string, unknown>)[name]
      const place = writing.placeOf(name)
      const mould = place < 0 ? undefined : before.moulds[place]
      if (mould !== undefined && isLike(mould, value)) writing.keep(place)
      else writing.write(name, value, place)
    }
    return { record: new Snapshot(writing.end(), writing.members), isChanged: writing.isChanged }
  }

  #find(): Members {
    if (this.#members !== undefined) return this.#members
    const places = placesOf(this.text)
    // JSON.parse takes the last of two that have the same name: what has such is written anew altogether.
    const isClear = new Set(places.names).size === places.names.length
    const moulds = places.names.map((name) => (isClear ? innerMould(this.#mould, name) : undefined))
    this.#members = { ...places, moulds }
    return this.#members
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

function mouldOfMembers(text: string, { names, starts, ends, moulds }: Members): Mould {
  const form: Record<string, unknown> = {}
  const places: string[] = []
  const inner: Mould[] = []
  for (const [place, name] of names.entries()) {
    const known = moulds[place]
    const mould = known === undefined ? mouldOf(JSON.parse(text.slice(starts[place], ends[place]))) : known
    moulds[place] = mould
    const isInner = typeof mould === 'object' && mould !== null
    form[name] = isInner ? null : mould
    if (!isInner) continue
    places.push(name)
    inner.push(mould)
  }
  return new Branch(form, places, inner)
}

function innerMould(mould: Mould | undefined, name: string): Mould | undefined {
  const place = mould instanceof Branch ? mould.places.indexOf(name) : -1
  if (place >= 0) return (mould as Branch).inner[place]
  const form = mould instanceof Branch ? mould.form : mould
  return (form as Record<string, Mould> | undefined)?.[name]
}

/** Whether `JSON.stringify` would ask it, or arrays, for what to write in its place. */
function writesItself(session: object): boolean {
  return 'toJSON' in session || 'toJSON' in Array.prototype
}
