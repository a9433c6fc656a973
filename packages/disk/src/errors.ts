import { errorMapper } from 'connect-databank/backend'

/** Codes that mean this only for files, so core's table of system errors lacks them. */
const UNAVAILABLE = ['ENOENT', 'EEXIST', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EMFILE', 'ENFILE', 'ENODEV', 'ESTALE', 'EBUSY']

/** The system's errors with our codes. `ENOENT` especially must be mapped: express-session treats it as a missing session. */
export const errorOf = errorMapper('disk', ({ code }) =>
  UNAVAILABLE.includes(String(code)) ? 'DATABANK_UNAVAILABLE' : undefined,
)

/** The system's code of an error, such as `ENOENT`, or ''. */
export function codeIn(error: unknown): string {
  // Where tests run in a realm of their own (Jest), errors of Node.js are no instances of Error.
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

/**
 * Windows refuses to rename or remove an open file, and to open a file that is being removed. Both are temporary, so the operation is
 * tried again. On other systems these codes mean missing rights, and are final.
 */
export function isSharingViolation(error: unknown): boolean {
  return process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(codeIn(error))
}

/** Whether a read failed because of this one file, and not because of the file system or this process. */
export function isOfOneFile(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EIO', 'EBADMSG', 'EUCLEAN', 'ENOTSUP', 'EINVAL'].includes(codeIn(error))
}
