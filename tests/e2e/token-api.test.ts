import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { ScriptTarget, transpileModule } from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import { type Answer, Visitor } from '../support/client.ts'
import { LANGUAGES, look } from '../support/look.ts'
import { CLIENT, type HostileProvider, json, startHostileProvider } from '../support/hostile-provider.ts'
import { arriveFrom, HOSTILE, idOf, somebodyAt } from '../support/hostile-stage.ts'
import { providerSetting } from '../support/provider-visit.ts'
import { ROOT, type Server, startServer, stopAll } from '../support/server.ts'

const PASSWORD = 'a word that the shop knows'
let shop: http.Server
let works: HostileProvider
let server: Server
let chromium: Browser
let admin: Visitor
/** What the shop gave out and what it was given back, in order. */
const given: string[] = []
const givenBack: string[] = []
/** It took the name for another person's since: somebody else got it. */
let isSomebodyElse = false

/** An API that signs people in under any name with one password, hands out tokens and takes them back. */
async function startShop(): Promise<http.Server> {
  const api = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    if (request.url === '/register' || request.url === '/password/reset') {
      const { authorization = null, cookie = null } = request.headers
      return json(response, 201, { path: request.url, authorization, cookie, sent: JSON.parse(text) })
    }
    if (request.url === '/me')
      return json(response, 200, { authorization: request.headers.authorization, key: request.headers['x-shop-key'] })
    if (request.url === '/revoke') return json(response, 200, { done: givenBack.push(JSON.parse(text).refresh_token) })
    if (request.url === '/others') return json(response, 401, { detail: 'not yours', code: 'not_signed_in' })
    const form = new URLSearchParams(text)
    const isRefresh = request.url === '/refresh' && given.includes(JSON.parse(text).refresh_token)
    if (!isRefresh && form.get('password') !== PASSWORD) return json(response, 401, {})
    const claims = Buffer.from(
      JSON.stringify({
        sub: isSomebodyElse ? 'nobody of theirs' : (form.get('username') ?? 'refreshed'),
        exp: Math.floor(Date.now() / 1000) + 3600,
      }),
    ).toString('base64url')
    const refreshToken = randomBytes(16).toString('hex')
    given.push(refreshToken)
    json(response, 200, { access_token: `e30.${claims}.x`, refresh_token: refreshToken, token_type: 'bearer' })
  })
  await new Promise<void>(done => api.listen(0, '127.0.0.1', done))
  return api
}

beforeAll(async () => {
  ;[shop, works, chromium] = await Promise.all([startShop(), startHostileProvider(), launchChromium()])
  const origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
  server = await startServer({
    settings: {
      LOGIN: 'token-api',
      TOKEN_API: JSON.stringify({
        name: 'Shop',
        url: origin,
        refresh: { path: '/refresh' },
        revoke: { path: '/revoke' },
        roles: { claim: 'sub', admin: ['first'] },
        tokenHeader: { name: 'X-Shop-Key', scheme: 'Key' },
        links: { register: '/join', reset: 'https://shop.example/reset' },
      }),
      UPSTREAMS: JSON.stringify([
        { name: 'shop', target: origin, token: 'provider', provider: 'token-api' },
        ...['register', 'password/reset'].map((path, at) => ({
          name: `anonymous-${at}`,
          prefix: `/api/shop/${path}`,
          target: `${origin}/${path}`,
          token: 'none',
          methods: ['POST'],
        })),
      ]),
      PROVIDERS: JSON.stringify([
        providerSetting(
          HOSTILE,
          works.issuer,
          { ...CLIENT, clientAuth: 'client_secret_basic' },
          { name: 'Works', register: 'open' },
        ),
      ]),
    },
  })
  // Whoever comes by the API is the first here; before that no provider makes accounts.
  admin = await byName('first')
})
afterAll(async () => {
  await chromium?.close()
  await works?.stop()
  shop?.close()
  await stopAll()
})

async function byName(name: string): Promise<Visitor> {
  const browser = new Visitor(server.origin)
  const answer = await browser.post('/auth/login', { email: name, password: PASSWORD })
  expect(answer.status, answer.text).toBe(200)
  return browser
}

/** Somebody's account page at the moment when a change wants to know whether it is still them. */
async function askedAgain(who: Visitor) {
  const made = await newContext(chromium, {
    baseURL: server.origin,
    locale: 'en',
    viewport: { width: 390, height: 700 },
    reducedMotion: 'reduce',
  })
  await made.context.addCookies(
    who.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin })),
  )
  const { page } = made
  await page.goto('/account')
  await hydrated(page)
  await page.route(/\/auth\/links\/./, route =>
    route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: JSON.stringify({ title: 'Confirm', status: 401, code: 'reauthentication_required' }),
    }),
  )
  return made
}

