import { type Bank, checkOptions, DatabankError, type Entry, newEntry, type OptionRules, rules } from 'connect-databank'
import { type Kept, Place } from './place.ts'
import { Slices } from './slices.ts'

export interface MemoryBankOptions {
  /** The most sessions that are kept. Default: no bound. */
  maxEntries?: number
  /**
   * The most bytes that are kept: those of each id and payload as UTF-8. What the runtime needs to manage a session, some 200
   * bytes, comes on top. Default: no bound.
   */
  maxBytes?: number
}

const optionRules: OptionRules<MemoryBankOptions> = { maxEntries: rules.positiveInteger, maxBytes: rules.positiveInteger }

/** Between two looks at who has died, in milliseconds. */
const sweepEvery = 5_000
/** How long one look may take, and the pause before it goes on, in milliseconds. */
const sweepSlice = 4
const sweepPause = 1

// Made once: a settled promise can be handed out as often as one likes.
const nothing: Promise<null> = Promise.resolve(null)
const done: Promise<void> = Promise.resolve()
const yes: Promise<boolean> = Promise.resolve(true)
const no: Promise<boolean> = Promise.resolve(false)

/**
 * Keeps sessions in the memory of this process. What comes in and goes out is text, so nobody holds a live reference to what
 * is stored. Bounded if asked, the least recently used goes first. Frees the dead by itself, without ever walking the living.
 *
 * Every method answers at once and returns a promise for the contract's sake; none is an async function, which would cost more
 * than the work itself.
 */
export class MemoryBank implements Bank {
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #isBounded: boolean
  #place: Place
  #closed = false
  #sweep: NodeJS.Timeout | undefined

  /** @throws DATABANK_INVALID_OPTION */
  constructor(options: MemoryBankOptions = {}) {
    checkOptions('MemoryBank', optionRules, options)
    this.#maxEntries = options.maxEntries ?? Infinity
    this.#maxBytes = options.maxBytes ?? Infinity
    this.#isBounded = this.#maxEntries !== Infinity || this.#maxBytes !== Infinity
    this.#place = new Place(this.#isBounded)
  }

