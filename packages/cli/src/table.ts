import stringWidth from 'string-width'
import { shown } from './ids.ts'
import type { Session } from './sessions.ts'
import { counted, fit, size, time, timeLeft, visible } from './text.ts'

/** The columns of the table of sessions, with their widths. The table is streamed, so the widths do not depend on the sessions. */
export interface Table {
  readonly id: number
  readonly owner: number
  /** 0: there is no space for it. */
  readonly created: number
  readonly hasFullIds: boolean
}

const ID = 9
/** The length of express-session's ids. Longer ones make their row longer. */
const FULL_ID = 32
const CREATED = '2026-11-28 07:24'.length
const EXPIRES = 7
const SIZE = 7
const GAP = '  '
/** If the column of owners would be narrower, there is no column of creation times. */
const WIDE_OWNER = 20
const NARROWEST_OWNER = 5

/** The table for a terminal of this width, in columns. */
export function tableFor(columns: number, hasFullIds: boolean): Table {
  const id = hasFullIds ? FULL_ID : ID
  const rest = columns - id - EXPIRES - SIZE - 3 * GAP.length
  const isWide = rest - CREATED - GAP.length >= WIDE_OWNER
  const owner = isWide ? rest - CREATED - GAP.length : Math.max(rest, NARROWEST_OWNER)
  return { id, owner: Math.min(owner, 40), created: isWide ? CREATED : 0, hasFullIds }
}

export function header(table: Table): string {
  return line(table, 'ID', 'OWNER', 'CREATED', 'EXPIRES', 'SIZE')
}

export function row(table: Table, session: Session, now: number): string {
  const { owner, created, expires } = session
  const id = visible(shown(session.id, table.hasFullIds))
  const createdAt = created === null ? '-' : time(created).slice(0, CREATED)
  return line(table, id, owner === null ? '-' : visible(owner), createdAt, timeLeft(expires, now), size(session.size))
}

function line(table: Table, id: string, owner: string, created: string, expires: string, bytes: string): string {
  const cells = [
    stringWidth(id) > table.id && table.hasFullIds ? id : fit(id, table.id),
    fit(owner, table.owner),
    ...(table.created > 0 ? [fit(created, table.created)] : []),
    expires.padStart(EXPIRES),
    bytes.padStart(SIZE),
  ]
  return cells.join(GAP)
}

export function corruptLeftOut(count: number): string {
  return `${counted(count, 'corrupt record')} left out`
}
