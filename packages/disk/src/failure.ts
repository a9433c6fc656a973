import { coded, DatabankError, type ErrorCode, isCoded } from 'connect-databank'

/** What the system's error numbers mean to whoever asked for a session. Every other one is DATABANK_BACKEND_FAILED. */
const codeOf: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'DATABANK_DENIED',
  EPERM: 'DATABANK_DENIED',
  EROFS: 'DATABANK_DENIED',
  ENOSPC: 'DATABANK_FULL',
  EDQUOT: 'DATABANK_FULL',
  // The limit of a process (ulimit -f) or of the file system on the size of one file.
  EFBIG: 'DATABANK_FULL',
  ENOENT: 'DATABANK_UNAVAILABLE',
  // A file where a folder should be.
  EEXIST: 'DATABANK_UNAVAILABLE',
  ENOTDIR: 'DATABANK_UNAVAILABLE',
  ELOOP: 'DATABANK_UNAVAILABLE',
  ENAMETOOLONG: 'DATABANK_UNAVAILABLE',
  EMFILE: 'DATABANK_UNAVAILABLE',
  ENFILE: 'DATABANK_UNAVAILABLE',
  ENODEV: 'DATABANK_UNAVAILABLE',
  ESTALE: 'DATABANK_UNAVAILABLE',
  EBUSY: 'DATABANK_UNAVAILABLE',
}

/** The system's code of an error, such as `ENOENT`, or ''. */
export function codeIn(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The error as callers of the bank get it: `ENOENT` above all never passes, express-session takes it for a missing session. */
export function failure(error: unknown, path: string): Error {
  if (isCoded(error)) return error
  const code = codeOf[codeIn(error)]
  if (code === undefined) return coded(error)
  return new DatabankError(code, `${(error as Error).message} (the sessions are in ${path})`, { cause: error })
}

/**
 * Windows refuses to rename or unlink a file that somebody has open at that moment, and to open one that is about to go. It is
 * over in a moment, so the whole operation is tried again. Anywhere else these codes are about rights, and final.
 */
export function isSharingViolation(error: unknown): boolean {
  return process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(codeIn(error))
}
