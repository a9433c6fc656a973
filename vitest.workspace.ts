import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const backends = readdirSync(here('packages')).filter((name) => name !== 'core')

// Tests run against the sources of all packages: no build is needed.
const alias = {
  'connect-databank': here('packages/core/src/index.ts'),
  ...Object.fromEntries(backends.map((name) => [`@connect-databank/${name}`, here(`packages/${name}/src/index.ts`)])),
}

const project = (name: string, root: string, more: object = {}) => ({
  resolve: { alias },
  test: { name, root: here(root), include: ['test/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 120_000, ...more },
})

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      ...['core', ...backends].map((name) => project(name, `packages/${name}`)),
      project('demo', 'examples/demo'),
      // Its tests use the packages as they are published, from a project outside.
      project('scripts', 'scripts', { globalSetup: ['test/outside.ts'], testTimeout: 120_000 }),
    ],
  },
})
