import fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathOf } from '../urls.ts'
import { type Examiner, Unusable } from './examination.ts'
import { fileSystemFindings, isWritable, modeFinding, shellQuoted } from './files.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** How many files of sessions are looked at for their modes. */
const SAMPLE = 100

export const disk: Examiner = {
  async *examine({ url, options }) {
    const path = resolve(String(options['path'] ?? pathOf(url)))
    const stat = fs.statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) yield* lookAtMissing(path)
    if (!stat!.isDirectory()) {
      yield fail('folder', `${path} is no folder`, 'name a folder in the URL')
      throw new Unusable()
    }
    yield ok('folder', path)
    yield modeFinding(path, 'the folder', 0o700)
    yield* lookAtFiles(path)
    if (!isWritable(path))
      yield fail(
        'rights',
        'this user may not write to the folder',
        `sudo chown -R ${process.getuid?.() ?? '…'} ${shellQuoted(path)}`,
      )
    else yield ok('rights', 'this user may read and write')
    yield* fileSystemFindings(path, 'warn')
  },
}

function* lookAtMissing(path: string): Generator<Finding> {
  let parent = dirname(path)
  while (!fs.existsSync(parent)) parent = dirname(parent)
  if (isWritable(parent))
    yield warn('folder', `${path} does not exist; the store creates it on first use`, 'start the application')
  else
    yield fail(
      'folder',
      `${path} does not exist, and this user may not create it in ${parent}`,
      `sudo install -d -m 700 -o ${process.getuid?.() ?? '…'} ${shellQuoted(path)}`,
    )
  throw new Unusable()
}

/** Files are made for their owner alone; a copy or a backup may have changed that. */
function* lookAtFiles(path: string): Generator<Finding> {
  if (process.platform === 'win32') return
  let seen = 0
  let open = 0
  for (const file of sessionFiles(path)) {
    if ((fs.statSync(file).mode & 0o077) !== 0) open++
    if (++seen === SAMPLE) break
  }
  if (open > 0) yield warn('modes', `${open} of ${seen} files can be read by other users`, `chmod -R go= ${shellQuoted(path)}`)
}

function* sessionFiles(path: string): Generator<string> {
  for (const first of foldersIn(path)) {
    for (const second of foldersIn(first)) {
      for (const name of fs.readdirSync(second)) if (/^[0-9a-f]{64}$/.test(name)) yield join(second, name)
    }
  }
}

/** The folders of the layout: one digit each. */
function foldersIn(path: string): string[] {
  return fs
    .readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[0-9a-f]$/.test(entry.name))
    .map(({ name }) => join(path, name))
}
