// Permissive licences.
const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
  'Zlib',
])

/**
 * Whether a licence is permissive. It may be an SPDX expression with OR, AND and brackets.
 * @param {string} expression
 * @returns {boolean}
 */
export function isPermissive(expression) {
  const tokens = expression.match(/\(|\)|[^\s()]+/g) ?? []
  const answer = either(tokens)
  return answer && tokens.length === 0
}

/** @param {string[]} tokens loses the tokens that are read @returns {boolean} */
function either(tokens) {
  let answer = both(tokens)
  while (tokens[0] === 'OR') {
    tokens.shift()
    answer = both(tokens) || answer
  }
  return answer
}

/** @param {string[]} tokens @returns {boolean} */
function both(tokens) {
  let answer = one(tokens)
  while (tokens[0] === 'AND') {
    tokens.shift()
    answer = one(tokens) && answer
  }
  return answer
}

/** @param {string[]} tokens @returns {boolean} */
function one(tokens) {
  const token = tokens.shift()
  if (token !== '(') return token !== undefined && permissive.has(token)
  const answer = either(tokens)
  return tokens.shift() === ')' && answer
}
