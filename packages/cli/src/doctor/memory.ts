import type { Examiner } from './examination.ts'
import { warn } from './finding.ts'

export const memory: Examiner = {
  async *examine() {
    yield warn(
      'memory',
      "sessions are in the memory of the application's process: they end with it, and no other process has them",
      'SESSION_URL=sqlite:./sessions.db',
    )
  },
}
