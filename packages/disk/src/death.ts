import fs from 'node:fs'

/**
 * When a session dies, kept in its file's modification time: so a touch is one call to the system and rewrites nothing.
 *
 * The time is the death plus half a millisecond. That half is the mark that we have set it: a copy or a restored backup that got
 * another time lacks it, and the death in the header counts again. A number of seconds as a double is exact to half a
 * microsecond until the year 2100, so a window of some microseconds around the half is wide enough, and the millisecond itself is
 * never in doubt. Where the time cannot say it (later than 2100, before 1970, on a file system that counts whole seconds), it is
 * set without the mark, and the header says it.
 *
 * Now and then a file is marked by chance, and all new files with it: Linux takes their times from its tick, whose fraction of a
 * millisecond drifts slowly. So the mark alone is not believed. A time later than the file's last change (its ctime, which nobody
 * can set) was set by somebody, and so was one beside a version. What is left, by chance or because the session died before its
 * backup was restored, is told apart by the content; and there the later of both deaths counts, see `touchFile`.
 */
const mark = 0.5
const tolerance = 0.005

/** The time that says never. In the future, so that nothing that tidies up by age takes it for an old file. */
const never = Date.UTC(2037, 11, 31, 23, 59, 59)
/** The time, a full second and so without the mark, that says to look into the header. */
const inHeader = never + 1000

/** File systems end at different times; the first of these that ours can keep is the limit. */
const limits = [Date.UTC(2100, 0, 1), Date.UTC(2038, 0, 1)]

/** How late a death the file system of this file can keep to the millisecond; 0 if none. Alters the file's time. */
export function latestDeath(fd: number): number {
  return limits.find((limit) => [limit - 1, limit - 777, never, 2_001].every((time) => keeps(fd, time))) ?? 0
}

function keeps(fd: number, death: number): boolean {
  setTime(fd, death + mark)
  return markedDeath(fs.fstatSync(fd)) === (death === never ? null : death)
}

/** Sets the death of an open file; answers false, and leaves the time alone, where only the header could say it. */
export function setDeath(fd: number, expires: number | null, latest: number, version: number): boolean {
  const death = expires === null ? never : expires
  const fits = death > 2_000 && death < latest && expires !== never && Number.isInteger(death)
  if (fits) setTime(fd, death + mark, version)
  return fits
}

/** Says that the header has it. */
export function setDeathInHeader(fd: number): void {
  setTime(fd, inHeader)
}

/** The death that a file's time says; undefined if the header must be asked. */
export function deathIn(stats: fs.Stats): number | null | undefined {
  return stats.mtimeMs > stats.ctimeMs || versionIn(stats) !== 0 ? markedDeath(stats) : undefined
}

/** The death of a session, of whose file the header is known as well. */
export function deathOf(stats: fs.Stats, inHeader: number | null): number | null {
  const death = deathIn(stats)
  if (death !== undefined) return death
  const perhaps = markedDeath(stats)
  return perhaps === undefined || isEarlier(perhaps, inHeader) ? inHeader : perhaps
}

export function isEarlier(death: number | null, other: number | null): boolean {
  return (death ?? Infinity) < (other ?? Infinity)
}

export function isPast(death: number | null, now: number): boolean {
  return death !== null && !(death > now)
}

function markedDeath(stats: fs.Stats): number | null | undefined {
  const death = Math.floor(stats.mtimeMs)
  if (Math.abs(stats.mtimeMs - death - mark) > tolerance) return undefined
  return death === never ? null : death
}

/**
 * A number that tells one file that was written from any other: it is kept as the access time, in seconds of the 22nd century,
 * which no real access has. A system that notes every access overwrites it; then there is none, and nothing relies on it. (Most
 * note an access only if the time that is noted is older than the modification: this one is later, which saves them the work.)
 */
export function newVersion(latest: number): number {
  return latest < limits[0]! ? 0 : limits[0]! + 1000 * Math.floor(Math.random() * 2 ** 31)
}

/** The version of a file; 0 if it has none. */
export function versionIn(stats: fs.Stats): number {
  return stats.atimeMs >= limits[0]! && stats.atimeMs % 1000 === 0 ? stats.atimeMs : 0
}

function setTime(fd: number, milliseconds: number, version = 0): void {
  fs.futimesSync(fd, (version === 0 ? milliseconds + 1000 : version) / 1000, milliseconds / 1000)
}
