/** Where the members of an object stand in its JSON. */
export interface Places {
  readonly names: string[]
  /** Of the n-th: where its name begins, where its value begins, and where that ends, at 3 n and after. */
  readonly bounds: number[]
  /** Whether no two have the same name. `JSON.parse` takes the last of such. */
  readonly isClear: boolean
}

/**
 * The places of the members in an object's JSON, whoever wrote that.
 *
 * @param text what `JSON.parse` takes, and makes an object of: nothing else may come here
 */
export function placesOf(text: string): Places {
  const names: string[] = []
  const bounds: number[] = []
  let at = skipSpace(text, text.indexOf('{') + 1)
  while (text.charCodeAt(at) !== closeBrace) {
    const nameEnd = endOfString(text, at)
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const end = endOfValue(text, start)
    names.push(nameOf(text.slice(at, nameEnd)))
    bounds.push(at, start, end)
    at = skipSpace(text, end)
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1)
  }
  return { names, bounds, isClear: new Set(names).size === names.length }
}

const quote = 34
const comma = 44
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125
const space = 32

/** As the key of an object it is the one string of its kind: such are compared by their address. */
function nameOf(text: string): string {
  const name: string = text.includes('\\') ? JSON.parse(text) : text.slice(1, -1)
  return Object.keys({ [name]: null })[0]!
}

/** The place after the string that begins here. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end + 1
}

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === backslash) first--
  return (at - first) % 2 === 1
}

/** The place after the value that begins here: what follows is a comma, the end of the object around it, or space. */
export function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let at = start; ; at++) {
    const character = text.charCodeAt(at)
    if (character === quote) at = endOfString(text, at) - 1
    else if (character === openBrace || character === openBracket) depth++
    else if (character === closeBrace || character === closeBracket) {
      if (depth === 0) return at
      depth--
    } else if (depth === 0 && (character === comma || character <= space)) return at
  }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= space) at++
  return at
}
