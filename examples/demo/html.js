// HTML from template literals. Whatever is put in is escaped, unless it is HTML made here.

/** A piece of HTML. Only `html` makes one. */
class Html {
  /** @param {string} text */
  constructor(text) {
    this.text = text
  }

  toString() {
    return this.text
  }
}

/**
 * What may stand in a template: lists are joined, `undefined`, `null` and `false` are left out.
 * @typedef {Html | string | number | boolean | null | undefined | readonly Piece[]} Piece
 */

/**
 * @param {TemplateStringsArray} strings
 * @param {readonly Piece[]} pieces
 */
export function html(strings, ...pieces) {
  return new Html(strings.reduce((text, string, index) => text + render(pieces[index - 1]) + string))
}

/** @param {Piece} piece @returns {string} */
function render(piece) {
  if (piece === undefined || piece === null || piece === false) return ''
  if (piece instanceof Html) return piece.text
  if (Array.isArray(piece)) return piece.map(render).join('')
  return String(piece).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
