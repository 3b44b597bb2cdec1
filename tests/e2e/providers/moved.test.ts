import { afterAll, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT, startHostileProvider } from '../../support/hostile-provider.ts'
import { idOf, signInAt } from '../../support/hostile-stage.ts'
import { setUp } from '../../support/people.ts'
import { providerSetting } from '../../support/provider-visit.ts'
import { startServer, stopAll } from '../../support/server.ts'

afterAll(stopAll)

test('OI-7 a provider that has another address is followed by its former issuer: same account, and who is signed in stays so', async () => {
  const [before, after] = [await startHostileProvider(), await startHostileProvider()]
  const providers = (issuer: string, more = {}) =>
    JSON.stringify([providerSetting('hostile', issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }, more)])
  const settings = (list: string) => ({ REGISTRATION: 'open', PROVIDERS: list })
  const server = await startServer({ settings: settings(providers(before.issuer)) })
  await setUp(server.origin)
  const browser = new Visitor(server.origin)
  expect((await signInAt(browser, before)).headers.location).toBe('/account')
  const id = await idOf(browser)
  expect(id).toBeDefined()
  await server.stop()

  const { port, dataDir } = server
  const again = await startServer({
    port,
    dataDir,
    settings: settings(providers(after.issuer, { formerIssuers: [before.issuer, 'https://long-gone.example'] })),
  })
  expect(again.output).toContain('"event":"identities_moved"')
  expect(await idOf(browser)).toBe(id)
  const elsewhere = new Visitor(server.origin)
  expect((await signInAt(elsewhere, after)).headers.location).toBe('/account')
  expect(await idOf(elsewhere)).toBe(id)
  // A sign-out at the new address reaches the session that began at the old one.
  const now = Math.floor(Date.now() / 1000)
  const logoutToken = await after.signed(
    {
      iss: after.issuer,
      aud: CLIENT.clientId,
      sub: 'visitor-1',
      iat: now,
      exp: now + 60,
      jti: 'once',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    { typ: 'logout+jwt' },
  )
  const told = await new Visitor(server.origin).ask({
    method: 'POST',
    path: '/auth/backchannel/hostile',
    body: new URLSearchParams({ logout_token: logoutToken }).toString(),
    browserLike: false,
    cookies: false,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(told.status).toBe(200)
  expect(await browser.session()).toMatchObject({ user: null, ended: 'provider_logout' })
  await Promise.all([before.stop(), after.stop()])
})
