import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT, startHostileProvider } from '../../support/hostile-provider.ts'
import { returnFrom } from '../../support/hostile-stage.ts'
import { parseSetCookie } from '../../support/jar.ts'
import type { ProviderPerson } from '../../support/provider-pages.ts'
import { type ProviderStage, providerStage } from '../../support/provider-stage.ts'
import { ALMA, BRUNO } from '../../support/provider.ts'
import { begin, comeBack, providerSetting, walkThroughProvider } from '../../support/provider-visit.ts'
import { stopAll } from '../../support/server.ts'
import { httpsStage } from '../../support/stage.ts'

const CHIARA: ProviderPerson = {
  login: 'chiara',
  password: 'chiara elsewhere',
  claims: { email: 'chiara@elsewhere.example', email_verified: true, name: 'Chiara Oss' },
}

let stage: ProviderStage
beforeAll(async () => {
  stage = await providerStage({
    plain: {
      setting: { roles: { claim: 'groups', admin: ['admins'] }, scopes: ['openid', 'profile', 'email', 'groups'] },
    },
    strict: {
      options: { people: [CHIARA], dpopNonce: true, claimsInIdToken: true },
      client: {
        auth: 'private_key_jwt',
        metadata: { dpop_bound_access_tokens: true, require_pushed_authorization_requests: true },
      },
      setting: { dpop: true },
    },
  })
})
afterAll(async () => {
  await stage?.stop()
  await stopAll()
})

const visitor = () => new Visitor(stage.origin)

