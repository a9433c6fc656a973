// The order of the test files: by the time that they take, whatever their project, so that none of the long ones is left at the end,
// when nothing else is there to do.
import { relative } from 'node:path'
import { BaseSequencer } from 'vitest/node'
import { root } from './command.js'

/**
 * The files that take more than ten seconds, in turn one that works and one that mostly waits: for time-outs, deaths and other
 * processes.
 */
export const longest = [
  'packages/mongodb/test/histories.test.ts',
  'packages/conformance/test/peers.test.ts',
  'packages/disk/test/bad-input.test.ts',
  'packages/mongodb/test/faults.test.ts',
  'packages/mongodb/test/secured.test.ts',
  'packages/couchbase/test/failures.test.ts',
  'packages/mongodb/test/bank.test.ts',
  'packages/disk/test/bank.test.ts',
  'scripts/test/packed.test.ts',
  'examples/demo/test/browser.test.ts',
  'packages/disk/test/processes.test.ts',
  'packages/conformance/test/store-checks.test.ts',
  'examples/demo/test/load.test.ts',
  'packages/redis/test/failover.test.ts',
  'packages/mongodb/test/bad-input.test.ts',
  'packages/redis/test/databank-redis.test.ts',
  'packages/redis/test/histories.test.ts',
  'packages/redis/test/faults.test.ts',
  'packages/redis/test/bad-input.test.ts',
  'packages/conformance/test/readme.test.ts',
  'packages/redis/test/bank.test.ts',
  'packages/memory/test/bank.test.ts',
  'packages/mongodb/test/forms.test.ts',
  'packages/redis/test/near-cache.test.ts',
  'packages/couchbase/test/histories.test.ts',
  'packages/couchbase/test/bad-input.test.ts',
  'examples/demo/test/backends.test.ts',
  'packages/redis/test/indexed.test.ts',
  'packages/conformance/test/histories.test.ts',
  'packages/redis/test/cluster.test.ts',
  'packages/redis/test/access.test.ts',
  'packages/memory/test/histories.test.ts',
  'packages/disk/test/histories.test.ts',
  'packages/couchbase/test/bank.test.ts',
  'packages/redis/test/sentinel.test.ts',
]

export class LongestFirst extends BaseSequencer {
  /** @override @param {import('vitest/node').TestSpecification[]} files */
  async sort(files) {
    return (await super.sort(files)).sort((one, other) => byLength(one.moduleId, other.moduleId))
  }
}

/** Compares files by their paths. @param {string} one @param {string} other */
export function byLength(one, other) {
  return rank(one) - rank(other)
}

/** @param {string} path */
function rank(path) {
  const at = longest.indexOf(relative(root, path).replaceAll('\\', '/'))
  return at === -1 ? longest.length : at
}
