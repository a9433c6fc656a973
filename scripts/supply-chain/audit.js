// npm run audit:users [-- --complete]
//
// Asks the registry for known vulnerabilities in what a user installs today: the newest versions that our ranges allow, not those of our lock
// file. If the registry answers no audits, the command says so; with --complete, that is a failure.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratchFolder } from '../../testing/program.js'
import { parseAudit } from './audit-report.js'
import { publicPackages } from './closure.js'

const { path: folder, remove } = await scratchFolder()
try {
  process.exitCode = await audit()
} finally {
  await remove()
}

async function audit() {
  const packages = publicPackages()
  const ours = new Set(packages.map(({ name }) => name))
  const asked = packages.flatMap(({ manifest }) => Object.entries({ ...manifest.peerDependencies, ...manifest.dependencies }))
  const dependencies = Object.fromEntries(asked.filter(([name]) => !ours.has(name)))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', version: '1.0.0', private: true, dependencies }))
  const resolved = await npm(['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'])
  if (resolved.code !== 0) throw new Error(`the dependencies cannot be resolved: ${resolved.stderr}`)
  const { outcome, lines } = parseAudit(await npm(['audit', '--json', '--audit']))
  for (const line of lines) console.log(line)
  if (outcome === 'unanswered') return process.argv.includes('--complete') ? 1 : 0
  return outcome === 'clean' ? 0 : 1
}

/** @param {string[]} args @returns {Promise<{ code: number, stdout: string, stderr: string }>} */
function npm(args) {
  const path = process.env['npm_execpath']
  const [command, all] = path === undefined ? ['npm', args] : [process.execPath, [path, ...args]]
  return new Promise((resolve) => {
    execFile(command, all, { cwd: folder, maxBuffer: 2 ** 26, shell: process.platform === 'win32' }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
  })
}
