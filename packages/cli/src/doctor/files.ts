import fs from 'node:fs'
import { type Finding, fail, ok, warn } from './finding.ts'

const OTHERS = 0o007
const OTHERS_WRITE = 0o002
const GROUP = 0o070

/** Other users who may read or write a file or folder. Sessions are credentials. */
export function modeFinding(path: string, what: string, mode: number): Finding {
  const { mode: full, uid } = fs.statSync(path)
  const held = full & 0o777
  const shown = held.toString(8).padStart(3, '0')
  const fix = `chmod ${mode.toString(8)} ${shellQuoted(path)}`
  const me = process.getuid?.()
  if (process.platform === 'win32') return ok('modes', 'not looked at on Windows')
  if ((held & OTHERS_WRITE) !== 0)
    return fail('modes', `${what} has the mode ${shown}: every user of this machine can change sessions`, fix)
  if ((held & OTHERS) !== 0)
    return warn('modes', `${what} has the mode ${shown}: every user of this machine can read sessions`, fix)
  if ((held & GROUP) !== 0) return warn('modes', `${what} has the mode ${shown}: its group can read sessions`, fix)
  if (me !== undefined && me !== 0 && uid !== me)
    return warn(
      'modes',
      `${what} belongs to another user (${uid}) than this one (${me})`,
      `sudo chown ${me} ${shellQuoted(path)}`,
    )
  return ok('modes', `${what} is for its owner alone (${shown})`)
}

/** Magic numbers of statfs(2), of file systems with unreliable locks or durability. */
const FILE_SYSTEMS: Readonly<Record<number, readonly [name: string, kind: 'network' | 'memory']>> = {
  26985: ['NFS', 'network'],
  4283649346: ['CIFS', 'network'],
  4266872130: ['SMB', 'network'],
  20859: ['SMB', 'network'],
  1702057286: ['FUSE', 'network'],
  16914836: ['tmpfs', 'memory'],
  2240043254: ['ramfs', 'memory'],
}
const LEAST_FREE = 0.05

/** @param onNetwork the level of the finding for a network file system */
export function* fileSystemFindings(path: string, onNetwork: Finding['level']): Generator<Finding> {
  const { type, bavail, blocks, ffree, files } = fs.statfsSync(path)
  const [name, kind] = FILE_SYSTEMS[type >>> 0] ?? []
  const fix = 'move it to a disk of this machine'
  if (kind === 'network')
    yield { level: onNetwork, subject: 'file system', message: `${name}: locks of other machines may not be seen`, fix }
  else if (kind === 'memory') yield warn('file system', `${name}: a restart of the machine logs everybody out`, fix)
  else yield ok('file system', 'a disk of this machine')
  const space = Math.min(part(bavail, blocks), part(ffree, files))
  if (space < LEAST_FREE) yield warn('space', `${Math.round(space * 100)} % is free`, `df -h -i ${shellQuoted(path)}`)
}

/** Some file systems do not count. */
function part(free: number, all: number): number {
  return all === 0 ? 1 : free / all
}

export function shellQuoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}

export function isWritable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.W_OK | fs.constants.R_OK)
    return true
  } catch {
    return false
  }
}
