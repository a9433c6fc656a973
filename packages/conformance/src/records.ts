/** A stored record that no store has written: damaged, of another program, or of an attacker. */
export interface BadRecord {
  readonly name: string
  readonly payload: string
}

const cookie = { originalMaxAge: 3_600_000, expires: '2100-01-01T00:00:00.000Z', httpOnly: true, path: '/' }
const good = JSON.stringify({ cookie, user: 'in8uy4', cart: [{ id: 1, amount: 2 }], text: 'é😀"\\', flag: true })

/** Values of every wrong type. */
const values: readonly unknown[] = [null, true, 0, -1, 1e300, '', 'text', '2100-13-45', [], [1], {}, { a: 1 }]
const fields = [
  'expires',
  'originalMaxAge',
  'maxAge',
  'path',
  'domain',
  'secure',
  'httpOnly',
  'sameSite',
  'priority',
  'partitioned',
  '_expires',
  'data',
  'toJSON',
  'serialize',
  'constructor',
]

const dates: readonly unknown[] = [
  8.64e15,
  8.64e15 + 1,
  -8.64e15,
  -8.64e15 - 1,
  1e21,
  '+275760-09-13T00:00:00.000Z',
  '+275760-09-13T00:00:00.001Z',
  '-271821-04-20T00:00:00.000Z',
  '0000-00-00',
  'Invalid Date',
]

const pollution = [
  `{"__proto__":{"polluted":true},"cookie":${JSON.stringify(cookie)}}`,
  `{"cookie":{"__proto__":{"polluted":true},"path":"/"}}`,
  `{"cookie":{"constructor":{"prototype":{"polluted":true}},"path":"/"}}`,
  `{"constructor":{"prototype":{"polluted":true}},"cookie":${JSON.stringify(cookie)}}`,
  `{"cookie":${JSON.stringify(cookie)},"user":{"__proto__":{"polluted":true}}}`,
  `{"cookie":${JSON.stringify(cookie)},"save":1,"touch":2,"req":3,"id":4,"reload":5,"regenerate":6,"resetMaxAge":7,"hasOwnProperty":8}`,
]

const foreign = [
  '',
  ' ',
  'null',
  'true',
  '0',
  '-',
  '[]',
  '{}',
  '""',
  '"text"',
  'undefined',
  'NaN',
  '[object Object]',
  '<html></html>',
  'a:1:{s:4:"user";s:3:"bob";}',
  '\u0080\u0004\u0095',
  '\ufeff{}',
  '{"user":"in8uy4"}',
  '{"passport":{"user":7}}',
  `[${JSON.stringify({ cookie })}]`,
  `${good}${good}`,
  `${good},`,
  '\0'.repeat(64),
]

function nested(depth: number, open: string, close: string): string {
  return `{"cookie":${JSON.stringify(cookie)},"deep":${open.repeat(depth)}1${close.repeat(depth)}}`
}

function flipped(text: string, bit: number): string {
  const bytes = Buffer.from(text)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  return bytes.toString()
}

/**
 * Records that no store has written: truncated, with a bit flipped, of other programs, with cookies of every wrong form, with invalid
 * dates, nested deeply, and of 16 MB.
 *
 * @param largest the length of the longest record, in bytes
 */
export function badRecords(largest = Number.POSITIVE_INFINITY): BadRecord[] {
  const cookies = fields.flatMap((field) => values.map((value) => ({ ...cookie, [field]: value })))
  const forms = [...values, ...dates.map((expires) => ({ ...cookie, expires })), ...cookies]
  const lengths = Array.from({ length: 40 }, (_, index) => Math.floor((good.length * index) / 40))
  const bits = Array.from({ length: 120 }, (_, index) => (index * 37) % (Buffer.byteLength(good) * 8))
  const big = `{"cookie":${JSON.stringify(cookie)},"big":"${'x'.repeat(16 * 2 ** 20)}"}`
  return [
    ...forms.map((value) => named(`the cookie ${JSON.stringify(value)}`, JSON.stringify({ cookie: value, user: 'in8uy4' }))),
    ...pollution.map((payload) => named(`pollution: ${payload.slice(0, 60)}`, payload)),
    ...foreign.map((payload) => named(`foreign: ${JSON.stringify(payload.slice(0, 40))}`, payload)),
    ...lengths.map((length) => named(`truncated after ${length}`, good.slice(0, length))),
    ...bits.map((bit) => named(`bit ${bit} flipped`, flipped(good, bit))),
    ...[100, 10_000, 200_000].flatMap((depth) => [
      named(`${depth} arrays deep`, nested(depth, '[', ']')),
      named(`${depth} objects deep`, nested(depth, '{"a":', '}')),
    ]),
    named('16 MB', big),
    named('16 MB, truncated', big.slice(0, -2)),
  ].filter(({ payload }) => Buffer.byteLength(payload) <= largest)
}

function named(name: string, payload: string): BadRecord {
  return { name, payload }
}
