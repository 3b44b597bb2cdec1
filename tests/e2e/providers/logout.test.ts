import { randomUUID } from 'node:crypto'
import http from 'node:http'
import type { JWTPayload } from 'jose'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts'
import { arriveFrom, HOSTILE, type HostileStage, hostileStage, signInAt } from '../../support/hostile-stage.ts'
import { ALMA, BRUNO } from '../../support/provider.ts'
import { type ProviderStage, providerStage } from '../../support/provider-stage.ts'
import { pathOf, providerSetting } from '../../support/provider-visit.ts'
import { startServer, stopAll, waitUntil } from '../../support/server.ts'

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }

/** Posts as a provider's server does: no cookie, no Origin, nothing of a browser. */
function tell(
  origin: string,
  as: string,
  token: string,
  more: { type?: string; body?: string; method?: string } = {},
): Promise<Answer> {
  const {
    type = 'application/x-www-form-urlencoded',
    body = new URLSearchParams({ logout_token: token }).toString(),
    method = 'POST',
  } = more
  return new Visitor(origin).ask({
    method,
    path: `/auth/backchannel/${as}`,
    body,
    headers: { 'content-type': type },
    browserLike: false,
    cookies: false,
  })
}

describe('somebody signs out at the provider', () => {
  let stage: HostileStage
  /** Says that it signs with either of two algorithms. */
  let two: HostileProvider
  /** Signs ID tokens otherwise than the site's configuration says. */
  let pinned: HostileProvider
  let other: Awaited<ReturnType<typeof generateKeyPair>>
  beforeAll(async () => {
    ;[two, pinned, other] = await Promise.all([
      startHostileProvider(),
      startHostileProvider(),
      generateKeyPair('ES256', { extractable: true }),
    ])
    const published = { ...(await exportJWK(other.publicKey)), kid: 'other', alg: 'ES256', use: 'sig' }
    two.change = {
      metadata: metadata =>
        void Object.assign(metadata, {
          id_token_signing_alg_values_supported: ['RS256', 'ES256'],
          pushed_authorization_request_endpoint: null,
          revocation_endpoint: null,
          scopes_supported: null,
        }),
      keys: keys => void keys.push(published),
    }
    const client = { ...CLIENT, clientAuth: 'client_secret_basic' as const }
    stage = await hostileStage({
      more: [
        providerSetting('two', two.issuer, client),
        providerSetting('pinned', pinned.issuer, client, { idTokenAlg: 'ES256' }),
      ],
    })
  })
  afterAll(async () => void (await Promise.all([stage?.stop(), two?.stop(), pinned?.stop()])))

  async function arrived(sub: string): Promise<Visitor> {
    stage.hostile.person = { sub, name: `Person ${sub}` }
    const browser = new Visitor(stage.server.origin)
    expect((await signInAt(browser, stage.hostile)).headers.location).toBe('/account')
    return browser
  }

  function logoutToken(claims: JWTPayload, header: { typ?: string } = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return stage.hostile.signed(
      {
        iss: stage.hostile.issuer,
        aud: CLIENT.clientId,
        iat: now,
        exp: now + 120,
        jti: randomUUID(),
        events: EVENTS,
        ...claims,
      },
      { typ: 'logout+jwt', ...header },
    )
  }
  const send = (token: string, more = {}) => tell(stage.server.origin, HOSTILE, token, more)
  const isIn = async (browser: Visitor) => (await browser.session()).user !== null

  test('LO-1, LO-6, LO-8 and a POST without cookies ends the session that it names, at once, with its streams', async () => {
    const [here, elsewhere] = [await arrived('s-1'), await arrived('s-2')]
    const { closed } = stream(here, '/api/orders/stream')
    await waitUntil(() => stage.upstream.streams() === 1, 'the stream to be open')
    const answer = await send(await logoutToken({ sid: 'sid-s-1', sub: 's-1' }))
    expect([answer.status, answer.text, answer.headers['cache-control']]).toEqual([200, '', 'private, no-store'])
    await closed
    expect(await here.session()).toMatchObject({ user: null, ended: 'provider_logout' })
    expect(await isIn(elsewhere)).toBe(true)
  })

  test("LO-6 a token that names the person alone ends all of theirs, and nobody else's", async () => {
    const mine = [await arrived('s-3'), await arrived('s-3')]
    const other = await arrived('s-4')
    expect((await send(await logoutToken({ sub: 's-3' }))).status).toBe(200)
    expect(await Promise.all(mine.map(isIn))).toEqual([false, false])
    expect(await isIn(other)).toBe(true)
    expect(await isIn(stage.admin)).toBe(true)
  })

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['typed JWT, as from Dex', {}, { typ: 'JWT' }],
    ['without a type', {}, { typ: undefined }],
    ['without an end, as from Hydra', { exp: undefined }, { typ: 'JWT' }],
    ['with an end in the year 3 billion', { exp: 1e17 }, {}],
    ['with times in fractions', { exp: Date.now() / 1000 + 60.25, iat: Date.now() / 1000 - 1.75 }, {}],
  ])('LO-2 LO-4 a logout token %s ends the session', async (title, claims, header) => {
    const browser = await arrived(title)
    expect((await send(await logoutToken({ sub: title, ...claims } as JWTPayload, header))).status).toBe(200)
    expect(await isIn(browser)).toBe(false)
  })

  test("LO-3 a logout token in another algorithm than the session's ID token is refused, and one in the same ends it", async () => {
    two.person = { sub: 'two-1', name: 'Two' }
    const browser = await arriveFrom(two, stage.server.origin, 'two')
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: two.issuer, aud: CLIENT.clientId, iat: now, exp: now + 120, sub: 'two-1', events: EVENTS }
    const otherwise = await new SignJWT({ ...claims, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'other', typ: 'logout+jwt' })
      .sign(other.privateKey)
    expect((await tell(stage.server.origin, 'two', otherwise)).status).toBe(400)
    expect(await isIn(browser)).toBe(true)
    expect(
      (
        await tell(
          stage.server.origin,
          'two',
          await two.signed({ ...claims, jti: randomUUID() }, { typ: 'logout+jwt' }),
        )
      ).status,
    ).toBe(200)
    expect(await isIn(browser)).toBe(false)
  })

  test('JW-7 with idTokenAlg, an ID token in another algorithm signs nobody in', async () => {
    const answer = await signInAt(new Visitor(stage.server.origin), pinned, 'pinned')
    expect(answer.headers.location).toBe('/sign-in?problem=provider_answer_invalid&provider=pinned&returnTo=%2Faccount')
  })

  test('LO-6 a sid and a sub that do not belong together end nothing', async () => {
    const browser = await arrived('s-5')
    expect((await send(await logoutToken({ sid: 'sid-s-5', sub: 's-6' }))).status).toBe(200)
    expect(await isIn(browser)).toBe(true)
  })

  test('LO-8 somebody who is out already is no error', async () => {
    const browser = await arrived('s-7')
    await browser.post('/auth/logout')
    expect((await send(await logoutToken({ sub: 's-7' }))).status).toBe(200)
    expect((await send(await logoutToken({ sub: 'never seen' }))).status).toBe(200)
  })

  test('LO-5 a token is good once, however many bring it at the same time', async () => {
    const browser = await arrived('s-8')
    const token = await logoutToken({ sub: 's-8' })
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => send(token)))).map(answer => answer.status)
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 400)])
    expect(await isIn(browser)).toBe(false)
    // The person signs in again, and the old token does nothing to that.
    const again = await arrived('s-8')
    expect((await send(token)).status).toBe(400)
    expect(await isIn(again)).toBe(true)
  })

  test.each<[string, () => Promise<Answer>]>([
    ['LO-2 a token of another kind', async () => send(await logoutToken({ sub: 's-9' }, { typ: 'at+jwt' }))],
    [
      'LO-2 an ID token with the event in it',
      async () => send(await logoutToken({ sub: 's-9', auth_time: 1, at_hash: 'x' }, { typ: 'JWT' })),
    ],
    ['LO-5 a nonce', async () => send(await logoutToken({ sub: 's-9', nonce: 'n' }))],
    ['LO-3 another audience', async () => send(await logoutToken({ sub: 's-9', aud: 'another' }))],
    ['LO-5 no event', async () => send(await logoutToken({ sub: 's-9', events: {} }))],
    ['LO-6 nobody', async () => send(await logoutToken({}))],
    ['no token', () => send('', { body: '' })],
    ['two tokens', async () => send('', { body: `logout_token=${await logoutToken({ sub: 's-9' })}&logout_token=x` })],
    [
      'JSON',
      async () =>
        send('', {
          type: 'application/json',
          body: JSON.stringify({ logout_token: await logoutToken({ sub: 's-9' }) }),
        }),
    ],
  ])('LO-8 400 for %s, and nothing ends', async (_title, post) => {
    const browser = await arrived('s-9')
    const answer = await post()
    expect([answer.status, answer.json(), answer.headers['cache-control']]).toMatchObject([
      400,
      { code: 'bad_request' },
      'private, no-store',
    ])
    expect(await isIn(browser)).toBe(true)
  })

  test('anything but a POST of a form to a provider of ours is refused', async () => {
    expect((await send('x', { method: 'GET', body: undefined })).status).toBe(405)
    expect((await tell(stage.server.origin, 'nobody', 'x')).status).toBe(404)
    expect((await send('', { body: `logout_token=${'x'.repeat(70_000)}` })).status).toBe(413)
    expect(stage.server.running).toBe(true)
  })

  test('a logout token is in no log', () => {
    expect(stage.server.output).not.toMatch(/eyJ[\w-]{20,}\./)
  })
})

