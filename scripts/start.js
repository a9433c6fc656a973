// `npm start`: installs, builds and runs the demo.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { installAndBuild } from './ensure-built.js'

await installAndBuild()

endWithNpm()
await import('../examples/demo/server.js')

/**
 * Ends the demo when npm is gone. npm hands on signals, but a `kill -9` of npm it can't: the demo would stay behind, and keep
 * the port from the next `npm start`.
 */
function endWithNpm() {
  if (process.env['npm_lifecycle_event'] !== 'start' || process.platform === 'win32') return
  const npm = findNpm()
  setInterval(() => {
    if (!isRunning(npm)) process.kill(process.pid, 'SIGKILL')
  }, 250).unref()
}

/** npm's process id: our parent, or the parent of the shell between us. */
function findNpm() {
  const [parent = '', command = ''] = ask(process.ppid)
  return /(^|\/)(sh|dash|bash|zsh)$/.test(command) ? Number(parent) : process.ppid
}

/** The parent and the name of a process, as `ps` knows them. @param {number} pid */
function ask(pid) {
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

/** Whether the process has ended and its parent hasn't asked how, where there is a /proc to tell. @param {number} pid */
function isZombie(pid) {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
