// The copy from session-file-store that UPGRADING.md gives, run as printed on what session-file-store has written.

import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import session from 'express-session'
import { beforeAll, expect, inject, it } from 'vitest'
import { root } from '../command.js'
import { execute, installed } from './outside.ts'

const outside = inject('outside')
beforeAll(() => installed(outside))
const FileStore = createRequire(import.meta.url)('session-file-store')(session)

const hour = 3_600_000
const cookie = (maxAge: number | null) => ({
  path: '/',
  httpOnly: true,
  originalMaxAge: maxAge,
  expires: maxAge === null ? null : new Date(Date.now() + maxAge).toISOString(),
})

it('copies the live sessions with their expiry', async () => {
  const old = new FileStore({ path: join(outside, 'sessions'), reapInterval: -1, logFn: () => {} })
  const sessions = {
    ada: { cookie: cookie(2 * hour), user: 'Ada' },
    grace: { cookie: cookie(null), user: 'Grace' },
    dead: { cookie: cookie(1) },
  }
  for (const [sid, data] of Object.entries(sessions)) {
    await new Promise<void>((resolve, reject) => old.set(sid, data, (error: unknown) => (error ? reject(error) : resolve())))
  }

  const text = await readFile(join(root, 'UPGRADING.md'), 'utf8')
  const copy = [...text.matchAll(/^```js\n(.*?)^```$/gms)]
    .map(([, block = '']) => block)
    .find((block) => block.includes('__lastAccess'))
  expect(copy).toBeDefined()
  await writeFile(join(outside, 'copy.mjs'), copy ?? '')
  expect(await execute(process.execPath, ['copy.mjs'], outside)).toEqual({ code: 0, stdout: '', stderr: '' })

  await writeFile(
    join(outside, 'copied.mjs'),
    `import { DiskStore } from '@connect-databank/disk'
     const store = new DiskStore({ path: './sessions-2' })
     const found = {}
     for await (const [sid, session] of store.entries()) found[sid] = session
     console.log(JSON.stringify(found))
     await store.close()`,
  )
  const { stdout, stderr } = await execute(process.execPath, ['copied.mjs'], outside)
  expect(stderr).toBe('')
  const copied = JSON.parse(stdout)
  expect(Object.keys(copied).sort()).toEqual(['ada', 'grace'])
  expect(copied).toMatchObject({ ada: { user: 'Ada' }, grace: { user: 'Grace' } })
  const left = new Date(copied.ada.cookie.expires).getTime() - Date.now()
  expect(left).toBeGreaterThan(1.9 * hour)
  expect(left).toBeLessThanOrEqual(2 * hour)
})
