import { DatabankError, type ErrorCode } from 'connect-databank'

/** LMDB's own codes are negative, the system's positive. */
const meanings: ReadonlyMap<number | string, ErrorCode> = new Map<number | string, ErrorCode>([
  ['MAX_SIZE', 'DATABANK_FULL'],
  [-30792, 'DATABANK_FULL'], // MDB_MAP_FULL
  [28, 'DATABANK_FULL'], // ENOSPC
  // EIO: what LMDB makes of a write that went only half way, which is how a disk fills up. A disk that fails says so at a flush.
  [5, 'DATABANK_FULL'],
  [27, 'DATABANK_FULL'], // EFBIG
  [122, 'DATABANK_FULL'], // EDQUOT
  ['ENOSPC', 'DATABANK_FULL'],
  ['EFBIG', 'DATABANK_FULL'],
  ['EDQUOT', 'DATABANK_FULL'],
  [1, 'DATABANK_DENIED'], // EPERM
  [13, 'DATABANK_DENIED'], // EACCES
  [30, 'DATABANK_DENIED'], // EROFS
  ['EPERM', 'DATABANK_DENIED'],
  ['EACCES', 'DATABANK_DENIED'],
  ['EROFS', 'DATABANK_DENIED'],
  ['WRITER_ENDED', 'DATABANK_UNAVAILABLE'],
  [-30790, 'DATABANK_UNAVAILABLE'], // MDB_READERS_FULL
  [11, 'DATABANK_UNAVAILABLE'], // EAGAIN
  [12, 'DATABANK_UNAVAILABLE'], // ENOMEM
  [23, 'DATABANK_UNAVAILABLE'], // ENFILE
  [24, 'DATABANK_UNAVAILABLE'], // EMFILE
  ['EAGAIN', 'DATABANK_UNAVAILABLE'],
  ['ENOMEM', 'DATABANK_UNAVAILABLE'],
  ['ENFILE', 'DATABANK_UNAVAILABLE'],
  ['EMFILE', 'DATABANK_UNAVAILABLE'],
])

/** LMDB's error, or the writer's report of one, with the code that says what it means. */
export function failure(error: unknown, path: string): DatabankError {
  const { code, message } = error as { code?: number | string; message?: string }
  const cause = error instanceof Error ? error : Object.assign(new Error(message), { code })
  return new DatabankError(meanings.get(code ?? '') ?? 'DATABANK_BACKEND_FAILED', `lmdb: ${message ?? error} (${path})`, {
    cause,
  })
}

export function closed(): DatabankError {
  return new DatabankError('DATABANK_CLOSED', 'the LMDB bank was closed')
}
