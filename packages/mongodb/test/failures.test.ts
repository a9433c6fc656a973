// What errors mean that no test can make the driver give at will.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { it } from 'vitest'
import { failure } from '../src/failures.ts'

it('a connection that is written to when the server has ended it is no failure of the server: it cannot be reached', async () => {
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
  assert.equal(failure(error).code, 'DATABANK_UNAVAILABLE')
  assert.equal(failure(error).cause, error)
})
