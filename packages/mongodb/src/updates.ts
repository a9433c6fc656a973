import { Batches } from 'connect-databank'
import type { Change, Collection, Filter } from './driver.ts'
import { failure, refusedIn, serverCode } from './failures.ts'

/** An update of one document. */
export interface Update {
  readonly filter: Filter
  readonly change: Change
  /** Makes the document if the filter matches none. */
  readonly upsert: boolean
  /** About how many bytes are sent. */
  readonly weight: number
}

interface Waiting extends Update {
  readonly collection: Collection
  readonly resolve: (isDone: boolean) => void
  readonly reject: (error: unknown) => void
}

/** The most bytes that go out as one. */
const MOST_BYTES = 4 * 1024 * 1024

/** ImmutableField */
const IMMUTABLE = 66
/** No session's, and not what any update asks for. */
const NOT_ASKED_FOR = ''

/**
 * Sends updates, those that come in together as one command, and tells of each whether there is a document now that it has made or
 * changed.
 *
 * The answer to such a command counts the documents, but does not say which updates matched none. So an update that must not make a
 * document is sent as one that would, with an `_id` other than the one it asks for. That the server refuses: an error of this update
 * alone, by which we know that it matched none.
 */
export class Updates {
  readonly #batches = new Batches<Waiting>((batch) => this.#send(batch), {
    weightOf: ({ weight }) => weight,
    weight: MOST_BYTES,
  })
  #canTell: Promise<boolean> | undefined

  apply(collection: Collection, { filter, change, upsert, weight }: Update): Promise<boolean> {
    // Spelled out: to spread an object takes as long as a promise.
    return new Promise((resolve, reject) => {
      this.#batches.add({ filter, change, upsert, weight, collection, resolve, reject })
    })
  }

  #send(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch as [Waiting]
    return batch.length === 1 ? sendAlone(first) : this.#sendMany(first.collection, batch)
  }

  async #sendMany(collection: Collection, batch: readonly Waiting[]): Promise<void> {
    if (await this.#isTold(batch, collection)) await sendTogether(collection, batch)
    else await Promise.all(batch.map(sendAlone))
  }

  async #isTold(batch: readonly Update[], collection: Collection): Promise<boolean> {
    if (batch.every(({ upsert }) => upsert)) return true
    this.#canTell ??= canTell(collection).catch(() => {
      this.#canTell = undefined
      return false
    })
    return this.#canTell
  }
}

async function sendAlone({ collection, filter, change, upsert, resolve, reject }: Waiting): Promise<void> {
  try {
    const { matchedCount, upsertedCount } = await collection.updateOne(filter, change, { upsert })
    resolve(matchedCount + upsertedCount === 1)
  } catch (error) {
    reject(error)
  }
}

async function sendTogether(collection: Collection, batch: readonly Waiting[]): Promise<void> {
  try {
    await collection.bulkWrite(batch.map(toldApart), { ordered: false })
    for (const { resolve } of batch) resolve(true)
  } catch (error) {
    await answerEach(batch, error)
  }
}

/** The update in a form that fails, and changes nothing, where it would match none. */
function toldApart({ filter, change, upsert }: Update): object {
  if (upsert) return { updateOne: { filter, update: change, upsert } }
  return { updateOne: { filter, update: { ...change, $setOnInsert: { _id: NOT_ASKED_FOR } }, upsert: true } }
}

/** Each update's own answer, of the error that they got together. */
async function answerEach(batch: readonly Waiting[], error: unknown): Promise<void> {
  const refused = refusedIn(error)
  // One that cannot be sent, or is no document to the server, must not fail the others.
  const isOfOne = refused.size === 0 && failure(error).code === 'DATABANK_INVALID_SESSION'
  const answers = batch.map((waiting, index): Promise<void> | void => {
    const code = refused.get(index)
    if (code === IMMUTABLE && !waiting.upsert) return waiting.resolve(false)
    // It has changed nothing: sent alone, it may succeed after all, or says itself what is wrong.
    if (code !== undefined || isOfOne) return sendAlone(waiting)
    return refused.size === 0 ? waiting.reject(error) : waiting.resolve(true)
  })
  await Promise.all(answers)
}

/** Whether the server refuses to make a document of another `_id` than was asked for. MongoDB does; what is like it may not. */
async function canTell(collection: Collection): Promise<boolean> {
  const probe = { _id: 0, session: 'a probe' }
  try {
    await collection.updateOne(probe, { $set: { expires: new Date(0) }, $setOnInsert: { _id: NOT_ASKED_FOR } }, { upsert: true })
  } catch (error) {
    if (serverCode(error) === IMMUTABLE) return true
    throw error
  }
  await collection.deleteMany({ _id: { $in: [probe._id, NOT_ASKED_FOR] }, session: probe.session })
  return false
}