describe('where an API keeps the passwords', () => {
  test('who came by a provider is asked to confirm there, and for no password that they never had', async () => {
    somebodyAt(works)
    const { page, context } = await askedAgain(await arriveFrom(works, server.origin))
    await page.getByRole('button', { name: /^Remove/ }).click()
    await page.locator('dialog[open] .danger').click()
    const dialog = page.locator('dialog[open]', { hasText: 'Confirm it is you' })
    await dialog.waitFor()
    expect(await dialog.locator('input').count()).toBe(0)
    expect(await dialog.locator('a').count()).toBe(1)
    expect(await dialog.locator('a').getAttribute('href')).toBe(
      `/auth/login/${HOSTILE}?reauthenticate=1&returnTo=%2Faccount`,
    )
    await dialog.getByRole('link').click()
    await page.waitForURL('**/account')
    await hydrated(page)
    expect(await page.locator('[role=alert]').allInnerTexts()).toEqual([''])
    await context.close()
  })

  test('who came by the API is asked for what it knows, and the page speaks of no password of ours', async () => {
    const grace = await byName('grace')
    const { page, context } = await askedAgain(grace)
    expect((await grace.session()).user?.name, 'where the API tells no name, what was typed').toBe('grace')
    const ways = page.locator('section[aria-labelledby=links]')
    expect(await ways.innerText()).toContain('Shop')
    expect(await ways.innerText()).not.toMatch(/password/i)
    expect(await page.locator('form input[type=password]').count()).toBe(0)
    await page.getByRole('button', { name: /^Link/ }).click()
    const dialog = page.locator('dialog[open]')
    const before = (await grace.session()).session?.id
    await dialog.locator('input[type=password]').fill(PASSWORD)
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await expect
      .poll(() =>
        page.evaluate('fetch("/auth/session").then(answer => answer.json()).then(({ session }) => session.id)'),
      )
      .not.toBe(before)
    await context.close()
  })
})

describe('a sign-in that the API grants and this site refuses gives the tokens back:', () => {
  test('of somebody who is disabled here, at the sign-in', async () => {
    const mallory = await byName('mallory')
    expect(
      (await admin.ask({ method: 'PATCH', path: `/auth/people/${await idOf(mallory)}`, body: { disabled: true } }))
        .status,
    ).toBe(200)
    // What the session had, at its end.
    await expect.poll(() => givenBack).toContain(given.at(-1))
    expect((await mallory.stranger().post('/auth/login', { email: 'mallory', password: PASSWORD })).status).toBe(403)
    await expect.poll(() => givenBack).toContain(given.at(-1))
  })

  test("of somebody else, who confirms in another's session", async () => {
    const oscar = await byName('oscar')
    const kept = given.at(-1)
    isSomebodyElse = true
    expect((await oscar.post('/auth/reauthenticate', { password: PASSWORD })).status).toBe(403)
    isSomebodyElse = false
    expect(given.at(-1)).not.toBe(kept)
    await expect.poll(() => givenBack).toContain(given.at(-1))
    expect(givenBack).not.toContain(kept)
    expect((await oscar.session()).user?.name).toBe('oscar')
  })
})

describe.each(LANGUAGES)('the sign-in page in %s', language => {
  test("links to the API's own registration and reset, and offers none of this site's", async () => {
    const { page, context, trouble } = await newContext(chromium, {
      baseURL: server.origin,
      locale: language,
      reducedMotion: 'reduce',
    })
    for (const [route, links] of [
      ['/sign-in', ['/join', 'https://shop.example/reset']],
      ['/sign-up', ['/join', '/sign-in']],
    ] as const) {
      await page.goto(route)
      await look(page, { route: `${route} of a token API`, who: 'guest', language, trouble })
      const hrefs = page.locator('main a').evaluateAll(all => all.map(link => link.getAttribute('href')))
      expect((await hrefs).filter(href => href?.startsWith('/auth/') !== true)).toEqual(links)
    }
    expect(await page.locator('main form').count(), 'no form of this site to register with').toBe(0)
    await context.close()
  })
})

test('registration and reset calls reach the API without a session, with nothing of ours in them', async () => {
  const stranger = new Visitor(server.origin)
  for (const path of ['/register', '/password/reset']) {
    const answer = await stranger.post(`/api/shop${path}`, { email: 'new@example.org' })
    expect([answer.status, answer.json()]).toEqual([
      201,
      { path, authorization: null, cookie: null, sent: { email: 'new@example.org' } },
    ])
  }
  expect((await admin.post('/api/shop/register', { email: 'new@example.org' })).json()).toMatchObject({
    authorization: null,
    cookie: null,
  })
  expect((await stranger.get('/api/shop/register')).status).toBe(405)
  for (const path of ['/api/shop/registers', '/api/shop/me'])
    expect((await stranger.post(path, {})).json()).toMatchObject({ status: 401, code: 'not_signed_in' })
})