describe('a sign-in at a provider', () => {
  test('OA-12, OA-21, BBA-2, BBA-19 goes there and back by 303, and ends at a clean address', async () => {
    const browser = visitor()
    const there = await browser.page('/auth/login/plain?returnTo=/account')
    expect(there.status).toBe(303)
    const asked = new URL(there.headers.location ?? '')
    expect(asked.origin).toBe(stage.at('plain').issuer)
    const back = await walkThroughProvider(new Visitor(asked.origin), asked.href, ALMA)
    const answer = await comeBack(browser, back)
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe('/account')
    expect(answer.headers['referrer-policy']).toBe('no-referrer')
    for (const { headers } of [there, answer]) expect(headers['cache-control']).toContain('no-store')
    expect(answer.text).not.toMatch(/code=|state=|token/)

    const { user, session } = await browser.session()
    expect(user).toMatchObject({ name: 'Alma Quist', email: 'alma@provider.example', roles: ['user'] })
    expect(session?.amr).toEqual(['pwd'])
  })

  test('OA-5, BBA-4, BBA-6, CK-7, CK-9 keeps what it needs in one sealed cookie of ten minutes, and takes it away', async () => {
    const browser = visitor()
    const href = await begin(browser, { as: 'plain' })
    const [cookie, ...others] = browser.jar.received
    expect(others).toEqual([])
    expect(cookie?.name).toMatch(/^porchlight-login-/)
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/', domain: null, maxAge: 600 })
    const query = new URL(href).searchParams
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(readable(cookie?.value ?? '')).not.toContain(query.get(name))
    const answer = await comeBack(browser, await walkThroughProvider(new Visitor(stage.at('plain').issuer), href, ALMA))
    expect(answer.setCookies.map(line => parseSetCookie(line)).find(each => each.name === cookie?.name)).toMatchObject({
      value: '',
      maxAge: 0,
      httpOnly: true,
      sameSite: 'Lax',
      path: '/',
    })
    expect(
      browser.jar
        .all()
        .map(each => each.name)
        .filter(name => name.includes('login')),
    ).toEqual([])
  })

  test('OA-19 by private_key_jwt for the provider alone, with a pushed request (PAR) and tokens bound to a key (DPoP, with a nonce)', async () => {
    const { requests } = stage.at('strict')
    const browser = visitor()
    const href = await begin(browser, { as: 'strict' })
    expect([...new URL(href).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    expect(requests).toContain('POST /request')
    const answer = await comeBack(
      browser,
      await walkThroughProvider(new Visitor(stage.at('strict').issuer), href, CHIARA),
    )
    expect(answer.headers.location).toBe('/')
    expect((await browser.session()).user).toMatchObject({ name: 'Chiara Oss', email: 'chiara@elsewhere.example' })
  })

  test('is remembered, or ends with the browser, as the person asks', async () => {
    for (const [query, remembered] of [
      ['&remember=1', true],
      ['', false],
    ] as const) {
      const browser = visitor()
      await stage.signIn(browser, 'plain', ALMA, { query })
      const refresh = browser.jar.received.findLast(cookie => cookie.name.endsWith('refresh'))
      expect(refresh?.maxAge !== null, query).toBe(remembered)
    }
  })

  test('by two providers at once is two people', async () => {
    const [alma, chiara] = [visitor(), visitor()]
    await Promise.all([stage.signIn(alma, 'plain', ALMA), stage.signIn(chiara, 'strict', CHIARA)])
    expect((await alma.session()).user?.name).toBe('Alma Quist')
    expect((await chiara.session()).user?.name).toBe('Chiara Oss')
    expect((await alma.session()).user?.id).not.toBe((await chiara.session()).user?.id)
  })

  test('BBA-17, HD-15 of twenty people at once ends with each their own', async () => {
    const people = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? { person: ALMA, as: 'plain', name: 'Alma Quist' }
        : { person: CHIARA, as: 'strict', name: 'Chiara Oss' },
    )
    const found = await Promise.all(
      people.map(async ({ person, as }) => {
        const browser = visitor()
        await stage.signIn(browser, as, person)
        return (await browser.page('/account')).text
      }),
    )
    for (const [index, text] of found.entries()) {
      const other = people[index]?.name === 'Alma Quist' ? 'Chiara Oss' : 'Alma Quist'
      expect(text).toContain(people[index]?.name)
      expect(text).not.toContain(other)
    }
  })
})

describe('roles', () => {
  test('come from the claim that is mapped, at each sign-in anew', async () => {
    const browser = visitor()
    await stage.signIn(browser, 'plain', BRUNO)
    expect((await browser.session()).user?.roles).toContain('admin')
    const was = BRUNO.claims?.['groups']
    try {
      Object.assign(BRUNO.claims ?? {}, { groups: ['staff'] })
      await stage.signIn(visitor(), 'plain', BRUNO)
      expect((await browser.session()).user?.roles).not.toContain('admin')
      expect((await browser.get('/auth/people')).status).toBe(403)
    } finally {
      Object.assign(BRUNO.claims ?? {}, { groups: was })
    }
  })
})

describe('where a sign-in ends', () => {
  test.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https:evil.example',
    'https://evil.example/',
    'http:/evil.example',
    '/\t/evil.example',
    '/%09/evil.example',
    '/\r\nSet-Cookie: a=b',
    'javascript:alert(1)',
    'data:text/html,hi',
    ' //evil.example',
    '//localhost@evil.example',
    '/..//evil.example',
    '/auth/logout/plain',
    '/auth/login/plain',
    '',
    'account',
  ])('OA-1 is never %j', async returnTo => {
    const browser = visitor()
    const { headers, status } = await stage.signIn(browser, 'plain', ALMA, { returnTo })
    expect(status).toBe(303)
    const end = new URL(headers.location ?? '', stage.origin)
    expect(end.origin).toBe(stage.origin)
    expect(headers.location).toMatch(/^\/(?![/\\])/)
    expect(end.pathname).not.toMatch(/^\/auth\//)
  })

  test.each(['/account', '/account/sessions?x=1&y=%2F#z', '/notes?q=a+b'])(
    'is %s, where it was wanted',
    async returnTo => {
      const { headers } = await stage.signIn(visitor(), 'plain', ALMA, { returnTo })
      expect(headers.location).toBe(returnTo)
    },
  )

  test('is where it was wanted at once for somebody who is signed in already', async () => {
    const browser = visitor()
    await stage.signIn(browser, 'plain', ALMA)
    const { length } = stage.at('plain').requests
    const answer = await browser.page('/auth/login/plain?returnTo=/account')
    expect([answer.status, answer.headers.location]).toEqual([303, '/account'])
    expect(stage.at('plain').requests.length).toBe(length)
    expect((await browser.session()).user?.name).toBe('Alma Quist')
  })
})

