import { idConformance, recordConformance } from '@connect-databank/conformance'
import { describe, it } from 'vitest'
import { opened } from './support.ts'

const open = async () => {
  const { another, close } = await opened()
  const neighbour = await another({ table: 'neighbour' })
  await neighbour.save('a', { payload: 'mine', expires: null })
  return { bank: await another(), another, outside: () => neighbour.read('a'), close }
}

describe('on SQLite', () => {
  idConformance({ describe, it }, { open, count: 5_000 })
  recordConformance({ describe, it }, { open, oneIn: 5 })
})