describe('somebody signs out here', () => {
  let stage: ProviderStage
  const NAMELESS = {
    options: {
      people: [
        { ...ALMA, claims: { name: 'Alma' } },
        { ...BRUNO, claims: { name: 'Bruno' } },
      ],
    },
  }
  beforeAll(async () => {
    stage = await providerStage({
      main: NAMELESS,
      always: { ...NAMELESS, setting: { logout: 'always' } },
      never: { ...NAMELESS, setting: { logout: 'never' } },
    })
  })
  afterAll(() => stage?.stop())

  async function arrived(
    as: string,
    there = new Visitor(stage.at(as).issuer),
  ): Promise<{ browser: Visitor; there: Visitor }> {
    const browser = new Visitor(stage.origin)
    expect((await stage.signIn(browser, as, ALMA, { there })).headers.location, stage.server.output).toBe('/')
    return { browser, there }
  }

  /**
   * Says yes at the provider's page.
   * @returns where it sends the browser
   */
  async function confirmThere(there: Visitor, href: string): Promise<string> {
    const page = await there.page(pathOf(href))
    const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const answer = await there.form(action.startsWith('http') ? pathOf(action) : action, { xsrf, logout: 'yes' })
    expect(answer.status, answer.text).toBe(303)
    return new URL(answer.headers.location ?? '', there.origin).href
  }

  test('LO-9, LO-10 and goes on to the provider, with the ID token and a state, and comes back', async () => {
    const { browser, there } = await arrived('main')
    const out = await browser.post('/auth/logout')
    expect(out.json()).toMatchObject({ user: null, session: null, next: '/signed-out?provider=main' })
    expect(out.text).not.toMatch(/eyJ/)
    expect((await browser.session()).user).toBeNull()

    const away = await browser.page('/auth/logout/main')
    const href = new URL(away.headers.location ?? '')
    expect([away.status, href.origin]).toEqual([303, stage.at('main').issuer])
    expect(decodeJwt(href.searchParams.get('id_token_hint') ?? '')).toMatchObject({
      sub: 'alma',
      iss: stage.at('main').issuer,
    })
    expect(href.searchParams.get('post_logout_redirect_uri')).toBe(`${stage.origin}/auth/logout/main`)
    expect(href.searchParams.get('state')?.length).toBeGreaterThan(40)

    const back = await browser.page(pathOf(await confirmThere(there, href.href)), { 'sec-fetch-site': 'cross-site' })
    expect([back.status, back.headers.location]).toEqual([303, '/signed-out?from=main'])
    expect(browser.jar.all().map(cookie => cookie.name)).not.toContain('porchlight-logout')
    expect((await browser.page('/signed-out?from=main')).status).toBe(200)
    // Over there they are out, too: the next sign-in asks for the password.
    const next = new Visitor(stage.origin)
    const begun = await next.page('/auth/login/main?returnTo=/')
    const first = await there.page(pathOf(begun.headers.location ?? ''))
    expect((await there.page(pathOf(new URL(first.headers.location ?? '', there.origin).href))).text).toContain(
      'password',
    )
  })

  test('LO-9 a return with another state, or without having gone, claims nothing', async () => {
    const { browser } = await arrived('main')
    await browser.post('/auth/logout')
    for (const state of ['', 'x', 'a'.repeat(43)]) {
      const answer = await browser.page(`/auth/logout/main?state=${state}`)
      expect([answer.status, answer.headers.location]).toEqual([303, '/signed-out'])
    }
    const stranger = await browser.stranger().page('/auth/logout/main?state=x')
    expect(stranger.headers.location).toBe('/signed-out')
    expect((await browser.stranger().page('/auth/logout/main')).headers.location).toBe('/signed-out')
    expect((await browser.page('/auth/logout/nobody')).status).toBe(404)
    // The way on is still open.
    expect(new URL((await browser.page('/auth/logout/main')).headers.location ?? '').origin).toBe(
      stage.at('main').issuer,
    )
  })

  test('by a form, and stays on this site: the page there offers the way on', async () => {
    const { browser } = await arrived('main')
    const out = await browser.form('/auth/logout', {})
    expect([out.status, out.headers.location]).toEqual([303, '/signed-out?provider=main'])
    const page = await browser.page('/signed-out?provider=main')
    expect(page.text).toContain('href="/auth/logout/main"')
  })

  test('a sign-out here goes straight on to the provider, or nowhere, as the setting says', async () => {
    const { browser } = await arrived('always')
    expect((await browser.post('/auth/logout')).json()).toMatchObject({ next: '/auth/logout/always' })
    const other = await arrived('never')
    expect((await other.browser.post('/auth/logout')).json()).toEqual({ user: null, session: null })
  })

  test('who signed in by a password goes nowhere', async () => {
    expect((await stage.admin.thief().get('/auth/session')).status).toBe(200)
    const out = await stage.admin.post('/auth/logout')
    expect(out.json()).toEqual({ user: null, session: null })
  })

  test('LO-11 a sign-out is a POST that comes from our own pages', async () => {
    const { browser } = await arrived('main')
    expect((await browser.page('/auth/logout')).status).toBe(405)
    expect(
      (
        await browser.post('/auth/logout', undefined, {
          origin: 'https://evil.example',
          'sec-fetch-site': 'cross-site',
        })
      ).status,
    ).toBe(403)
    expect((await browser.session()).user).not.toBeNull()
  })

  test('LO-10 and is out at once though the provider is down, even if nobody here has heard of it since a restart', async () => {
    const [one, two] = [await arrived('main'), await arrived('main')]
    await stage.at('main').goDown()
    const out = await one.browser.post('/auth/logout')
    expect([out.status, (await one.browser.session()).user]).toEqual([200, null])

    await stage.server.stop()
    const again = await startServer({
      port: stage.server.port,
      dataDir: stage.server.dataDir,
      settings: stage.settings,
    })
    const form = await two.browser.form('/auth/logout', {})
    expect([form.status, form.headers.location]).toEqual([303, '/signed-out?provider=main'])
    expect((await two.browser.session()).user).toBeNull()
    const away = await two.browser.page('/auth/logout/main')
    expect([away.status, away.headers.location]).toEqual([
      303,
      '/signed-out?provider=main&problem=provider_unavailable',
    ])
    expect((await two.browser.page(away.headers.location ?? '')).status).toBe(200)
    expect(again.running).toBe(true)
  })
})

