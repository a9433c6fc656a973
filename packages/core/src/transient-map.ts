/** After so many additions a new Map takes over. */
const additions = 1_000

/**
 * A map for keys that come and go. When a Map of V8 outgrows its table, the old table keeps a pointer to the new one. Once such a table
 * is old enough to be left alone by the collector of young objects, it holds all tables that come after it, with whatever was in them:
 * that collector then copies garbage, and makes it old (half the price of a `get` was that). A new Map now and then ends the chain.
 */
export class TransientMap<Key, Value> {
  #map = new Map<Key, Value>()
  #added = 0

  get size(): number {
    return this.#map.size
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  set(key: Key, value: Value): void {
    if (this.#added === additions) {
      this.#map = new Map(this.#map)
      this.#added = 0
    }
    this.#added += 1
    this.#map.set(key, value)
  }

  delete(key: Key): boolean {
    return this.#map.delete(key)
  }

  clear(): void {
    this.#map = new Map()
    this.#added = 0
  }

  /** In the order in which their keys came. */
  values(): MapIterator<Value> {
    return this.#map.values()
  }
}
