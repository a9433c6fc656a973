import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const backends = readdirSync(here('packages')).filter((name) => name !== 'core')

// Tests run against the sources of all packages: no build is needed.
const alias = [
  { find: /^connect-databank$/, replacement: here('packages/core/src/index.ts') },
  { find: /^connect-databank\/backend$/, replacement: here('packages/core/src/backend/index.ts') },
  { find: /^@connect-databank\/([^/]+)$/, replacement: here('packages/$1/src/index.ts') },
  { find: /^@connect-databank\/([^/]+)\/([^/]+)$/, replacement: here('packages/$1/src/$2.ts') },
]

const project = (name: string, root: string, more: object = {}) => ({
  resolve: { alias },
  test: { name, root: here(root), testTimeout: 30_000, hookTimeout: 120_000, ...more },
})

export default defineConfig(({ mode }) => {
  // Tests of durations mean something on a quiet machine only: `npm run test:timed`.
  const isTimed = mode === 'timed'
  const include = [isTimed ? 'test/**/*.timed.ts' : 'test/**/*.test.ts']
  const packages = ['core', ...backends].map((name) => project(name, `packages/${name}`, { include }))
  // These tests use the packed packages, in a project outside the repository.
  const outside = { include, globalSetup: ['test/outside.ts'], testTimeout: 120_000 }
  const others = [
    project('demo', 'examples/demo', { include }),
    project('bench', 'bench', { include }),
    project('scripts', 'scripts', outside),
  ]
  return {
    test: {
      pool: 'forks',
      // Twice the cores of the smallest machine, because many of the running files wait: for time-outs, expiry and servers.
      maxWorkers: isTimed ? 1 : 4,
      projects: isTimed ? packages : [...packages, ...others],
    },
  }
})
