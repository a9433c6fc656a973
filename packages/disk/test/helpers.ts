import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../../testing/bundle.js'

export const HOUR = 3_600_000
export const inAnHour = (payload: string) => ({ payload, expires: Date.now() + HOUR })

/** A new directory, on the disk unless another place is named. */
export function newDirectory(place = tmpdir()): string {
  return fs.mkdtempSync(join(place, 'disk-bank-'))
}

/** All files below a directory, as paths from there. */
export function filesIn(directory: string): string[] {
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => !fs.lstatSync(join(directory, name)).isDirectory()).sort()
}

/** The files that are neither sessions nor the reserve. */
export function leftoversIn(directory: string): string[] {
  return filesIn(directory).filter((name) => name !== 'reserve' && !/^[0-9a-f]\/[0-9a-f]\/[0-9a-f]{64}$/.test(name))
}

/** The programs of the tests as JavaScript, since child processes and workers know no TypeScript. */
export function bundlePrograms(): ReturnType<typeof bundle> {
  const here = import.meta.dirname
  const names = ['incrementer', 'killed', 'limited', 'holder']
  return bundle(Object.fromEntries(names.map((name) => [name, join(here, 'programs', `${name}.ts`)])))
}
