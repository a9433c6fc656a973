/** One fact about a store for its operator. */
export interface Finding {
  /** `warn`: works, and may lose or reveal sessions. `fail`: does not work. */
  readonly level: 'ok' | 'warn' | 'fail'
  /** The subject of the check, such as `eviction`. */
  readonly subject: string
  readonly message: string
  /** The line that solves it: a command, a statement or an option. */
  readonly fix?: string
}

export function ok(subject: string, message: string): Finding {
  return { level: 'ok', subject, message }
}

export function warn(subject: string, message: string, fix?: string): Finding {
  return { level: 'warn', subject, message, ...(fix !== undefined && { fix }) }
}

export function fail(subject: string, message: string, fix?: string): Finding {
  return { level: 'fail', subject, message, ...(fix !== undefined && { fix }) }
}

/** A check that was impossible, most often because a right is missing. */
export function unseen(subject: string, error: unknown, fix?: string): Finding {
  return warn(subject, `could not look: ${messageOf(error)}`, fix)
}

export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  return (typeof message === 'string' && message !== '' ? message : String(error)).replaceAll(/\s*\n\s*/g, ' ')
}
