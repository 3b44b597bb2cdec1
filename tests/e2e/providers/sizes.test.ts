import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, Visitor } from '../../support/client.ts'
import { HOSTILE, type HostileStage, hostileStage, returnFrom, signInAt } from '../../support/hostile-stage.ts'
import { begin, comeBack } from '../../support/provider-visit.ts'
import { stopAll } from '../../support/server.ts'

/**
 * What proxies have room for: nginx gives an answer's headers 4 or 8 KB in all. Over https they are some 150 bytes
 * longer than here.
 */
const MAX_HEADERS = 4096 - 200
const MAX_TRANSACTIONS = 3072

let stage: HostileStage
beforeAll(async () => {
  stage = await hostileStage()
})
afterAll(async () => {
  await stage?.stop()
  await stopAll()
})

/** Of an answer on the wire, with line ends. */
function headerBytes({ headers }: Answer): number {
  return Object.entries(headers)
    .flatMap(([name, value]) => [value ?? []].flat().map(one => `${name}: ${one}\r\n`))
    .join('').length
}

function transactionBytes(browser: Visitor): number {
  const ours = browser.jar.all().filter(cookie => cookie.name.includes('porchlight-login-'))
  return ours.map(({ name, value }) => `${name}=${value}; `).join('').length
}

const LONG: [string, string][] = [
  ['a few words', `/notes?q=${'lantern+'.repeat(10)}`],
  ['a long query', `/notes?q=${'x'.repeat(700)}`],
  ['as much as we take', `/notes?q=${'y'.repeat(1980)}`],
  ['what grows when it is written into an address', `/notes?${'a=%26&'.repeat(120)}`],
]

describe("CK-4, CK-5 a browser's sign-ins at providers stay short", () => {
  test.each(LONG)('with %s to return to, however many are begun, and the newest ends', async (_what, returnTo) => {
    const browser = new Visitor(stage.server.origin)
    let href = ''
    for (let n = 0; n < 8; n++) {
      const answer = await browser.page(`/auth/login/${HOSTILE}?returnTo=${encodeURIComponent(returnTo)}`)
      expect(answer.status).toBe(303)
      expect(headerBytes(answer)).toBeLessThanOrEqual(MAX_HEADERS)
      expect(transactionBytes(browser)).toBeLessThanOrEqual(MAX_TRANSACTIONS)
      href = answer.headers.location ?? ''
    }
    const back = await comeBack(browser, await returnFrom(stage.hostile, href))
    expect(headerBytes(back)).toBeLessThanOrEqual(MAX_HEADERS)
    expect(['/', returnTo]).toContain(back.headers.location)
    expect((await browser.session()).user).not.toBeNull()
  })

  test('with two begun at once: both end where they were to', async () => {
    const browser = new Visitor(stage.server.origin)
    const returnTo = `/notes?q=${'x'.repeat(700)}`
    const [one, other] = [
      await begin(browser, { as: HOSTILE, returnTo }),
      await begin(browser, { as: HOSTILE, returnTo }),
    ]
    expect(transactionBytes(browser)).toBeLessThanOrEqual(MAX_TRANSACTIONS)
    for (const href of [one, other]) {
      const back = await comeBack(browser, await returnFrom(stage.hostile, href))
      expect([back.status, back.headers.location]).toEqual([303, returnTo])
    }
  })

  test('with five begun at once and little to return to: each ends', async () => {
    const browser = new Visitor(stage.server.origin)
    const hrefs: string[] = []
    for (let n = 0; n < 5; n++) hrefs.push(await begin(browser, { as: HOSTILE, returnTo: '/account/sessions' }))
    for (const href of hrefs)
      expect((await comeBack(browser, await returnFrom(stage.hostile, href))).headers.location).toBe(
        '/account/sessions',
      )
  })

  test.each(LONG)('a failure with %s to return to stays short, too', async (_what, returnTo) => {
    stage.hostile.change = { response: query => query.set('error', 'access_denied') }
    const browser = new Visitor(stage.server.origin)
    const failed = await comeBack(
      browser,
      await returnFrom(stage.hostile, await begin(browser, { as: HOSTILE, returnTo })),
    )
    stage.hostile.change = {}
    expect(failed.headers.location).toMatch(/^\/sign-in\?problem=/)
    expect(headerBytes(failed)).toBeLessThanOrEqual(MAX_HEADERS)
  })
})

