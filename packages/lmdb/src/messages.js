// What travels between a process and the one that writes for it: bytes in a pipe, one message behind the other. Bytes, not objects:
// a record is made of its text once, and the writer hands it to LMDB as it came.
//
// An ask is its length (4 bytes), its kind, and its fields: length (4 bytes) and bytes. An answer is one byte, or JSON behind one.

/**
 * @typedef {import('./protocol.ts').Kind} Kind
 * @typedef {{ failure: { message: string, code?: number | string | undefined } }} Failure
 * @typedef {import('./protocol.ts').Operations[Kind]['answer'] | Failure} Answer
 */

/** @type {readonly Kind[]} */
export const kinds = ['save', 'remove', 'touch', 'swap', 'purge', 'survey', 'clear']
const numbers = /** @type {Record<Kind, number>} */ (Object.fromEntries(kinds.map((kind, at) => [kind, at])))

const lengthSize = 4
const nothing = 0xffffffff

/**
 * @param {Kind} kind
 * @param {readonly (Uint8Array | null)[]} fields
 * @returns {Buffer}
 */
export function encodeAsk(kind, fields) {
  let length = lengthSize + 1
  for (const field of fields) length += lengthSize + (field?.length ?? 0)
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeUInt32LE(length)
  bytes[lengthSize] = numbers[kind]
  let at = lengthSize + 1
  for (const field of fields) {
    bytes.writeUInt32LE(field?.length ?? nothing, at)
    at += lengthSize
    if (field === null) continue
    bytes.set(field, at)
    at += field.length
  }
  return bytes
}

/**
 * @param {Buffer} bytes of one ask
 * @returns {{ kind: Kind, fields: (Buffer | null)[] }} its fields are parts of the bytes, not copies
 */
export function decodeAsk(bytes) {
  const fields = []
  for (let at = lengthSize + 1; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    at += lengthSize
    fields.push(length === nothing ? null : bytes.subarray(at, at + length))
    if (length !== nothing) at += length
  }
  return { kind: /** @type {Kind} */ (kinds[bytes[lengthSize] ?? kinds.length]), fields }
}

const plainAnswers = [false, true, null]
const json = plainAnswers.length

/**
 * @param {readonly Answer[]} answers
 * @returns {Buffer}
 */
export function encodeAnswers(answers) {
  return Buffer.concat(answers.map(encodeAnswer))
}

const encodedPlainAnswers = plainAnswers.map((_, at) => Buffer.of(at))

/** @param {Answer} answer */
function encodeAnswer(answer) {
  const plain = encodedPlainAnswers[plainAnswers.indexOf(/** @type {boolean | null} */ (answer))]
  if (plain !== undefined) return plain
  const text = Buffer.from(JSON.stringify(answer))
  const bytes = Buffer.allocUnsafe(1 + lengthSize + text.length)
  bytes[0] = json
  bytes.writeUInt32LE(text.length, 1)
  bytes.set(text, 1 + lengthSize)
  return bytes
}

/** Cuts what comes out of a pipe, in pieces of any size, into messages. */
class Cutter {
  /** @type {Buffer[]} */
  #pieces = []
  #size = 0
  #needed = 0
  #lengthAt

  /** @param {(bytes: Buffer, at: number) => number} lengthAt of the message that begins there; 0 if it can't be told yet */
  constructor(lengthAt) {
    this.#lengthAt = lengthAt
  }

  /**
   * @param {Buffer} piece is kept by nobody when this has returned
   * @returns {Buffer[]} the messages that are complete now, as parts of the piece where they can be
   */
  cut(piece) {
    const size = this.#size + piece.length
    if (size < this.#needed) {
      this.#keep(piece)
      return []
    }
    const bytes = this.#size === 0 ? piece : Buffer.concat([...this.#pieces, piece], size)
    this.#pieces = []
    this.#size = 0
    this.#needed = 0
    const messages = []
    let at = 0
    while (at < size) {
      const length = this.#lengthAt(bytes, at)
      if (length === 0 || at + length > size) {
        this.#needed = length
        this.#keep(bytes.subarray(at))
        break
      }
      messages.push(bytes.subarray(at, at + length))
      at += length
    }
    return messages
  }

  /** @param {Buffer} bytes */
  #keep(bytes) {
    this.#pieces.push(Buffer.from(bytes))
    this.#size += bytes.length
  }
}

export function askCutter() {
  return new Cutter((bytes, at) => (at + lengthSize > bytes.length ? 0 : bytes.readUInt32LE(at)))
}

export function answerCutter() {
  return new Cutter((bytes, at) => {
    if (bytes[at] !== json) return 1
    return at + 1 + lengthSize > bytes.length ? 0 : 1 + lengthSize + bytes.readUInt32LE(at + 1)
  })
}

/**
 * @param {Buffer} bytes of one answer
 * @returns {Answer}
 */
export function decodeAnswer(bytes) {
  return bytes[0] === json ? JSON.parse(bytes.toString('utf8', 1 + lengthSize)) : (plainAnswers[bytes[0] ?? json] ?? null)
}
