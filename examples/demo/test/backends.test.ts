// The same demo, on every backend that there is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../../../testing/backends.js'
import { scratchFolder } from '../../../testing/program.js'
import { addressOf, reasonToSkip, stopBackends } from '../../../testing/started-backends.js'
import { startDemo, Visitor } from './running.ts'

// Memory keeps nothing after kill -9; files are what the other tests of the demo use.
const others = backends.filter(({ name }) => name !== 'memory' && name !== 'disk')

afterAll(stopBackends)

describe.each(others)('the demo on $title', ({ name, title, server }) => {
  describe.skipIf(reasonToSkip(name) !== undefined)('which is there', () => {
    let folder: Awaited<ReturnType<typeof scratchFolder>>
    let demo: Awaited<ReturnType<typeof startDemo>>

    beforeAll(async () => {
      folder = await scratchFolder()
      const url = server === undefined ? `${name}:./sessions` : Object.values(await addressOf(name))[0]
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
      expect(text).toContain(`Sessions in <b>${title}</b>`)
      expect(text).not.toContain('password')
      expect(text).toMatch(/<span class="name">Ada<\/span><span class="you">|This storage can't list its sessions/)
      await demo.program.restart()
      expect((await ada.session()).session).toMatchObject({ name: 'Ada', request01: 1, request20: 1 })
    })
  })
})
