// Saves under a limit that the system sets, and tells as JSON what came of it: `limited <folder> <what>`.
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
const seen: Record<string, unknown> = {}

if (what === 'size') {
  seen['small'] = await outcome(bank.save('a', entry('small')))
  seen['large'] = await outcome(bank.save('a', entry('x'.repeat(1_000_000))))
  seen['large swap'] = await outcome(bank.swap('a', 'small', entry('x'.repeat(1_000_000))))
  seen['large swap that loses'] = await outcome(bank.swap('a', 'another', entry('x'.repeat(1_000_000))))
  seen['large new'] = await outcome(bank.save('b', entry('x'.repeat(1_000_000))))
  seen['read'] = (await bank.read('a'))?.payload
  seen['read new'] = await bank.read('b')
  seen['small again'] = await outcome(bank.swap('a', 'small', entry('small again')))
} else {
  // Rights, as somebody who is not root.
  const folder = `${path}/sessions`
  const mine = new DiskBank({ path: folder })
  await mine.save('a', entry('a'))
  const chmodAll = (mode: number): void => {
    for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort().reverse()) {
      if (fs.statSync(`${folder}/${name}`).isDirectory()) fs.chmodSync(`${folder}/${name}`, mode)
    }
    fs.chmodSync(folder, mode)
  }
  chmodAll(0o500)
  seen['read'] = (await mine.read('a'))?.payload
  seen['save'] = await outcome(mine.save('a', entry('b')))
  seen['swap'] = await outcome(mine.swap('a', 'a', entry('b')))
  seen['delete'] = await outcome(mine.delete('a'))
  seen['another save'] = await outcome(new DiskBank({ path: folder }).save('b', entry('b')))
  seen['another open'] = await outcome(new DiskBank({ path: folder }).open())
  fs.chmodSync(folder, 0o000)
  seen['blind read'] = await outcome(mine.read('a'))
  seen['blind count'] = await outcome(mine.count(Date.now()))
  seen['blind purge'] = await outcome(mine.purge(Date.now()))
  fs.chmodSync(folder, 0o700)
  chmodAll(0o700)
  seen['again'] = await outcome(mine.swap('a', 'a', entry('b')))
  await mine.close()
}
await bank.close()
console.log(JSON.stringify(seen))
