import type { Entry } from 'connect-databank/backend'

/** One map of a million sessions blocks the event loop for a tenth of a second when it grows: each shard has its own. A power of two. */
export const SHARDS = 256
/** Sessions that expire in the same tick are in the same slot. In milliseconds. */
const TICK = 30_000
/** Ticks that differ by this number (16 minutes) share a slot. More slots mean more sets, which cost time in garbage collection. */
const SLOTS = 32

/** A stored session. */
export class Session {
  readonly id: string
  payload = ''
  expires: number | null = null
  owner: string | null = null
  /** Its part of `maxBytes`. */
  bytes = 0
  /** The neighbours in the order of use, if the bank has a limit. */
  older: Session = this
  newer: Session = this

  constructor(id: string) {
    this.id = id
  }
}

/** A part of a bank's sessions, so small that reading all of them does not block the event loop. */
export class Shard {
  readonly #sessions = new Map<string, Session>()
  readonly #ofOwner = new Map<string, Set<Session>>()
  /** By expiry: expired sessions are found without reading all others. */
  readonly #ofSlot = new Map<number, Set<Session>>()
  /** No session expires in an earlier tick. */
  #firstTick = Infinity

  get(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  create(id: string): Session {
    const session = new Session(id)
    this.#sessions.set(id, session)
    return session
  }

  set(session: Session, { payload, expires, owner = null }: Entry): void {
    session.payload = payload
    this.setExpires(session, expires)
    this.#setOwner(session, owner)
  }

  setExpires(session: Session, expires: number | null): void {
    move(this.#ofSlot, session, slotOf(session.expires), slotOf(expires))
    session.expires = expires
    if (expires !== null) this.#firstTick = Math.min(this.#firstTick, tickOf(expires))
  }

  delete(session: Session): void {
    this.#sessions.delete(session.id)
    this.setExpires(session, null)
    this.#setOwner(session, null)
  }

  clear(): void {
    this.#sessions.clear()
    this.#ofOwner.clear()
    this.#ofSlot.clear()
  }

  all(): Session[] {
    return [...this.#sessions.values()]
  }

  ofOwner(owner: string): Session[] {
    return [...(this.#ofOwner.get(owner) ?? [])]
  }

  /** Whether a session has an expiry. */
  get canExpire(): boolean {
    return this.#ofSlot.size > 0
  }

  /** The sessions that have expired at `now`. */
  expired(now: number): Session[] {
    const expired: Session[] = []
    const lastTick = tickOf(now)
    let firstTick = Math.max(this.#firstTick, lastTick)
    for (let tick = Math.max(this.#firstTick, lastTick - SLOTS + 1); tick <= lastTick; tick++) {
      for (const session of this.#ofSlot.get(tick % SLOTS) ?? []) {
        if (session.expires! > now) continue
        expired.push(session)
        firstTick = Math.min(firstTick, tickOf(session.expires!))
      }
    }
    this.#firstTick = firstTick
    return expired
  }

  #setOwner(session: Session, owner: string | null): void {
    move(this.#ofOwner, session, session.owner, owner)
    session.owner = owner
  }
}

function tickOf(time: number): number {
  return Math.max(0, Math.floor(time / TICK))
}

function slotOf(expires: number | null): number | null {
  return expires === null ? null : tickOf(expires) % SLOTS
}

/** Moves the session between the sets of two keys; null is the key of no set. No set is kept empty. */
function move<Key>(sets: Map<Key, Set<Session>>, session: Session, from: Key | null, to: Key | null): void {
  if (from === to) return
  if (from !== null) {
    const set = sets.get(from)!
    set.delete(session)
    if (set.size === 0) sets.delete(from)
  }
  if (to === null) return
  const set = sets.get(to)
  if (set === undefined) sets.set(to, new Set([session]))
  else set.add(session)
}

/** The shard of an id. It depends on all characters, because an application's own ids may have equal beginnings and ends. */
export function shardIndexOf(id: string): number {
  let hash = id.length
  for (let index = 0; index < id.length; index++) hash = (Math.imul(hash, 31) + id.charCodeAt(index)) | 0
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (SHARDS - 1)
}