  read(id: string): Promise<Entry | null> {
    if (this.#closed) return closed()
    const entry = this.#read(id)
    return entry === null ? nothing : Promise.resolve(entry)
  }

  readMany(ids: readonly string[]): Promise<(Entry | null)[]> {
    if (this.#closed) return closed()
    return Promise.resolve(ids.map((id) => this.#read(id)))
  }

  /** Rejects with DATABANK_INVALID_SESSION, and changes nothing, if the entry alone is larger than `maxBytes`. */
  save(id: string, entry: Entry): Promise<void> {
    if (this.#closed) return closed()
    const bytes = this.#bytesOf(id, entry)
    if (bytes > this.#maxBytes) return this.#tooLarge(bytes)
    this.#put(id, entry, bytes)
    return done
  }

  /** Rejects as `save` does. */
  swap(id: string, expected: string | null, entry: Entry): Promise<boolean> {
    if (this.#closed) return closed()
    const bytes = this.#bytesOf(id, entry)
    if (bytes > this.#maxBytes) return this.#tooLarge(bytes)
    const kept = this.#place.get(id)
    const there = kept !== undefined && kept.expires > Date.now() ? kept.payload : null
    if (there !== expected) return no
    this.#put(id, entry, bytes)
    return yes
  }

  delete(id: string): Promise<boolean> {
    if (this.#closed) return closed()
    const kept = this.#place.get(id)
    if (kept === undefined) return no
    this.#place.remove(kept)
    return yes
  }

  touch(id: string, expires: number | null): Promise<void> {
    if (this.#closed) return closed()
    this.#touch(id, expires, Date.now())
    return done
  }

  touchMany(moves: readonly (readonly [id: string, expires: number | null])[]): Promise<void> {
    if (this.#closed) return closed()
    const now = Date.now()
    for (const [id, expires] of moves) this.#touch(id, expires, now)
    return done
  }

  /** Streams what is there when the part of the ids that it belongs to is reached. */
  async *scan(): AsyncGenerator<readonly [id: string, entry: Entry]> {
    if (this.#closed) await closed()
    const slices = new Slices()
    for (const map of this.#place.maps) {
      // A copy of this small part, so that whoever saves while scanning does not meet his own saves again.
      for (const kept of [...map.values()]) {
        if (map.get(kept.id) === kept) yield [kept.id, entryOf(kept)]
        if (slices.isOver()) await slices.next()
      }
    }
  }

  /** Looks only at those whose time may have come; all others live. */
  async count(now: number): Promise<number> {
    if (this.#closed) return closed()
    const place = this.#place
    await freeDead(place, now)
    let dead = 0
    await eachDueAt(place, now, (kept) => {
      if (kept.expires <= now) dead++
    })
    return place.size - dead
  }

  async purge(now: number): Promise<number> {
    if (this.#closed) return closed()
    const place = this.#place
    let freed = await freeDead(place, now)
    await eachDueAt(place, now, (kept) => {
      if (kept.expires > now) return
      place.remove(kept)
      freed++
    })
    return freed
  }

  /** At once, whatever there is: the collector frees the old place beside us. */
  clear(): Promise<void> {
    if (this.#closed) return closed()
    this.#place = new Place(this.#isBounded)
    return done
  }

  /** Forgets everything. */
  close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#sweep)
    this.#place = new Place(false)
    return done
  }

  #read(id: string): Entry | null {
    const kept = this.#place.get(id)
    if (kept === undefined) return null
    this.#place.use(kept)
    return entryOf(kept)
  }

  #touch(id: string, expires: number | null, now: number): void {
    const kept = this.#place.get(id)
    if (kept === undefined || kept.expires <= now) return
    this.#place.wheel.move(kept, expires ?? Infinity)
    this.#place.use(kept)
    if (this.#sweep === undefined) this.#sweepIn(sweepEvery)
  }

  #put(id: string, entry: Entry, bytes: number): void {
    this.#place.put(id, entry.payload, entry.expires ?? Infinity, bytes)
    while (this.#place.size > this.#maxEntries || this.#place.bytes > this.#maxBytes) this.#place.remove(this.#place.oldest!)
    if (this.#sweep === undefined) this.#sweepIn(sweepEvery)
  }

  #bytesOf(id: string, entry: Entry): number {
    return this.#maxBytes === Infinity ? 0 : Buffer.byteLength(id) + Buffer.byteLength(entry.payload)
  }

  #tooLarge(bytes: number): Promise<never> {
    const message = `the session takes ${bytes} bytes, more than the ${this.#maxBytes} that maxBytes allows for all`
    return Promise.reject(new DatabankError('DATABANK_INVALID_SESSION', message))
  }

  /** The timer holds neither the process nor a bank that nobody uses any more. */
  #sweepIn(delay: number): void {
    if (this.#place.wheel.size === 0) return
    const bank = new WeakRef(this)
    this.#sweep = setTimeout(() => {
      const used = bank.deref()
      if (used !== undefined) used.#sweepOnce()
    }, delay).unref()
  }

  #sweepOnce(): void {
    this.#sweep = undefined
    const place = this.#place
    const end = performance.now() + sweepSlice
    let steps = 0
    const stop = (): boolean => (++steps & 63) === 0 && performance.now() >= end
    const finished = place.wheel.advance(Date.now(), (kept) => place.forget(kept), stop)
    this.#sweepIn(finished ? sweepEvery : sweepPause)
  }
}

/** Frees who died in a second that is over: the bulk of the dead, without a look at anybody else. Answers how many. */
async function freeDead(place: Place, now: number): Promise<number> {
  const slices = new Slices()
  const until = Math.min(now, Date.now())
  let freed = 0
  const free = (kept: Kept): void => {
    place.forget(kept)
    freed++
  }
  while (!place.wheel.advance(until, free, () => slices.isOver())) await slices.next()
  return freed
}

async function eachDueAt(place: Place, now: number, visit: (kept: Kept) => void): Promise<void> {
  const slices = new Slices()
  for (const members of place.wheel.dueAt(now)) {
    // From the end: who leaves is replaced by one that was seen already. After a pause the array may be shorter.
    for (let at = members.length - 1; at >= 0; at = Math.min(at, members.length) - 1) {
      visit(members[at]!)
      if (slices.isOver()) await slices.next()
    }
  }
}

function entryOf({ payload, expires }: Kept): Entry {
  return newEntry(payload, expires === Infinity ? null : expires)
}

function closed(): Promise<never> {
  return Promise.reject(new DatabankError('DATABANK_CLOSED', 'the memory bank was closed'))
}
