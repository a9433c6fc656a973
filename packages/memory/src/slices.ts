/** How long work on many entries keeps the event loop before others get their turn, in milliseconds. */
const slice = 4

/** Cuts long work into slices. Reading the clock costs more than looking at an entry, so only every so many steps do it. */
export class Slices {
  #end = performance.now() + slice
  #steps = 0

  /** Call it once a step: whether the slice is used up. */
  isOver(): boolean {
    return (++this.#steps & 63) === 0 && performance.now() >= this.#end
  }

  /** Lets everybody else run, then begins a new slice. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#end = performance.now() + slice
  }
}