describe('several sign-ins in one browser', () => {
  test('both work when two tabs begin at once, in whichever order they end', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const browser = visitor()
      const hrefs = [
        await begin(browser, { as: 'plain', returnTo: '/account' }),
        await begin(browser, { as: 'plain', returnTo: '/account/sessions' }),
      ]
      const backs = await Promise.all(
        hrefs.map(href => walkThroughProvider(new Visitor(stage.at('plain').issuer), href, ALMA)),
      )
      const ends: (string | undefined)[] = []
      for (const index of order) ends[index] = (await comeBack(browser, backs[index] ?? '')).headers.location
      expect(ends).toEqual(['/account', '/account/sessions'])
      expect((await browser.session()).user?.name).toBe('Alma Quist')
    }
  })

  test('both work when they come back in the same instant', async () => {
    const browser = visitor()
    const hrefs = [await begin(browser, { as: 'plain' }), await begin(browser, { as: 'plain' })]
    const backs = await Promise.all(
      hrefs.map(href => walkThroughProvider(new Visitor(stage.at('plain').issuer), href, ALMA)),
    )
    const answers = await Promise.all(backs.map(back => comeBack(browser, back)))
    expect(answers.map(answer => [answer.status, answer.headers.location])).toEqual([
      [303, '/'],
      [303, '/'],
    ])
    expect((await browser.session()).user?.name).toBe('Alma Quist')
  })

  test('no more than five are remembered: the oldest is forgotten, the newest works', async () => {
    const browser = visitor()
    const hrefs: string[] = []
    for (let i = 0; i < 7; i++) hrefs.push(await begin(browser, { as: 'plain', returnTo: '/account' }))
    expect(browser.jar.all().filter(cookie => cookie.name.includes('login')).length).toBe(5)
    const finish = async (href = '') =>
      comeBack(browser, await walkThroughProvider(new Visitor(stage.at('plain').issuer), href, ALMA))
    expect((await finish(hrefs[0])).headers.location).toBe('/sign-in?problem=login_expired&provider=plain')
    expect((await finish(hrefs[6])).headers.location).toBe('/account')
  })

  test('OA-5, OA-6 one that another browser began cannot be finished here', async () => {
    const [victim, attacker] = [visitor(), visitor()]
    const back = await walkThroughProvider(
      new Visitor(stage.at('plain').issuer),
      await begin(attacker, { as: 'plain' }),
      ALMA,
    )
    const { granted, refused } = stage.at('plain')
    const calls = granted.length + refused.length
    expect((await comeBack(victim, back)).headers.location).toBe('/sign-in?problem=login_expired&provider=plain')
    expect((await victim.session()).user).toBeNull()
    expect(granted.length + refused.length).toBe(calls)
  })

  test("OA-10 one that began at a provider cannot be finished at another's address", async () => {
    const browser = visitor()
    const back = await walkThroughProvider(
      new Visitor(stage.at('plain').issuer),
      await begin(browser, { as: 'plain' }),
      ALMA,
    )
    const redirects = ['plain', 'strict'].map(id => `${stage.origin}/auth/callback/${id}`)
    expect(back.startsWith(redirects[0] ?? '-')).toBe(true)
    const { length } = stage.at('strict').requests
    expect((await comeBack(browser, back.replace('/plain', '/strict'))).headers.location).toBe(
      '/sign-in?problem=login_expired&provider=strict',
    )
    expect(stage.at('strict').requests.length).toBe(length)
    expect((await browser.session()).user).toBeNull()
  })
})

