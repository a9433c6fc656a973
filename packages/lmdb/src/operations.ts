import type { Entry } from 'connect-databank'

/** What the writer's thread is asked for, and what it answers. */
export interface Operations {
  save: { ask: [id: string, payload: string, expires: number | null]; answer: true }
  remove: { ask: [id: string]; answer: boolean }
  touch: { ask: [id: string, expires: number | null]; answer: null }
  swap: { ask: [id: string, expected: string | null, entry: Entry]; answer: boolean }
  purge: { ask: [now: number, limit: number]; answer: number }
  count: { ask: [now: number]; answer: number }
  clear: { ask: []; answer: null }
}

export type Kind = keyof Operations
