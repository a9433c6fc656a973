// Runs the first example of every README as printed, in the project outside.
import { readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freePort, isListening, Program, until } from '../../testing/program.js'
import { addressOf, reasonToSkip, stopBackends } from '../../testing/started-backends.js'
import { root } from '../command.js'
import { installed } from './outside.ts'

const outside = inject('outside')
beforeAll(() => installed(outside))
const readmes = [
  { file: 'README.md', name: '' },
  ...readdirSync(join(root, 'packages')).map((name) => ({ file: `packages/${name}/README.md`, name })),
]

afterAll(stopBackends)

describe.each(readmes)('the example in $file', ({ file, name }) => {
  it.skipIf(reasonToSkip(name) !== undefined)('runs as printed', async () => {
    const example = await firstExample(join(root, file))
    expect(example, 'there is no ```js block').toBeDefined()
    const copy = `example-${name}.mjs`
    await writeFile(join(outside, copy), example ?? '')

    const port = await freePort()
    const program = new Program({
      command: process.execPath,
      args: [copy],
      cwd: outside,
      env: { ...(await addressOf(name)), PORT: String(port) },
      ready: () => true,
    })
    await program.start()
    try {
      await until(async () => hasEnded(program) || (await isListening(port)), `${file} to end or to listen`)
      if (hasEnded(program)) expect(program.child?.exitCode, program.output).toBe(0)
      else await visitTwice(`http://127.0.0.1:${port}/`, program)
      expect(program.output).not.toMatch(/^\(node:\d+\)|^\s*\w*Error\b/m)
    } finally {
      await program.stop()
    }
  })
})

const hasEnded = ({ child }: Program) => child?.exitCode !== null || child.signalCode !== null

/** The first visit begins a session, and the second continues it. */
async function visitTwice(address: string, program: Program): Promise<void> {
  const first = await fetch(address)
  const before = await first.text()
  expect(first.status, before + program.output).toBe(200)
  const cookie = first.headers.get('set-cookie')?.split(';')[0]
  expect(cookie, 'no session began').toBeDefined()
  const second = await fetch(address, { headers: { cookie: cookie ?? '' } })
  expect(second.status).toBe(200)
  expect(await second.text(), `the second visit looks like the first; ${program.output}`).not.toBe(before)
}

/** The first example in JavaScript, as printed; undefined if there is none. */
async function firstExample(file: string): Promise<string | undefined> {
  return /^```js\n(.*?)^```$/ms.exec(await readFile(file, 'utf8'))?.[1]
}
