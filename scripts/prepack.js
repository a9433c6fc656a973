// Runs in a package before it is packed: builds it afresh, so that nothing of an older build is shipped, and adds the licence.
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, runTool } from './command.js'

const folder = process.cwd()
rmSync(join(folder, 'dist'), { recursive: true, force: true })
const code = await runTool('tsc', ['-b', folder], { stdio: ['ignore', 2, 2] }) // npm's own answer goes to standard output
if (code !== 0) process.exit(code)
copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
