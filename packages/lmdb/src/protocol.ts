/** What the writer's process is asked for, in bytes as `format.js` makes them, and what it answers. */
export interface Operations {
  save: { ask: [base: Uint8Array, record: Uint8Array, death: Uint8Array]; answer: true }
  remove: { ask: [base: Uint8Array]; answer: boolean }
  touch: { ask: [base: Uint8Array, death: Uint8Array]; answer: null }
  swap: { ask: [base: Uint8Array, expected: Uint8Array | null, record: Uint8Array, death: Uint8Array]; answer: boolean }
  purge: { ask: [now: Uint8Array]; answer: Purged }
  survey: { ask: [now: Uint8Array, after: Uint8Array | null]; answer: Survey }
  clear: { ask: []; answer: null }
}

export type Kind = keyof Operations

export interface Purged {
  readonly freed: number
  /** Whether all that is dead was seen. */
  readonly isDone: boolean
}

export interface Survey {
  /** How many of those that it looked at are dead. */
  readonly dead: number
  /** How many entries there are, the dead among them. */
  readonly entries: number
  /** Where to go on, in hexadecimal digits; null if all that is dead was seen. */
  readonly last: string | null
}
