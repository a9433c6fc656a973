import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { it } from 'vitest'
import { mongoError } from '../src/errors.ts'
import { MongoBank } from '../src/index.ts'
import { contextWith } from './support.ts'

it('a connection that is written to after the server has ended it means that the server cannot be reached', async () => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: false })
  socket.resume()
  await once(socket, 'end')
  const error = await new Promise<unknown>((resolve) => {
    socket.once('error', resolve)
    socket.write('a command')
  })
  server.close()
  assert.equal((error as NodeJS.ErrnoException).code, 'EPIPE')
  assert.equal(mongoError(error).code, 'DATABANK_UNAVAILABLE')
  assert.equal(mongoError(error).cause, error)
})

it('a host or a DNS record that is not found means that the server cannot be reached', async () => {
  for (const url of ['mongodb://nowhere.invalid/app', 'mongodb+srv://nowhere.invalid/app']) {
    const bank = new MongoBank({ url }, contextWith({ timeout: 2_000 }))
    await assert.rejects(bank.read('sid'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DATABANK_UNAVAILABLE', `${url}: ${error.message}`)
      return true
    })
    await bank.close()
  }
})

for (const code of ['ENOTFOUND', 'ETIMEOUT', 'ESERVFAIL', 'EREFUSED', 'ENODATA', 'ECONNREFUSED']) {
  it(`a look-up of the DNS record SRV that fails with ${code} means that the server cannot be reached`, () => {
    const error = Object.assign(new Error(`querySrv ${code} _mongodb._tcp.db.example.org`), { code, syscall: 'querySrv' })
    assert.equal(mongoError(error).code, 'DATABANK_UNAVAILABLE')
  })
}

it('an error of a bulk write has the code of its cause', () => {
  const bulk = (fields: object) => Object.assign(new Error('bulk'), { name: 'MongoClientBulkWriteError', ...fields })
  const serverError = Object.assign(new Error('not authorized'), { name: 'MongoServerError', code: 13 })
  assert.equal(mongoError(bulk({ cause: serverError })).code, 'DATABANK_DENIED')
  assert.equal(mongoError(bulk({ writeConcernErrors: [{ code: 64, message: 'waiting' }] })).code, 'DATABANK_TIMEOUT')
  assert.equal(mongoError(bulk({})).code, 'DATABANK_BACKEND_FAILED')
})
