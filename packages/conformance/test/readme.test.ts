import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../../testing/bundle.js'
import { bankChecks, storeChecks } from '../src/index.ts'

const file = new URL('../README.md', import.meta.url).pathname
const readme = readFileSync(file, 'utf8')

/** The examples whose first line names a file, by that name. */
const examples = new Map([...readme.matchAll(/^```js\n\/\/ ([\w.-]+).*?\n(.*?)^```$/gms)].map(([, name, text]) => [name!, text!]))

describe('the README', () => {
  it('lists the checks as they are', async () => {
    const lists = { bank: bankChecks, store: storeChecks }
    let expected = readme
    for (const [kind, checks] of Object.entries(lists)) {
      const rows = checks.map(({ name, needs }) => [name, needs.map((need) => `\`${need}\``).join(', ')])
      const between = new RegExp(`(<!-- ${kind} checks.*?-->\n).*?(<!-- end of ${kind} checks -->)`, 's')
      assert.match(expected, between)
      expected = expected.replace(between, (_, start, end) => `${start}\n${table(['check', 'needs'], rows)}\n${end}`)
    }
    await expect(expected).toMatchFileSnapshot(file)
  })

  it('quotes express-session as it stands', () => {
    const original = readFileSync(createRequire(import.meta.url).resolve('express-session/README.md'), 'utf8').replace(
      /\s+/g,
      ' ',
    )
    const quotations = storeChecks
      .filter(({ why }) => why.includes('express-session README'))
      .flatMap(({ why }) => [...why.matchAll(/"(.+?)"(?=$|,|;)/g)].map(([, quotation]) => quotation!))
    assert.ok(quotations.length > 30)
    for (const quotation of quotations) assert.ok(original.includes(quotation), `it does not contain: ${quotation}`)
  })

  it('shows a bank of three methods in about thirty lines', () => {
    const lines = examples.get('folder-bank.js')!.trim().split('\n')
    assert.ok(lines.length <= 36, `${lines.length} lines`)
  })
})

describe('the examples', () => {
  let sources: string
  let bundled: Awaited<ReturnType<typeof bundle>>

  beforeAll(async () => {
    sources = await mkdtemp(join(tmpdir(), 'conformance-readme-'))
    for (const [name, text] of examples) writeFileSync(join(sources, name), text)
    const entries = [...examples.keys()].filter((name) => name !== 'folder-bank.js')
    bundled = await bundle(Object.fromEntries(entries.map((name) => [name.slice(0, -'.js'.length), join(sources, name)])))
  })

  afterAll(async () => {
    await bundled.remove()
    await rm(sources, { recursive: true })
  })

  it('of a bank passes what three methods can pass, under node:test', async () => {
    const { output, code } = await run(['--test-reporter=tap', join(bundled.folder, 'folder-bank.test.js')])
    assert.equal(code, 0, output)
    const isPossible = ({ needs }: (typeof bankChecks)[number]) =>
      needs.every((need) => ['another', 'now', 'owners'].includes(need))
    const possible = bankChecks.filter(isPossible).length
    assert.deepEqual(totals(output), { pass: possible, fail: 0, skipped: bankChecks.length - possible })
    assert.match(output, /# SKIP there is no swap/)
  })

  it('of the memory bank passes', async () => {
    const { output, code } = await run(['--test-reporter=tap', join(bundled.folder, 'bank.test.js')])
    assert.equal(code, 0, output)
    assert.equal(totals(output).fail, 0)
  })

  it('of grading a store prints the result of each check', async () => {
    const { output, code } = await run([join(bundled.folder, 'grade.js')])
    assert.equal(code, 0, output)
    for (const { name } of storeChecks) assert.ok(output.includes(` ${name} `), name)
    assert.match(output, /^failed all returns an array/m)
  })
})

/** A table in Markdown, formatted as by the formatter. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |\n`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('')
}

function run(args: string[]): Promise<{ output: string; code: number }> {
  return new Promise((resolve) => {
    // Without the variable by which node:test recognizes its own processes.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    execFile(process.execPath, args, { env, maxBuffer: 1e8 }, (error, out, errors) =>
      resolve({ output: out + errors, code: Number(error?.code ?? 0) }),
    )
  })
}

function totals(report: string): Record<'pass' | 'fail' | 'skipped', number> {
  const total = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(report)?.[1])
  return { pass: total('pass'), fail: total('fail'), skipped: total('skipped') }
}
