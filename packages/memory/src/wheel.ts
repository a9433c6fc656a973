/**
 * A timing wheel: who dies when, so that freeing the dead costs what is dead and not what lives.
 *
 * Time is counted in ticks of 1024 ms. Six levels of 64 slots: a slot of level 0 holds who dies in one tick, a slot of level 1
 * in 64 ticks, of level 2 in 64 * 64, and so on. What is far away lies in a wide slot; when its time comes near, the wheel deals
 * it out to the finer ones. So a touch that moves a death by seconds, a day ahead, stays in its slot and costs nothing, and no
 * member is moved more than a handful of times in its life.
 *
 * A slot is an array in no order, and each member knows its place in it: to leave, it changes places with the last.
 */

const tickBits = 10
const levelBits = 6
const levels = 6
const slotsPerLevel = 1 << levelBits
/** The first moment that 32 bits of ticks do not reach, in the year 2109. What dies later is in a slot that is never dealt out. */
const horizon = 2 ** (32 + tickBits)

/** What the wheel needs to know of a member; the wheel alone writes it. */
export interface Mortal {
  /** When it dies, in epoch milliseconds; Infinity: never, then it is in no slot. */
  expires: number
  slot: object | null
  place: number
}

interface Slot<Member> {
  readonly members: Member[]
  /** No member dies before. It may be too early, never too late. */
  earliest: number
}

/** Answers whether it is time to stop, to go on later. */
type Stop = () => boolean

export class Wheel<Member extends Mortal> {
  readonly #slots: Slot<Member>[] = Array.from({ length: levels * slotsPerLevel + 1 }, newSlot<Member>)
  #tick: number
  #size = 0

  /** `now` is where time begins, in epoch milliseconds. */
  constructor(now: number) {
    this.#tick = tickOf(now)
  }

  /** How many have a death ahead. */
  get size(): number {
    return this.#size
  }

  /** Sets when it dies. It may be new to the wheel or not. */
  move(member: Member, expires: number): void {
    const slot = expires === Infinity ? null : this.#slotFor(expires)
    member.expires = expires
    if (slot !== member.slot) {
      this.remove(member)
      if (slot !== null) this.#add(member, slot)
    }
    if (slot !== null && expires < slot.earliest) slot.earliest = expires
  }

  /** Takes it out, if it is in. */
  remove(member: Member): void {
    const slot = member.slot as Slot<Member> | null
    if (slot === null) return
    const last = slot.members.pop() as Member
    if (last !== member) {
      slot.members[member.place] = last
      last.place = member.place
    }
    if (slot.members.length === 0) slot.earliest = Infinity
    member.slot = null
    this.#size--
  }

  /**
   * Turns to `now`, handing over whoever died in a tick that is over; `free` must not call the wheel. Answers whether it got there
   * before `stop` said so; if not, the next call goes on where this one ended.
   */
  advance(now: number, free: (member: Member) => void, stop: Stop): boolean {
    const target = tickOf(now)
    for (let slot = this.#nextUntil(target); slot !== null; slot = this.#nextUntil(target)) {
      for (let member = slot.members.at(-1); member !== undefined; member = slot.members.at(-1)) {
        this.remove(member)
        if (tickOf(member.expires) < target) free(member)
        else this.move(member, member.expires)
        if (stop()) return false
      }
    }
    if (target > this.#tick) this.#tick = target
    return true
  }

  /** The slots in which somebody may be dead at `now`. */
  *dueAt(now: number): Generator<readonly Member[]> {
    for (const slot of this.#slots) if (slot.earliest <= now) yield slot.members
  }

  #add(member: Member, slot: Slot<Member>): void {
    member.slot = slot
    member.place = slot.members.push(member) - 1
    this.#size++
  }

  /** The level is where the tick first differs from the current one, read in digits of six bits. */
  #slotFor(expires: number): Slot<Member> {
    if (expires >= horizon) return this.#slots[levels * slotsPerLevel]!
    const tick = Math.max(tickOf(expires), this.#tick)
    const level = Math.floor((31 - Math.clz32((tick ^ this.#tick) | 1)) / levelBits)
    return this.#slots[level * slotsPerLevel + digit(tick, level)]!
  }

  /**
   * The next slot that begins before `target`, or at it if it is one to deal out; time moves to its begin. A wide slot at the
   * current digit is one that an earlier call did not finish: it comes first.
   */
  #nextUntil(target: number): Slot<Member> | null {
    for (let level = levels - 1; level > 0; level--) {
      const unfinished = this.#slots[level * slotsPerLevel + digit(this.#tick, level)]!
      if (unfinished.members.length > 0) return unfinished
    }
    for (let level = 0; level < levels; level++) {
      for (let at = digit(this.#tick, level) + (level === 0 ? 0 : 1); at < slotsPerLevel; at++) {
        const slot = this.#slots[level * slotsPerLevel + at]!
        if (slot.members.length === 0) continue
        const begin = beginOf(this.#tick, level, at)
        if (level === 0 ? begin >= target : begin > target) return null
        this.#tick = Math.max(begin, this.#tick)
        return slot
      }
    }
    return null
  }
}

function newSlot<Member>(): Slot<Member> {
  return { members: [], earliest: Infinity }
}

function tickOf(time: number): number {
  return time > 0 ? Math.floor(Math.min(time, horizon - 1) / 2 ** tickBits) : 0
}

function digit(tick: number, level: number): number {
  return (tick >>> (level * levelBits)) & (slotsPerLevel - 1)
}

/** The first tick of a slot, seen from `tick`: the digits above are the same, those below are 0. No shift: it ends at 32 bits. */
function beginOf(tick: number, level: number, at: number): number {
  const width = slotsPerLevel ** level
  return Math.floor(tick / (width * slotsPerLevel)) * width * slotsPerLevel + at * width
}
