import type { Entry } from 'connect-databank'

/** What the writer's process is asked for, and what it answers. */
export interface Operations {
  save: { ask: [id: string, payload: string, expires: number | null]; answer: true }
  remove: { ask: [id: string]; answer: boolean }
  touch: { ask: [id: string, expires: number | null]; answer: null }
  swap: { ask: [id: string, expected: string | null, entry: Entry]; answer: boolean }
  purge: { ask: [now: number, limit: number]; answer: Purged }
  survey: { ask: [now: number, limit: number, after: Uint8Array | null]; answer: Survey }
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
  /** Where to go on; null if all that is dead was seen. */
  readonly last: Uint8Array | null
}
