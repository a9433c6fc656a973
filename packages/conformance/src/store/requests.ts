import assert from 'node:assert/strict'
import { Gate } from '../gate.ts'
import { assertData, assertSameAge, assertSameSecond, HOUR, type StoreCheck, storeCheck } from './helpers.ts'

/** Requests of one visitor, one after the other, through express-session. */
export const requestChecks: readonly StoreCheck[] = [
  storeCheck({
    name: 'a later request gets the session again',
    why: 'express-session README: what a session middleware is for',
    async run({ app }) {
      const listening = await app()
      const [one, two] = [listening.visitor(), listening.visitor()]
      await one.request(({ session }) => {
        session['user'] = 'one'
      })
      await two.request(({ session }) => {
        session['user'] = 'two'
      })
      for (let visit = 1; visit <= 3; visit++) {
        const seen = await one.request(({ session }) => {
          session['visits'] = Number(session['visits'] ?? 0) + 1
          return [session['user'], session['visits']]
        })
        assert.deepEqual(seen, ['one', visit])
      }
      assert.equal(await two.request(({ session }) => session['user']), 'two')
      assert.equal(await listening.visitor().request(({ session }) => session['user']), undefined)
    },
  }),
  storeCheck({
    name: 'the request gets a cookie with its age and expiry',
    why: 'express-session README, Cookie.originalMaxAge: "returns the original `maxAge` (time-to-live), in milliseconds, of the session cookie"',
    async run({ app }) {
      for (const cookie of [{ maxAge: 2 * HOUR, sameSite: 'lax' as const }, {}]) {
        const visitor = (await app({ cookie })).visitor()
        await visitor.request(({ session }) => {
          session['user'] = 'in8uy4'
        })
        const { originalMaxAge, expires, sameSite } = await visitor.request(({ session }) => session.cookie)
        assert.equal(sameSite, cookie.sameSite)
        if (cookie.maxAge === undefined) {
          assert.equal(originalMaxAge, null)
          assert.ok(expires === null || (expires as unknown) === false)
        } else {
          assertSameAge(originalMaxAge, cookie.maxAge)
          assertSameSecond(expires!.getTime(), Date.now() + cookie.maxAge, 'the expiry')
        }
      }
    },
  }),
  storeCheck({
    name: 'a change of the cookie alone is stored',
    why: 'express-session README, Cookie.maxAge: "which we may also re-assign a new value to adjust the `.expires` property appropriately"',
    needs: ['touch'],
    async run({ app }) {
      const visitor = (await app()).visitor()
      await visitor.request(({ session }) => {
        session['user'] = 'in8uy4'
      })
      await visitor.request(({ session }) => {
        session.cookie.maxAge = 30 * 24 * HOUR // "remember me"
      })
      const [maxAge, user] = await visitor.request(({ session }) => [session.cookie.originalMaxAge, session['user']])
      assertSameAge(maxAge, 30 * 24 * HOUR)
      assert.equal(user, 'in8uy4')
    },
  }),
  storeCheck({
    name: 'a request that changes nothing extends the expiry that get returns',
    why: 'express-session README, rolling: "resetting the expiration countdown"; Cookie.maxAge: "the time remaining"',
    needs: ['touch'],
    async run({ store, app, untilExpired }) {
      const visitor = (await app({ rolling: true, cookie: { maxAge: HOUR } })).visitor()
      const sid = await visitor.request(({ session, sessionID }) => {
        session['user'] = 'in8uy4'
        return sessionID
      })
      const first = new Date((await store.get(sid))!['cookie'].expires).getTime()
      // Longer than a store may round an expiry.
      await untilExpired()
      await visitor.request(() => {})
      const second = new Date((await store.get(sid))!['cookie'].expires).getTime()
      assert.ok(second > first, `the expiry was extended by ${second - first} ms`)
    },
  }),
  storeCheck({
    name: 'a redirected request gets the data that were just set',
    why: 'express-session index.js sends the head of a response before `set` has ended: the browser follows a redirect meanwhile',
    async run({ app }) {
      const visitor = (await app()).visitor()
      for (let round = 0; round < 3; round++) {
        const redirect = visitor.send(({ session }, res) => {
          session['round'] = round
          res.writeHead(302, { location: '/', 'content-length': 5 }).end('Moved')
        })
        await redirect.headed
        assert.equal(await visitor.request(({ session }) => session['round']), round)
        await redirect.ended
      }
    },
  }),
  storeCheck({
    name: 'data that a request saves itself are stored at once',
    why: 'express-session README, Session.save: "There are some cases where it is useful to call this method, for example, redirects"',
    async run({ app }) {
      const visitor = (await app()).visitor()
      await visitor.request(({ session }) => {
        session['step'] = 1
      })
      const gate = new Gate()
      const long = visitor.request(async ({ session }) => {
        session['step'] = 2
        await new Promise<void>((resolve, reject) => session.save((error) => (error ? reject(error) : resolve())))
        await gate.pass('after the save')
      })
      await gate.arrived('after the save')
      assert.equal(await visitor.request(({ session }) => session['step']), 2)
      gate.release('after the save')
      await long
      assert.equal(await visitor.request(({ session }) => session['step']), 2)
    },
  }),
  storeCheck({
    name: 'reload returns the data that another request has stored',
    why: 'express-session README, Session.reload: "Reloads the session data from the store"',
    async run({ app }) {
      const visitor = (await app()).visitor()
      await visitor.request(({ session }) => {
        session['value'] = 'old'
      })
      const gate = new Gate()
      const long = visitor.request(async (req) => {
        await gate.pass('reload')
        await new Promise<void>((resolve, reject) => req.session.reload((error) => (error ? reject(error) : resolve())))
        return req.session['value']
      })
      await gate.arrived('reload')
      await visitor.request(({ session }) => {
        session['value'] = 'new'
      })
      gate.release('reload')
      assert.equal(await long, 'new')
      assert.equal(await visitor.request(({ session }) => session['value']), 'new')
    },
  }),
  storeCheck({
    name: 'regenerate ends the old session and starts a new one',
    why: 'express-session README, Session.regenerate: "a new SID and `Session` instance will be initialized"',
    async run({ store, app }) {
      const visitor = (await app()).visitor()
      const old = await visitor.request(({ session, sessionID }) => {
        session['user'] = 'nobody yet'
        return sessionID
      })
      const renewed = await visitor.request(async (req) => {
        await new Promise<void>((resolve, reject) => req.session.regenerate((error) => (error ? reject(error) : resolve())))
        assert.equal(req.session['user'], undefined)
        req.session['user'] = 'in8uy4'
        return req.sessionID
      })
      assert.notEqual(renewed, old)
      assert.equal(await store.get(old), null)
      assertData(await store.get(renewed), { user: 'in8uy4' })
      assert.equal(await visitor.request(({ session }) => session['user']), 'in8uy4')
    },
  }),
  storeCheck({
    name: 'with unset: destroy, a session that is set to null ends, also if it was destroyed before',
    why: 'express-session README, unset: "`\'destroy\'` The session will be destroyed (deleted) when the response ends."',
    async run({ store, app }) {
      const visitor = (await app({ unset: 'destroy' })).visitor()
      for (const isDestroyedBefore of [false, true]) {
        const sid = await visitor.request(({ session, sessionID }) => {
          session['user'] = 'in8uy4'
          return sessionID
        })
        await visitor.request(async (req) => {
          if (isDestroyedBefore) {
            await new Promise<void>((resolve, reject) => req.session.destroy((error) => (error ? reject(error) : resolve())))
          }
          ;(req as { session: unknown }).session = null
        })
        assert.equal(await store.get(sid), null)
        assert.equal(await visitor.request(({ session }) => session['user']), undefined)
        visitor.cookie = undefined
      }
    },
  }),
]
