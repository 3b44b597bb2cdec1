import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import type { Sessions } from '../../session/types.ts'
import { Browser } from './browser.ts'
import { listenOnLoopback, sessionSite } from './session-site.ts'

let close: () => Promise<void> = async () => {}
afterEach(() => close())

async function visitor(resolve: Sessions['resolve']): Promise<Browser> {
  const site = await listenOnLoopback(sessionSite({ resolve, cookiesFor: () => [] }))
  close = site.close
  return new Browser(site.place, systemClock)
}
const anonymous: Sessions['resolve'] = () => ({ state: 'anonymous', ended: 'refresh_reuse', duplicated: false })

test('the site of a demonstration reports who is signed in, or why nobody is', async () => {
  const { status, text } = await (await visitor(anonymous)).get('/auth/session')
  expect([status, JSON.parse(text)]).toEqual([200, { user: null, session: null, ended: 'refresh_reuse' }])
})

test.each([
  ['GET', '/'],
  ['GET', '/account'],
  ['GET', '/auth/sessions'],
  ['HEAD', '/auth/session'],
  ['POST', '/auth/session'],
  ['POST', '/auth/logout'],
  ['GET', '/auth/session/'],
  ['GET', '/auth/session?x'],
  ['GET', '/api/notes'],
  ['GET', '/auth/Session'],
])('the site of a session answers nothing else: %s %s', async (method, path) => {
  expect((await (await visitor(anonymous)).ask({ method, path, body: null })).status).toBe(404)
})

test('a failure is a 500 without details', async () => {
  const browser = await visitor(() => Promise.reject(new Error('a secret in a message')))
  expect(await browser.get('/auth/session')).toMatchObject({ status: 500, text: '' })
})
