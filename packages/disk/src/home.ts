import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { latestDeath } from './death.ts'
import { codeIn } from './failure.ts'
import { ownersFolder } from './layout.ts'
import { newToken, type Token } from './owner.ts'

/** This process's presence in the folder: its owner file, made before the first write and removed at close. */
export interface Presence {
  readonly token: Token
  /** It holds the token, so that each hard link to it, which is what a lock is, tells whose it is. */
  readonly file: string
  /** Another link to it, kept to be given up: see `makeRoom`. */
  readonly spare: string
  /** How late a death the file system can keep as a file's time; see death.ts. */
  readonly latest: number
}

/** The folder of a bank. */
export class Home {
  readonly root: string
  #presence: Presence | null = null
  #spareIsGone = false

  constructor(root: string) {
    this.root = root
  }

  /** Makes the folder and our owner file if need be. */
  presence(): Presence {
    this.#presence ??= this.#enter()
    return this.#presence
  }

  /** Something we need is not there: somebody has removed folders while we run, or they were never made. Makes them. */
  restore(folder: string): void {
    makeFolder(folder)
    if (this.#presence !== null && fs.existsSync(this.#presence.file)) return
    this.#presence = this.#enter()
  }

  /**
   * Where a link counts as a file (tmpfs), a file system without inodes would not even let us lock what we are about to delete.
   * Answers whether there was something to give up.
   */
  makeRoom(): boolean {
    this.#spareIsGone = true
    return removeIfThere(this.presence().spare)
  }

  /** Takes back what `makeRoom` gave, if there is room again. */
  takeRoom(): void {
    if (!this.#spareIsGone) return
    const { file, spare } = this.presence()
    try {
      fs.linkSync(file, spare)
      this.#spareIsGone = false
    } catch {
      // The next time.
    }
  }

  leave(): void {
    if (this.#presence === null) return
    const { file, spare } = this.#presence
    this.#presence = null
    removeIfThere(spare)
    removeIfThere(file)
  }

  #enter(): Presence {
    const folder = join(this.root, ownersFolder)
    makeFolder(folder)
    const token = newToken()
    const file = join(folder, token)
    const spare = `${file}.spare`
    const fd = fs.openSync(file, 'wx', 0o600)
    try {
      writeAll(fd, Buffer.from(token))
      const latest = latestDeath(fd)
      fs.linkSync(file, spare)
      return { token, file, spare, latest }
    } catch (error) {
      removeIfThere(file)
      throw error
    } finally {
      fs.closeSync(fd)
    }
  }
}

/** The owner that a lock tells of; undefined if there is no lock. */
export function readOwner(lock: string): Token | undefined {
  try {
    return fs.readFileSync(lock, 'latin1')
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Answers whether it was there. */
export function removeIfThere(path: string): boolean {
  try {
    fs.unlinkSync(path)
    return true
  } catch (error) {
    if (codeIn(error) === 'ENOENT') return false
    throw error
  }
}

/** A nearly full disk takes a part of what it is given, and says so only in the number that it answers. */
export function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at, bytes.length - at)
}

/** Makes what is missing of the path, for us alone. */
export function makeFolder(path: string): void {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 })
}

/** Has the system write down the names in a folder. Windows does so by itself and cannot be asked. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.promises.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The same for the folders above it, up to the one that holds `root`: for a folder that was made a moment ago. */
export async function syncUpTo(root: string, folder: string): Promise<void> {
  for (let at = folder; at !== dirname(root) && at !== dirname(at); at = dirname(at)) await syncFolder(dirname(at))
}
