// Saves under a limit that the system sets, and prints the results as JSON: `limited <path> <what>`.
import fs from 'node:fs'
import { DiskBank } from '../../src/bank.ts'

const [path, what] = process.argv.slice(2) as [string, string]
const bank = new DiskBank({ path })
const entry = (payload: string) => ({ payload, expires: Date.now() + 3_600_000 })
const outcome = (work: Promise<unknown>) =>
  work.then(
    (value) => value ?? 'done',
    (error) => error.code,
  )
const swap = (id: string, expected: string | null, payload: string) =>
  bank.swap(id, expected, entry(payload), Date.now()).then((version) => version !== null)
const results: Record<string, unknown> = {}

if (what === 'size') {
  const large = 'x'.repeat(1_000_000)
  results['small'] = await outcome(bank.save('a', entry('small')))
  results['large'] = await outcome(bank.save('a', entry(large)))
  results['large swap'] = await outcome(swap('a', 'small', large))
  results['large swap that comes too late'] = await outcome(swap('a', 'another', large))
  results['large new'] = await outcome(bank.save('b', entry(large)))
  results['read'] = (await bank.read('a'))?.payload
  results['read new'] = await bank.read('b')
  results['small again'] = await outcome(swap('a', 'small', 'small again'))
} else {
  // Rights, as a user who is not root.
  const directory = `${path}/sessions`
  const mine = new DiskBank({ path: directory })
  await mine.save('a', entry('a'))
  const chmodAll = (mode: number): void => {
    for (const name of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort().reverse()) {
      if (fs.statSync(`${directory}/${name}`).isDirectory()) fs.chmodSync(`${directory}/${name}`, mode)
    }
    fs.chmodSync(directory, mode)
  }
  chmodAll(0o500)
  results['read'] = (await mine.read('a'))?.payload
  results['save'] = await outcome(mine.save('a', entry('b')))
  results['swap'] = await outcome(mine.swap('a', 'a', entry('b'), Date.now()))
  results['delete'] = await outcome(mine.delete('a'))
  results['purge'] = await outcome(mine.purge(Date.now() + 7_200_000))
  results['another save'] = await outcome(new DiskBank({ path: directory }).save('b', entry('b')))
  results['another open'] = await outcome(new DiskBank({ path: directory }).open())
  fs.chmodSync(directory, 0o000)
  results['blind read'] = await outcome(mine.read('a'))
  results['blind count'] = await outcome(mine.count(Date.now()))
  results['blind purge'] = await outcome(mine.purge(Date.now()))
  fs.chmodSync(directory, 0o700)
  chmodAll(0o700)
  results['again'] = await outcome(mine.swap('a', 'a', entry('b'), Date.now()).then((version) => version !== null))
  await mine.close()
}
await bank.close()
console.log(JSON.stringify(results))
