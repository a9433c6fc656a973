// Runs in a package before npm packs it: builds it from scratch, so that no file of an older build is published, and adds the licence.
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, runTool } from './command.js'

const folder = process.cwd()
rmSync(join(folder, 'dist'), { recursive: true, force: true })
const code = await runTool('tsc', ['-b', folder], { stdio: ['ignore', 2, 2] }) // standard output belongs to npm
if (code !== 0) process.exit(code)
copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