describe("the guide's interceptor goes by the code of a 401:", () => {
  /** The requests that it sends again, and where it sends the page. */
  async function handled({ status, headers, text }: Answer, retried = false) {
    const page = readFileSync(join(ROOT, 'docs/guides/existing-token-api.md'), 'utf8')
    const [, code = ''] = /^```ts\n(\/\/ after\nimport axios[\s\S]*?)^```$/m.exec(page) ?? []
    const script = transpileModule(code.replace(/^import .*$/m, '').replace('export ', ''), {
      compilerOptions: { target: ScriptTarget.ESNext },
    }).outputText
    const did: string[] = []
    let onError: (error: unknown) => unknown = () => expect.unreachable('no interceptor')
    const http = Object.assign((config: { url: string }) => void did.push(`again ${config.url}`), {
      interceptors: { response: { use: (_: undefined, handler: typeof onError) => (onError = handler) } },
    })
    const location = { pathname: '/orders', search: '?page=2', assign: (to: string) => void did.push(to) }
    new Function('axios', 'location', script)({ create: () => http }, location)
    const response = { status, headers, data: JSON.parse(text) as unknown }
    await Promise.resolve()
      .then(() => onError({ config: { url: '/me', retried }, response }))
      .catch(() => did.push('failed'))
    return [status, ...did]
  }

  test('nobody is signed in, or the session has ended: to the sign-in page, and back', async () => {
    const ended = await byName('erin')
    const jar = ended.thief()
    expect((await ended.post('/auth/logout', {})).status).toBe(200)
    for (const browser of [new Visitor(server.origin), jar])
      expect(await handled(await browser.get('/api/shop/me'))).toEqual([
        401,
        '/sign-in?returnTo=%2Forders%3Fpage%3D2',
        'failed',
      ])
  })

  test('somebody signed in again: once more, and only once', async () => {
    const judy = await byName('judy')
    const before = judy.thief()
    expect((await judy.post('/auth/reauthenticate', { password: PASSWORD })).status).toBe(200)
    const answer = await before.get('/api/shop/me')
    expect(await handled(answer)).toEqual([401, 'again /me'])
    expect(await handled(answer, true)).toEqual([401, 'failed'])
  })

  test("the API's own 401, whatever it says, and a person without its token: nothing", async () => {
    const peggy = await byName('peggy')
    const own = await peggy.get('/api/shop/others')
    expect(own.json()).toEqual({ detail: 'not yours', code: 'not_signed_in' })
    expect(await handled(own)).toEqual([401, 'failed'])
    expect((await peggy.session()).user?.name, 'and the session goes on').toBe('peggy')
    somebodyAt(works)
    const answer = await (await arriveFrom(works, server.origin)).get('/api/shop/me')
    expect(answer.json()).toMatchObject({ code: 'provider_sign_in_required' })
    expect(await handled(answer)).toEqual([401, 'failed'])
  })
})

test('calls carry the token in the header that the API expects', async () => {
  const { key, authorization } = (await admin.get('/api/shop/me')).json<{ key: string; authorization?: string }>()
  expect(key).toMatch(/^Key e30\./)
  expect(authorization).toBeUndefined()
})

test.each([700, 1600])(
  'WCAG 2.4.11 a failure that stays until it was read hides nothing that the keyboard or a scroll comes to, in a window %d high',
  async height => {
    const { page, context } = await askedAgain(await byName('ida'))
    await page.setViewportSize({ width: 390, height })
    await page.unroute(/\/auth\/links\/./)
    await page.route(/\/auth\/links\/./, route =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({ title: 'Away', status: 503, code: 'provider_unavailable', provider: HOSTILE }),
      }),
    )
    await page.getByRole('button', { name: /^Link/ }).click()
    await page.locator('.toast.bad').waitFor()
    const hidden = `[...document.querySelectorAll('main button, main input, footer button, footer select')].filter((part) => {
    document.activeElement.blur()
    scrollTo(0, 0)
    part.focus()
    const { left, top, width, height } = part.getBoundingClientRect()
    return document.elementFromPoint(left + width / 2, top + height / 2)?.closest('.toasts') != null
  }).map(part => part.outerHTML)`
    expect(await page.evaluate(hidden)).toEqual([])
    const last = `(() => {
    scrollTo(0, document.documentElement.scrollHeight)
    const toast = document.querySelector('.toast.bad').getBoundingClientRect()
    return toast.top - document.querySelector('footer').getBoundingClientRect().bottom
  })()`
    expect(await page.evaluate(last), 'between the end of the page and what is said below it').toBeGreaterThan(-1)
    await context.close()
  },
)