describe('what is no sign-in', () => {
  test("a refusal at the provider is a plain page in the person's language", async () => {
    const browser = visitor()
    const answer = await stage.signIn(browser, 'plain', 'cancel', { returnTo: '/account' })
    expect(answer.headers.location, 'the next attempt leads where this one would have').toBe(
      '/sign-in?problem=provider_refused&provider=plain&returnTo=%2Faccount',
    )
    const english = await browser.page(answer.headers.location ?? '', { 'accept-language': 'en' })
    const chinese = await browser.page(answer.headers.location ?? '', { 'accept-language': 'zh-CN' })
    expect(english.text).toContain('Nothing has changed')
    expect(chinese.text).toContain('Provider plain')
    expect(chinese.text).not.toContain('Nothing has changed')
    expect(chinese.text).toContain('lang="zh-CN"')
    expect((await browser.session()).user).toBeNull()
  })

  test('CS-6 a script, a picture or a frame begins none', async () => {
    for (const headers of [
      { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
      { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ]) {
      const browser = visitor()
      const answer = await browser.get('/auth/login/plain', headers)
      expect(answer.status, JSON.stringify(headers)).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect(browser.jar.all()).toEqual([])
    }
  })

  test('a provider that nobody configured is not there', async () => {
    for (const path of [
      '/auth/login/nobody',
      '/auth/callback/nobody?code=x&state=y',
      '/auth/login/PLAIN',
      '/auth/login/constructor',
      '/auth/login/__proto__',
    ]) {
      const answer = await visitor().page(path)
      expect(answer.status, path).toBe(404)
    }
  })

  test.each([
    '',
    '?',
    '?code=x',
    '?state=x',
    '?code=x&state=y',
    '?error=access_denied',
    '?code=%00&state=%ff',
    '?state=abc-0123456789abcdef.x&code=%E0%A4%A',
  ])('a callback that nobody sent: %j', isRefused)
  test('a callback that nobody sent, and that is very long', () => isRefused(`?code=x&state=${'a'.repeat(7000)}`))

  async function isRefused(query: string): Promise<void> {
    const answer = await visitor().page(`/auth/callback/plain${query}`)
    expect([303, 400]).toContain(answer.status)
    if (answer.status === 303)
      expect(answer.headers.location).toMatch(
        /^\/sign-in\?problem=(login_expired|provider_answer_invalid)&provider=plain$/,
      )
    expect(answer.text).not.toContain('stack')
  }

  test("a callback with somebody's broken cookie", async () => {
    const browser = visitor()
    const href = await begin(browser, { as: 'plain' })
    const cookie = browser.jar.all()[0]
    const back = await walkThroughProvider(new Visitor(stage.at('plain').issuer), href, ALMA)
    browser.jar.take([`${cookie?.name}=${cookie?.value.slice(0, -3)}AAA; Path=/; HttpOnly; SameSite=Lax`])
    expect((await comeBack(browser, back)).headers.location).toBe('/sign-in?problem=login_expired&provider=plain')
  })
})

test('BBA-7, CK-3 over https its cookies carry the prefix that no other host and no plain page can set', async () => {
  const hostile = await startHostileProvider()
  const secure = await httpsStage({
    REGISTRATION: 'open',
    PROVIDERS: JSON.stringify([
      providerSetting('any', hostile.issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }),
    ]),
  })
  try {
    const browser = new Visitor(secure.origin)
    const href = await begin(browser, { as: 'any', returnTo: '/account' })
    expect(new URL(href).searchParams.get('redirect_uri')).toBe(`${secure.origin}/auth/callback/any`)
    const [cookie] = browser.jar.all()
    expect(cookie?.name).toMatch(/^__Host-porchlight-login-/)
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/', domain: null })
    const back = await returnFrom(hostile, href)
    const victim = new Visitor(secure.origin)
    // What a sibling host can set bears no prefix.
    victim.jar.take([`${cookie?.name.replace('__Host-', '')}=${cookie?.value}; Path=/; HttpOnly`])
    expect((await comeBack(victim, back)).headers.location).toContain('problem=login_expired')
    expect((await comeBack(browser, back)).headers.location).toBe('/account')
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
  } finally {
    await Promise.all([secure.close(), hostile.stop()])
  }
})

const readable = (value: string) =>
  value
    .split('.')
    .map(part => Buffer.from(part, 'base64url').toString('latin1'))
    .join('\n') + value