describe('somebody with sixty groups in the ID token', () => {
  const groups = Array.from({ length: 60 }, (_, n) => `/departments/engineering/team-${n}`)

  test('LO-9 signs in and out, and there, too: the hint is left out when it is too long', async () => {
    stage.hostile.change = { claims: claims => Object.assign(claims, { groups }) }
    const browser = new Visitor(stage.server.origin)
    const back = await signInAt(browser, stage.hostile)
    stage.hostile.change = {}
    expect([back.status, back.headers.location]).toEqual([303, '/account'])
    expect(headerBytes(back)).toBeLessThanOrEqual(MAX_HEADERS)
    expect(headerBytes(await browser.post('/auth/logout'))).toBeLessThanOrEqual(MAX_HEADERS)
    const away = await browser.page(`/auth/logout/${HOSTILE}`)
    expect(headerBytes(away)).toBeLessThanOrEqual(MAX_HEADERS)
    const { origin, pathname, searchParams } = new URL(away.headers.location ?? '')
    expect([away.status, origin + pathname]).toEqual([303, `${stage.hostile.issuer}/logout`])
    expect(searchParams.has('id_token_hint')).toBe(false)
    expect(searchParams.get('client_id')).toBe('thesite')
    const home = await browser.page(`/auth/logout/${HOSTILE}?state=${searchParams.get('state')}`)
    expect(home.headers.location).toBe(`/signed-out?from=${HOSTILE}`)
  })

  test('LO-9 a short ID token is shown to the provider', async () => {
    const browser = new Visitor(stage.server.origin)
    await signInAt(browser, stage.hostile)
    await browser.post('/auth/logout')
    const { headers } = await browser.page(`/auth/logout/${HOSTILE}`)
    expect(new URL(headers.location ?? '').searchParams.get('id_token_hint')).toMatch(/^eyJ/)
  })
})

describe('LO-9 a provider that sends no state back', () => {
  test('is gone to once; who comes back is told no more than that they are out here', async () => {
    const browser = new Visitor(stage.server.origin)
    await signInAt(browser, stage.hostile)
    await browser.post('/auth/logout')
    expect((await browser.page(`/auth/logout/${HOSTILE}`)).headers.location).toContain(
      `${stage.hostile.issuer}/logout?`,
    )
    for (let n = 0; n < 3; n++) {
      const answer = await browser.page(`/auth/logout/${HOSTILE}`, { 'sec-fetch-site': 'cross-site' })
      expect([answer.status, answer.headers.location]).toEqual([303, '/signed-out'])
    }
    expect((await browser.page('/signed-out')).text).not.toContain('signed out here and at')
    // Another sign-in and sign-out in this browser goes there again.
    await signInAt(browser, stage.hostile)
    await browser.post('/auth/logout')
    expect((await browser.page(`/auth/logout/${HOSTILE}`)).headers.location).toContain(
      `${stage.hostile.issuer}/logout?`,
    )
  })

  test('is not gone to by a picture, a frame or a script', async () => {
    const browser = new Visitor(stage.server.origin)
    await signInAt(browser, stage.hostile)
    await browser.post('/auth/logout')
    expect((await browser.get(`/auth/logout/${HOSTILE}`)).status).toBe(400)
    for (const destination of ['image', 'iframe'])
      expect((await browser.page(`/auth/logout/${HOSTILE}`, { 'sec-fetch-dest': destination })).status).toBe(400)
    expect((await browser.page(`/auth/logout/${HOSTILE}`)).status).toBe(303)
  })
})

describe('CS-6 a browser that asks ahead of its person', () => {
  const AHEAD: Record<string, string>[] = [
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-purpose': 'prefetch;anonymous-client-ip' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
    { 'x-purpose': 'preview' },
  ]
  test.each([...AHEAD, 'HEAD' as const])('(%o) begins nothing, ends nothing and goes nowhere', async how => {
    const { hostile, server } = stage
    const browser = new Visitor(server.origin)
    const refused = async (path: string) => {
      const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
      const answer =
        how === 'HEAD' ? await browser.ask({ method: how, path, headers: navigation }) : await browser.page(path, how)
      expect([answer.status, answer.setCookies, answer.headers.location, answer.headers['cache-control']]).toEqual([
        400,
        [],
        undefined,
        'private, no-store',
      ])
    }
    const asked = hostile.requests.length
    await refused(`/auth/login/${HOSTILE}`)
    expect(hostile.requests.length).toBe(asked)
    const back = new URL(await returnFrom(hostile, await begin(browser, { as: HOSTILE, returnTo: '/account' })))
    const calls = hostile.tokenCalls.length
    await refused(back.pathname + back.search)
    expect(hostile.tokenCalls.length).toBe(calls)
    expect((await comeBack(browser, back.href)).headers.location).toBe('/account')
    await browser.post('/auth/logout')
    await refused(`/auth/logout/${HOSTILE}`)
    expect((await browser.page(`/auth/logout/${HOSTILE}`)).headers.location).toContain(hostile.issuer)
  })
})
