import type { Entry } from 'connect-databank'

/** How a bank writes its keys and finds them again. */
export interface Register {
  save(key: string, entry: Entry): Promise<unknown>
  swap(key: string, expected: string | null, entry: Entry): Promise<boolean>
  delete(key: string): Promise<boolean>
  touch(key: string, expires: number | null): Promise<unknown>
  /** Touches it and reads what it has touched, where that is one command. */
  renew?(key: string, expires: number | null): Promise<Entry | null>
  touchMany(keys: readonly string[], expiries: readonly (number | null)[]): Promise<unknown>
  /** Streams the keys that may be there, each once. */
  keys(): AsyncIterable<string[]>
  count(now: number): Promise<number>
  clear(): Promise<void>
  purge(now: number): Promise<number>
}
