import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { latestDeath } from './death.ts'
import { codeIn } from './failure.ts'
import { ownersFolder } from './layout.ts'
import { decodeOwner, encodeOwner, newOwner, type Owner } from './owner.ts'

/** This process's presence in the folder: its owner file, made before the first write and removed at close. */
export interface Presence {
  readonly owner: Owner
  readonly file: string
  /** How late a death the file system can keep as a file's time; see death.ts. */
  readonly latest: number
}

/** The folder of a bank. */
export class Home {
  readonly root: string
  #presence: Presence | null = null

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

  leave(): void {
    if (this.#presence !== null) removeIfThere(this.#presence.file)
    this.#presence = null
  }

  #enter(): Presence {
    const folder = join(this.root, ownersFolder)
    makeFolder(folder)
    const owner = newOwner()
    const file = join(folder, owner.token)
    const fd = fs.openSync(file, 'wx', 0o600)
    try {
      writeAll(fd, Buffer.from(encodeOwner(owner)))
      return { owner, file, latest: latestDeath(fd) }
    } catch (error) {
      removeIfThere(file)
      throw error
    } finally {
      fs.closeSync(fd)
    }
  }
}

/** The owner that a file, an owner file or a lock, tells of; undefined if there is no such file. */
export function readOwner(file: string): Owner | null | undefined {
  try {
    return decodeOwner(fs.readFileSync(file, 'utf8'))
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
