import type { Command } from 'commander'
import type { SessionData } from 'express-session'
import { type CommonOptions, type Context, EXIT, isUrl, urlCommand, withSessions } from '../command.ts'
import { Failure } from '../failure.ts'
import { resolveIds, shortened, shown } from '../ids.ts'
import type { Opened } from '../opened.ts'
import { inspect, type Session } from '../sessions.ts'
import { counted, duration, iso, size, time, visible } from '../text.ts'

interface ShowOptions extends CommonOptions {
  values?: boolean
  json?: boolean
  fullIds?: boolean
}

export function showCommand(context: Context): Command {
  return urlCommand('show', 'shows one session', 'show redis://localhost Zk3vT9qa', 'show redis://localhost Zk3vT9qa --values')
    .argument('[id]', 'the id, or at least its first 8 characters')
    .option('--values', 'the values of the session, which may be personal data')
    .option('--json', 'one JSON object')
    .option('--full-ids', 'the whole session id, which is a credential')
    .action((first: string | undefined, second: string | undefined, options: ShowOptions) => {
      const [url, id] = isUrl(first) ? [first, second] : [undefined, first]
      if (id === undefined || (url === undefined && second !== undefined)) throw new Failure('give a URL and one session id')
      return withSessions(context, url, options, (opened) => show(context, opened, id, options))
    })
}

async function show({ terminal }: Context, opened: Opened, typed: string, options: ShowOptions): Promise<void> {
  const session = await find(opened, typed)
  const { values = false, fullIds = false } = options
  if (options.json) {
    await terminal.printJson(asJson(session, values, fullIds))
    return
  }
  for (const [name, text] of lines(session, Date.now(), fullIds)) await terminal.print(`${name.padEnd(9)} ${text}`)
  const data = Object.entries(dataOf(session.data))
  await terminal.print(data.length === 0 ? 'data      -' : 'data')
  for (const [name, value] of data) {
    await terminal.print(`  ${visible(name)}: ${values ? visible(JSON.stringify(value)) : masked(value)}`)
  }
}

async function find(opened: Opened, typed: string): Promise<Session> {
  const [id] = await resolveIds(opened, [typed])
  const stored = await opened.bank.read(id!)
  const inspected = stored === null ? undefined : inspect(opened.config, id!, stored, Date.now())
  if (inspected?.state === 'live') return inspected.session
  const reason =
    inspected?.state === 'corrupt' ? `is corrupt: ${stored?.corrupt ?? 'it is not the JSON of a session'}` : 'has expired'
  throw new Failure(`the session ${shown(id!)} ${reason}`, EXIT.notFound)
}

function lines(session: Session, now: number, isFull: boolean): [name: string, text: string][] {
  const { id, owner, created, expires, data } = session
  const extended = extendedAt(session, now)
  const ago = (then: number): string => `${time(then)}, ${duration(Math.max(0, now - then))} ago`
  return [
    ['id', visible(shown(id, isFull))],
    ['owner', owner === null ? '-' : visible(owner)],
    ['created', created === null ? 'not stored' : ago(created)],
    ['extended', extended === null ? 'unknown' : ago(extended)],
    ['expires', expires === null ? 'never' : `${time(expires)}, in ${duration(expires - now)}`],
    ['size', size(session.size)],
    ['cookie', visible(cookieOf(data))],
  ]
}

/** The time when a request last extended the session: its expiry minus its cookie's age. Null if the cookie has no age. */
function extendedAt({ data, expires, created }: Session, now: number): number | null {
  const age: unknown = data.cookie.originalMaxAge
  if (typeof age !== 'number' || expires === null) return null
  const extended = expires - age
  // An absolute time-out has cut off the expiry.
  return extended > now || (created !== null && extended < created - 1_000) ? null : extended
}

function cookieOf({ cookie }: SessionData): string {
  const { originalMaxAge, httpOnly, secure, sameSite, path, domain } = cookie as unknown as Record<string, unknown>
  const parts = [
    typeof originalMaxAge === 'number' ? `maxAge ${duration(originalMaxAge)}` : 'until the browser is closed',
    httpOnly && 'httpOnly',
    secure && 'secure',
    sameSite && `sameSite ${sameSite}`,
    path && `path ${path}`,
    domain && `domain ${domain}`,
  ]
  return parts.filter(Boolean).join(', ')
}

function dataOf(session: SessionData): Record<string, unknown> {
  const { cookie: _cookie, ...data } = session
  return data as Record<string, unknown>
}

/** The type of a value, without the value. Names inside it may also be personal data. */
function masked(value: unknown): string {
  if (typeof value === 'string') return `text, ${counted(value.length, 'character')}`
  if (Array.isArray(value)) return `array, ${counted(value.length, 'item')}`
  if (typeof value === 'object' && value !== null) return `object, ${counted(Object.keys(value).length, 'key')}`
  return value === null ? 'null' : typeof value
}

function asJson(session: Session, hasValues: boolean, isFull: boolean): object {
  const { id, owner, created, expires, data } = session
  const date = (then: number | null): string | null => (then === null ? null : iso(then))
  const values = dataOf(data)
  return {
    id: isFull ? id : shortened(id),
    owner,
    created: date(created),
    extended: date(extendedAt(session, Date.now())),
    expires: date(expires),
    size: session.size,
    cookie: data.cookie,
    data: hasValues ? values : Object.fromEntries(Object.entries(values).map(([name, value]) => [name, masked(value)])),
  }
}
