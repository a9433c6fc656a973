/** How long work on many entries may keep the event loop, in milliseconds. */
const SLICE = 4

/** Lets other work run when long work has used up its time slice. */
export class TimeSlice {
  #end = performance.now() + SLICE

  isUsedUp(): boolean {
    return performance.now() > this.#end
  }

  /** Waits for the next turn of the event loop, and begins a new slice. */
  async yield(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#end = performance.now() + SLICE
  }
}
