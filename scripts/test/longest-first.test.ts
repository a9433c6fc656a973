// The order in which the test files are run.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../command.js'
import { byLength, longest } from '../longest-first.js'

it('all files that are to be run early are there', () => {
  expect(longest.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

it('the files that take longest come first, as they are listed, and the others stay as they were', () => {
  const [first = '', second = ''] = longest.map((file) => join(root, file))
  const [b = '', a = ''] = ['packages/b.test.ts', 'packages/a.test.ts'].map((file) => join(root, file))
  expect([b, second, a, first].sort(byLength)).toEqual([first, second, b, a])
})
