import type { Places } from './places.ts'

/** Members of a record's text that get other values, in their order; all that stands between them stays as it is. */
export class Edits {
  readonly #text: string
  readonly #places: Places
  /** The number of each member, and the JSON of its value. */
  readonly #edited: number[] = []
  readonly #json: string[] = []

  constructor(text: string, places: Places) {
    this.#text = text
    this.#places = places
  }

  /** @returns whether that is another value than before */
  set(at: number, json: string): boolean {
    const start = this.#places.bounds[3 * at + 1]!
    if (this.#places.bounds[3 * at + 2] === start + json.length && this.#text.startsWith(json, start)) return false
    this.#edited.push(at)
    this.#json.push(json)
    return true
  }

  /** In one piece: a string that is made of parts of another would keep all of that alive. */
  text(): string {
    const pieces: string[] = []
    let end = 0
    for (let edit = 0; edit < this.#edited.length; edit++) {
      const at = 3 * this.#edited[edit]!
      pieces.push(this.#text.slice(end, this.#places.bounds[at + 1]), this.#json[edit]!)
      end = this.#places.bounds[at + 2]!
    }
    pieces.push(this.#text.slice(end))
    return pieces.join('')
  }

  /** Where the members stand then: where they did, if no value has become longer or shorter. */
  places(): Places {
    const { names, bounds, isClear } = this.#places
    let moved: number[] | undefined
    for (let edit = 0; edit < this.#edited.length; edit++) {
      const end = 3 * this.#edited[edit]! + 2
      const longer = this.#json[edit]!.length - (bounds[end]! - bounds[end - 1]!)
      if (longer === 0) continue
      moved ??= bounds.slice()
      for (let at = end; at < moved.length; at++) moved[at]! += longer
    }
    return moved === undefined ? this.#places : { names, bounds: moved, isClear }
  }
}
