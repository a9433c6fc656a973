/**
 * A bounded map that drops approximately the least recently used values. It has two generations. When the younger one is full, it
 * becomes the older one, and the unused values of the older one are dropped.
 */
export class LruCache<Value> {
  readonly #generationSize: number
  readonly #sizeOf: (value: Value, key: string) => number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()
  #youngSize = 0

  /**
   * @param limit the total size of all values, in the unit of `sizeOf`. A value larger than half of it is not kept.
   * @param sizeOf must return the same size for a value each time
   */
  constructor(limit: number, sizeOf: (value: Value, key: string) => number) {
    this.#generationSize = limit / 2
    this.#sizeOf = sizeOf
  }

  /** How many values are kept. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    const size = this.#sizeOf(value, key)
    if (size > this.#generationSize) {
      this.delete(key)
      return
    }
    const replaced = this.#young.get(key)
    if (replaced === undefined) this.#old.delete(key)
    this.#youngSize += size - (replaced === undefined ? 0 : this.#sizeOf(replaced, key))
    if (this.#youngSize > this.#generationSize) {
      // Or the value before this one could be found again.
      this.#young.delete(key)
      this.#old = this.#young
      this.#young = new Map()
      this.#youngSize = size
    }
    this.#young.set(key, value)
  }

  delete(key: string): void {
    const young = this.#young.get(key)
    if (young !== undefined) this.#youngSize -= this.#sizeOf(young, key)
    if (!this.#young.delete(key)) this.#old.delete(key)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngSize = 0
  }
}
