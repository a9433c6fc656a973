import { TransientMap } from 'connect-databank'

/** Work on one id is done one after the other; on different ids, side by side. */
export class OneAtATime {
  readonly #last = new TransientMap<string, Promise<unknown>>()

  run<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id)
    const own = before === undefined ? work() : before.then(work, work)
    this.#last.set(id, own)
    const end = (): void => {
      if (this.#last.get(id) === own) this.#last.delete(id)
    }
    own.then(end, end)
    return own
  }
}
