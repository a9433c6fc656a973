// What the collector makes old of what is garbage already: garbage.test.ts runs this in a process of its own, for it needs a fresh
// heap, and flags.
import { getHeapSpaceStatistics } from 'node:v8'
import { newEntry, TransientMap } from 'connect-databank'

/** By how many bytes the old objects' space grew while keys came and went, in sum. */
function grownByKeysThatGo(): number {
  const map = new TransientMap<string, { text: string }>()
  let [next, grown, last] = [0, 0, oldBytes()]
  for (let round = 0; round < 25_000; round++) {
    const ids = Array.from({ length: 16 }, () => `id ${next++}`)
    for (const id of ids) map.set(id, { text: Buffer.alloc(2_000, 'a').toString('latin1') })
    for (const id of ids) map.delete(id)
    if (round % 50 !== 0) continue
    const now = oldBytes()
    grown += Math.max(0, now - last)
    last = now
  }
  return grown
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? Number.NaN
}

/** Whether an entry is born young after all that were made while the program warmed up have lived long. */
function isEntryBornYoung(): boolean {
  const kept: unknown[] = []
  const make = (count: number, keep: boolean): void => {
    for (let nth = 0; nth < count; nth++) {
      const entry = newEntry('payload', nth)
      if (keep) kept.push(entry)
    }
  }
  for (let round = 0; round < 300; round++) make(5_000, true)
  for (let round = 0; round < 100; round++) make(5_000, false)
  // So written because only this process knows the word, by its flag.
  const isYoung = new Function('entry', 'return %InYoungGeneration(entry)') as (entry: unknown) => boolean
  return isYoung(newEntry('payload', 0))
}

console.log(JSON.stringify(process.argv[2] === 'keys' ? grownByKeysThatGo() : isEntryBornYoung()))
