// The demo as a process of its own, and a visitor without JavaScript.
import { join } from 'node:path'
import { freePort, isListening, Program } from '../../../testing/program.js'

/** Starts the demo in a folder of its own. Without another wish its sessions are where they are by default. */
export async function startDemo(folder: string, env: Record<string, string> = {}) {
  const port = await freePort()
  const program: Program = new Program({
    command: process.execPath,
    args: [join(import.meta.dirname, '../server.js')],
    cwd: folder,
    env: {
      NODE_ENV: 'production',
      PORT: String(port),
      HOST: '',
      SESSION_URL: '',
      SESSION_MAX_AGE: '',
      SESSION_SECRET: '',
      ...env,
    },
    // Another process may have taken the port meanwhile.
    ready: () => program.output.includes(`http://localhost:${port} `) && isListening(port),
  })
  await program.start()
  return { program, address: `http://127.0.0.1:${port}` }
}

/** Somebody with a browser that runs no scripts: keeps the cookie, follows redirects. */
export class Visitor {
  readonly address: string
  cookie = ''

  constructor(address: string) {
    this.address = address
  }

  async request(path: string, form?: Record<string, string>): Promise<{ status: number; text: string }> {
    const headers: Record<string, string> = this.cookie === '' ? {} : { cookie: this.cookie }
    const response = await fetch(this.address + path, {
      headers,
      redirect: 'manual',
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    const [cookie] = response.headers.getSetCookie()
    if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? ''
    const location = response.headers.get('location')
    const text = await response.text()
    return location === null ? { status: response.status, text } : this.request(location)
  }

  async session(): Promise<{ status: number; session: Record<string, unknown> }> {
    const { status, text } = await this.request('/session')
    return { status, session: JSON.parse(text) }
  }

  async logIn(name: string): Promise<this> {
    await this.request('/login', { name })
    return this
  }
}
