import { crc32 } from 'node:zlib'
import type { MutationToken } from './client.ts'

/** As many as a bucket has, or a multiple of it. */
const partitions = 1024

/**
 * The last write of this bank to each partition of the bucket. A range scan sees what has reached the disk; told of these, the
 * server waits for them.
 */
export class OwnWrites {
  #last = new Map<number, MutationToken>()

  add(key: string, token: MutationToken | undefined): void {
    if (token !== undefined) this.#last.set(partitionOf(key), token)
  }

  /** The latest first: of several to one partition, which are possible where a bucket has fewer, the SDK keeps the first. */
  tokens(): MutationToken[] {
    return [...this.#last.values()].sort((one, other) => sequenceOf(other) - sequenceOf(one))
  }

  clear(): void {
    this.#last = new Map()
  }
}

/** As the server has it. */
function partitionOf(key: string): number {
  return (crc32(key) >>> 16) & (partitions - 1)
}

function sequenceOf(token: MutationToken): number {
  return Number((token.toJSON() as { sequence_number: string }).sequence_number)
}
