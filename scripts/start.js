// `npm start`: installs, builds and runs the demo.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { installAndBuild } from './ensure-built.js'

await installAndBuild()

endWithNpm()
await import('../examples/demo/server.js')

/**
 * Ends the demo when npm has ended. npm forwards signals, but not SIGKILL: after that the demo would keep running, and the next
 * `npm start` would find its port in use.
 */
function endWithNpm() {
  if (process.env['npm_lifecycle_event'] !== 'start' || process.platform === 'win32') return
  const npm = findNpm()
  setInterval(() => {
    if (!isRunning(npm)) process.kill(process.pid, 'SIGKILL')
  }, 250).unref()
}

/** npm's process id: the parent of this process, or of the shell between them. */
function findNpm() {
  const [parent = '', command = ''] = describe(process.ppid)
  return /(^|\/)(sh|dash|bash|zsh)$/.test(command) ? Number(parent) : process.ppid
}

/** The parent and the name of a process, from `ps`. @param {number} pid */
function describe(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' })
  return (stdout ?? '').trim().split(/\s+/)
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return !isZombie(pid)
}

/** Whether the process has ended but its parent has not yet collected its exit status; false where there is no /proc. @param {number} pid */
function isZombie(pid) {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