describe('the provider tells us', () => {
  test("LO-1 a real one's back-channel logout signs out every browser of that person", async () => {
    const stage = await providerStage({ main: {} })
    try {
      const browsers = [new Visitor(stage.origin), new Visitor(stage.origin)]
      for (const browser of browsers) expect((await stage.signIn(browser, 'main', ALMA)).headers.location).toBe('/')
      const bruno = new Visitor(stage.origin)
      await stage.signIn(bruno, 'main', BRUNO)
      await stage.at('main').signOut('alma')
      expect(stage.at('main').logouts).toEqual(browsers.map(() => ({ to: '/auth/backchannel/main', status: 200 })))
      for (const browser of browsers)
        expect(await browser.session()).toMatchObject({ user: null, ended: 'provider_logout' })
      expect((await bruno.session()).user?.name).toBe('Bruno Vale')
    } finally {
      await stage.stop()
    }
  })
})

afterAll(stopAll)

/** Opens an event stream and reads it. `closed` resolves at its end. */
function stream(browser: Visitor, path: string): { closed: Promise<void> } {
  const url = new URL(browser.origin)
  const closed = new Promise<void>((done, failed) => {
    http
      .get(
        {
          host: '127.0.0.1',
          port: url.port,
          path,
          agent: false,
          headers: {
            host: url.host,
            accept: 'text/event-stream',
            cookie: browser.jar.header() ?? '',
            'sec-fetch-site': 'same-origin',
          },
        },
        response => {
          response.resume()
          response.on('close', () => done())
        },
      )
      .on('error', failed)
  })
  return { closed }
}
