import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../../testing/bundle.js'

export const hour = 3_600_000
export const inAnHour = (payload: string) => ({ payload, expires: Date.now() + hour })

/** A new folder, on the disk unless another place is named. */
export function newFolder(place = tmpdir()): string {
  return fs.mkdtempSync(join(place, 'disk-bank-'))
}

/** All files below, as paths from there. */
export function filesIn(folder: string): string[] {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => !fs.lstatSync(join(folder, name)).isDirectory()).sort()
}

/** What is there besides sessions. */
export function leftOver(folder: string): string[] {
  return filesIn(folder).filter((name) => !/^[0-9a-f]\/[0-9a-f]\/[0-9a-f]{64}$/.test(name))
}

/** The programs of the tests as JavaScript, since child processes know no TypeScript. */
export function bundlePrograms(): ReturnType<typeof bundle> {
  const here = import.meta.dirname
  const names = ['incrementer', 'victim', 'limited']
  return bundle(Object.fromEntries(names.map((name) => [name, join(here, 'programs', `${name}.ts`)])))
}
