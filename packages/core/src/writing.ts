import type { Places } from './places.ts'

/** A record's new text, as it grows out of the one before: what follows each other in both is copied in one piece. */
export class Writing {
  readonly #text: string
  readonly #before: Places
  readonly #pieces: string[] = []
  #length = 0
  /** The piece of the text before that is to be copied next; from -1: none. */
  #from = -1
  #to = -1
  /** Where in the text before the next member is looked for first. */
  #next = 0
  /** The names of the members, as long as they are those before: only their number. */
  #names: string[] | undefined
  #count = 0
  readonly #bounds: number[]
  /** How many members of the text before, its cookie aside, are in the new one as they were. */
  #kept = 0
  #isChanged = false

  /** @param count how many members there will be at the most */
  constructor(text: string, before: Places, count: number) {
    this.#text = text
    this.#before = before
    this.#bounds = new Array<number>(3 * count)
  }

  /** Where the member was before; -1 if there was none. Members mostly stand in the same order. */
  placeOf(name: string): number {
    const { names } = this.#before
    return names[this.#next] === name ? this.#next : names.indexOf(name)
  }

  /** The member is as it was. */
  keep(place: number): void {
    const { names, bounds } = this.#before
    const head = bounds[3 * place]!
    const start = bounds[3 * place + 1]!
    const end = bounds[3 * place + 2]!
    if (place === this.#next && this.#from >= 0) this.#length += end - this.#to
    else {
      this.#beginMember()
      this.#from = head
      this.#length += end - head
    }
    this.#to = end
    const shift = this.#length - end
    this.#add(names[place]!, head + shift, start + shift)
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
    this.#add(name, head, start)
    if (name === 'cookie') return
    const { bounds } = this.#before
    const isSame = place >= 0 && this.#text.slice(bounds[3 * place + 1], bounds[3 * place + 2]) === json
    if (isSame) this.#kept++
    else this.#isChanged = true
  }

  end(): string {
    this.#copy()
    if (this.#pieces.length === 0) return '{}'
    this.#pieces.push('}')
    return this.#pieces.join('')
  }

  places(): Places {
    const names = this.#names ?? this.#before.names.slice(0, this.#count)
    this.#bounds.length = 3 * this.#count
    return { names: this.hasSameNames ? this.#before.names : names, bounds: this.#bounds, isClear: true }
  }

  /** Whether the members are those before, in their order. */
  get hasSameNames(): boolean {
    return this.#names === undefined && this.#count === this.#before.names.length
  }

  /** Whether anything but the cookie is written otherwise than before. Who kept less than there was has removed something. */
  get isChanged(): boolean {
    return this.#isChanged || this.#kept < this.#before.names.length - (this.#before.names.includes('cookie') ? 1 : 0)
  }

  #beginMember(): void {
    this.#copy()
    this.#pieces.push(this.#count === 0 ? '{' : ',')
    this.#length++
  }

  #copy(): void {
    if (this.#from >= 0) this.#pieces.push(this.#text.slice(this.#from, this.#to))
    this.#from = -1
  }

  #add(name: string, head: number, start: number): void {
    const at = this.#count++
    if (this.#names === undefined && this.#before.names[at] !== name) this.#names = this.#before.names.slice(0, at)
    this.#names?.push(name)
    this.#bounds[3 * at] = head
    this.#bounds[3 * at + 1] = start
    this.#bounds[3 * at + 2] = this.#length
  }
}

/** Undefined for what JSON leaves out. */
export function jsonOf(name: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return JSON.stringify(value)
  // Within an object, for a `toJSON` is told the name.
  const text = JSON.stringify({ [name]: value })
  return text === '{}' ? undefined : text.slice(JSON.stringify(name).length + 2, -1)
}
