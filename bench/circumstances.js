// When, where and of what something is measured.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'

export function circumstances() {
  const [cpu] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${release()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
    versions: versions(),
  }
}

/** The first digits of the commit; empty outside a repository. */
export function commit() {
  try {
    return String(execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, stdio: 'pipe' })).trim()
  } catch {
    return ''
  }
}

/** Of the peers and the clients that are installed. @returns {Record<string, string>} */
function versions() {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'))
  return Object.fromEntries(
    Object.keys({ ...dependencies, ...optionalDependencies }).flatMap((name) => {
      try {
        const manifest = readFileSync(join(import.meta.dirname, 'node_modules', name, 'package.json'), 'utf8')
        return [[name, JSON.parse(manifest).version]]
      } catch {
        return []
      }
    }),
  )
}
