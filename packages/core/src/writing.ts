import type { Mould } from './mould.ts'
import type { Members } from './snapshot.ts'

/** A record's new text, as it grows out of the one before: what follows each other in both is copied in one piece. */
export class Writing {
  readonly members: Members = { names: [], heads: [], starts: [], ends: [], moulds: [] }
  readonly #text: string
  readonly #before: Members
  readonly #pieces: string[] = []
  #length = 0
  /** The piece of the text before that is to be copied next; from -1: none. */
  #from = -1
  #to = -1
  /** Where in the text before the next member is looked for first. */
  #next = 0
  /** How many members of the text before, its cookie aside, are in the new one as they were. */
  #kept = 0
  #isChanged = false

  constructor(text: string, before: Members) {
    this.#text = text
    this.#before = before
  }

  /** Where the member was before; -1 if there was none. Members mostly stand in the same order. */
  placeOf(name: string): number {
    const { names } = this.#before
    return names[this.#next] === name ? this.#next : names.indexOf(name)
  }

  /** The member is as it was. */
  keep(place: number): void {
    const { names, heads, starts, ends, moulds } = this.#before
    const head = heads[place]!
    const end = ends[place]!
    if (place === this.#next && this.#from >= 0) this.#length += end - this.#to
    else {
      this.#beginMember()
      this.#from = head
      this.#length += end - head
    }
    this.#to = end
    const shift = this.#length - end
    this.#add(names[place]!, head + shift, starts[place]! + shift, moulds[place])
    this.#next = place + 1
    if (names[place] !== 'cookie') this.#kept++
  }

  /** The member is new, or another than before. What JSON has no word for is left out. */
  write(name: string, value: unknown, place: number): void {
    this.#copy()
    if (place >= 0) this.#next = place + 1
    const json = jsonOf(name, value)
    if (json === undefined) return
    this.#beginMember()
    const head = this.#length
    const quoted = JSON.stringify(name)
    const start = head + quoted.length + 1
    this.#pieces.push(quoted, ':', json)
    this.#length = start + json.length
    this.#add(name, head, start, mouldOfValue(value))
    if (name === 'cookie') return
    const isSame = place >= 0 && this.#text.slice(this.#before.starts[place], this.#before.ends[place]) === json
    if (isSame) this.#kept++
    else this.#isChanged = true
  }

  end(): string {
    this.#copy()
    return this.#pieces.length === 0 ? '{}' : `${this.#pieces.join('')}}`
  }

  /** Whether anything but the cookie is written otherwise than before. Who kept less than there was has removed something. */
  get isChanged(): boolean {
    return this.#isChanged || this.#kept < this.#before.names.filter((name) => name !== 'cookie').length
  }

  #beginMember(): void {
    this.#copy()
    this.#pieces.push(this.members.names.length === 0 ? '{' : ',')
    this.#length++
  }

  #copy(): void {
    if (this.#from >= 0) this.#pieces.push(this.#text.slice(this.#from, this.#to))
    this.#from = -1
  }

  #add(name: string, head: number, start: number, mould: Mould | undefined): void {
    const { names, heads, starts, ends, moulds } = this.members
    names.push(name)
    heads.push(head)
    starts.push(start)
    ends.push(this.#length)
    moulds.push(mould)
  }
}

/** Undefined for what JSON leaves out. */
function jsonOf(name: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  // Within an object, for a `toJSON` is told the name.
  const text = JSON.stringify({ [name]: value })
  return text === '{}' ? undefined : text.slice(JSON.stringify(name).length + 2, -1)
}

/** What JSON makes of a value that is no object: 0 of -0, and null of a number for which it has no word. */
function mouldOfValue(value: unknown): Mould | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null
  return typeof value === 'string' || typeof value === 'boolean' || value === null ? value : undefined
}
