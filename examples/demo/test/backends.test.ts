// The same demo, on every backend that there is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, missing, stopServers } from '../../../scripts/test/servers.ts'
import { scratchFolder } from '../../../testing/program.js'
import { startDemo, Visitor } from './running.ts'

const backends = [
  { scheme: 'redis', name: 'Redis', server: 'redis' },
  { scheme: 'mongodb', name: 'MongoDB', server: 'mongodb' },
  { scheme: 'couchbase', name: 'Couchbase', server: 'couchbase' },
]

afterAll(stopServers)

describe.each(backends)('the demo on $name', ({ scheme, name, server }) => {
  describe.skipIf(server !== undefined && missing(server) !== undefined)('which is there', () => {
    let folder: Awaited<ReturnType<typeof scratchFolder>>
    let demo: Awaited<ReturnType<typeof startDemo>>

    beforeAll(async () => {
      folder = await scratchFolder()
      const url = server === undefined ? `${scheme}:./sessions` : Object.values(await addressOf(server))[0]
      demo = await startDemo(folder.path, { SESSION_URL: url ?? '' })
    })

    afterAll(async () => {
      await demo?.program.stop()
      await folder?.remove()
    })

    it('keeps all of 20 parallel requests, says where, and is still logged in after kill -9', async () => {
      const ada = await new Visitor(demo.address).logIn('Ada')
      const { text } = await ada.request('/parallel', {})
      expect(text).toContain('20 of 20 kept.')
      expect(text).toContain(`Sessions in <b>${name}</b>`)
      expect(text).not.toContain('password')
      expect(text).toMatch(/<td>Ada <span class="you">|This storage can't list its sessions/)
      await demo.program.restart()
      expect((await ada.session()).session).toMatchObject({ name: 'Ada', request01: 1, request20: 1 })
    })
  })
})
