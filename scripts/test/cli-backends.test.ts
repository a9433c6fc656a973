// Each command of the packed command line, as its own process, on every backend that can list its sessions.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, inject, it } from 'vitest'
import { backends, canList, missing } from '../../testing/backends.js'
import { execute, installed, plainEnvironment } from './outside.ts'

const outside = inject('outside')
const folder = join(outside, 'command-line-on-backends')
const program = join(outside, 'node_modules/.bin/connect-databank')
const KEY = 'a'.repeat(64)

/** Stores a session for each user of the arguments, under the user's name. */
const APPLICATION = `
  import { openStore } from 'connect-databank'
  const [url, config, ...users] = process.argv.slice(2)
  const store = await openStore(url, (await import(config)).default)
  const cookie = () => ({ path: '/', originalMaxAge: 3_600_000, expires: new Date(Date.now() + 3_600_000).toISOString() })
  for (const user of users) await store.set(user.padEnd(32, '-'), { cookie: cookie(), user: user.split('-')[0] })
  await store.close()`

beforeAll(async () => {
  await installed(outside)
  await mkdir(folder)
  await writeFile(join(folder, 'application.mjs'), APPLICATION)
})

/** A process has a memory of its own. */
const shared = backends.filter((backend) => backend.name !== 'memory' && canList(backend))

for (const backend of shared) {
  it.skipIf(missing(backend) !== undefined)(`every command on ${backend.title}`, async () => {
    const started = await backend.start()
    try {
      const { url, options } = backend.location(started)
      const config = join(folder, `${backend.name}.mjs`)
      const owner = `owner: (session) => session.user, absoluteTimeout: 86_400_000`
      await writeFile(config, `export default { ...${JSON.stringify(options)}, ${owner} }`)
      const databank = (command: string, ...args: string[]) =>
        execute(program, [command, url, '--config', config, ...args], folder)
      const users = ['ada-1', 'ada-2', 'bob-1', 'charles-1']
      expect(await execute(process.execPath, ['application.mjs', url, config, ...users], folder)).toMatchObject({ code: 0 })

      const { stdout } = await databank('ls', '--json', '--full-ids')
      expect([...stdout.matchAll(/"owner":"(\w+)"/g)].map(([, name]) => name).sort()).toEqual(['ada', 'ada', 'bob', 'charles'])
      expect(await databank('count', '--json')).toMatchObject({ stdout: '{"live":4,"expired":0,"corrupt":0}\n' })
      expect(await databank('show', 'charles-1', '--values')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('"charles"'),
      })
      expect(await databank('end', 'charles-1')).toMatchObject({ code: 0, stderr: '1 session ended\n' })
      expect(await databank('end', '--owner', 'bob')).toMatchObject({ code: 0, stderr: '1 session ended\n' })
      expect(await databank('purge')).toMatchObject({ code: 0 })
      expect(await databank('reindex')).toMatchObject({ code: 0, stderr: '0 sessions changed\n' })

      const target = `disk:./moved-from-${backend.name}`
      const moved = await execute(program, ['move', url, target, '--from-config', config], folder)
      expect(moved).toMatchObject({ code: 0, stderr: expect.stringMatching(/2 sessions copied\nsource and target are equal\n$/) })

      const examined = await databank('doctor')
      expect([0, 4], examined.stdout).toContain(examined.code)
      expect(examined.stdout).toMatch(/^ok {4}records: /m)
      const watching = spawn(program, ['watch', url, '--config', config], { cwd: folder, env: plainEnvironment() })
      expect(String(await once(watching.stdout, 'data'))).toMatch(/2 live/)
      watching.kill('SIGINT')
      expect(await once(watching, 'exit')).toEqual([130, null])

      const keys = { SESSION_ENCRYPTION_KEYS: KEY }
      const reencrypted = await execute(program, ['reencrypt', url, '--config', config, '--accept-plain'], folder, keys)
      expect(reencrypted).toMatchObject({ code: 0, stderr: expect.stringMatching(/^2 sessions encrypted/) })
      expect(await databank('count', '--json')).toMatchObject({ stdout: '{"live":0,"expired":0,"corrupt":2}\n' })
      expect(await databank('end', '--all', '--yes')).toMatchObject({ code: 0 })
    } finally {
      await started.stop()
    }
  })
}
