// A process with a bank of its own that connects, works and closes, and must then end by itself.
import { openBank } from '@connect-databank/couchbase'

const bank = openBank(process.argv[2] ?? '', { connectTimeout: 1_500, operationTimeout: 500 })
await bank.save('process', { payload: 'x', expires: null }).catch(() => undefined)
process.once('message', async () => {
  process.disconnect()
  await bank.read('process').catch(() => undefined)
  await bank.close?.()
})
process.send?.('ready')
