// Room at the end of the file for all that a transaction may write there. LMDB's client must not meet a full disk in a commit: it
// writes what went wrong over the end of 100 bytes of its memory (`mdb_page_flush`; seen with lmdb 3.5.6), which ends the process,
// or damages what it does next. So the room is made before, of zeros, and a write that finds none is refused.
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'

/** @typedef {import('./environment.js').Root} Root */

/** Pages for the first way from a root to a leaf in each tree, with all of it split, and for the list of free pages. */
const basePages = 40
/** The list of free pages may be written anew as a whole: 8 bytes for each page of the file, with as many to spare. */
const pagesForOneOfTheList = 256
/**
 * What grows leaves so many pages to what makes room, since nothing can be removed without writing; half of them where enough was
 * freed, for then it is used again, unless a reader still looks at it.
 */
const keptPages = 64
const enoughFreePages = 32
/** The file grows by what is needed and a part of itself, which is no more than so many pages. */
const shareOfFile = 16
const mostSparePages = 256

export class Room {
  #root
  #file
  #pageSize
  #zeros
  /** Bytes; others may have made it longer, and nobody makes it shorter. */
  #fileSize = 0
  /** Pages of the file that hold something or did, as the last transaction left it. */
  #used = 0
  /** Pages that the transaction under way may write: copies of what is there, and new ones. */
  #copied = 0
  #added = 0

  /**
   * @param {Root} root
   * @param {string} path
   */
  constructor(root, path) {
    this.#root = root
    this.#pageSize = /** @type {{ pageSize: number }} */ (root.getStats()).pageSize
    this.#zeros = Buffer.alloc(this.#pageSize)
    this.#file = openSync(path, 'r+')
  }

  /** To be called when a transaction has begun. */
  begin() {
    this.#used = this.#root.env.info().lastPageNumber + 1
    this.#copied = 0
    this.#added = basePages + Math.ceil(this.#used / pagesForOneOfTheList)
  }

  /**
   * Takes room for what makes room.
   * @param {number} copied how many pages may have to be copied because something in them changes
   * @returns {NodeJS.ErrnoException | undefined} why there is none
   */
  take(copied) {
    return this.#take(copied, 0, 0)
  }

  /**
   * Takes room for what grows.
   * @param {number} copied as above
   * @param {number} bytes that are new
   * @param {() => number} freePages counts those that were freed, and are used again first
   * @returns {NodeJS.ErrnoException | undefined} why there is none
   */
  takeToGrow(copied, bytes, freePages) {
    const added = pagesOf(bytes / this.#pageSize)
    const error = this.#take(copied, added, keptPages)
    if (error === undefined || freePages() < copied + added + enoughFreePages) return error
    return this.#take(copied, added, keptPages / 2)
  }

  close() {
    closeSync(this.#file)
  }

  /**
   * @param {number} copied
   * @param {number} added
   * @param {number} kept pages that must be there as well
   */
  #take(copied, added, kept) {
    const error = this.#make(this.#sum(copied, added + kept))
    if (error !== undefined) return error
    this.#copied += copied
    this.#added += added
    return undefined
  }

  /**
   * What is taken, and this. No page is copied twice.
   * @param {number} copied
   * @param {number} added
   */
  #sum(copied, added) {
    return Math.min(this.#copied + copied, this.#used) + Math.ceil(this.#added + added)
  }

  #unused() {
    return Math.floor(this.#fileSize / this.#pageSize) - this.#used
  }

  /**
   * @param {number} pages
   * @returns {NodeJS.ErrnoException | undefined}
   */
  #make(pages) {
    if (this.#unused() >= pages) return undefined
    this.#fileSize = fstatSync(this.#file).size
    if (this.#unused() >= pages) return undefined
    const spare = Math.min(mostSparePages, Math.ceil(this.#used / shareOfFile))
    const size = (this.#used + pages + spare) * this.#pageSize
    try {
      // Page by page: what comes at once Linux caches as one, and then each commit's small writes took 15 µs more.
      while (this.#fileSize < size) {
        const length = Math.min(this.#pageSize, size - this.#fileSize)
        this.#fileSize += writeSync(this.#file, this.#zeros, 0, length, this.#fileSize)
      }
      return undefined
    } catch (error) {
      return this.#unused() >= pages ? undefined : /** @type {NodeJS.ErrnoException} */ (error)
    }
  }
}

/**
 * What is small shares pages that are half empty at worst; what is not has its own.
 * @param {number} size in pages
 */
function pagesOf(size) {
  return size < 1 / 4 ? 2 * size : 1 + size
}
