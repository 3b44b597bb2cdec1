import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import { type Answer, Visitor } from '../support/client.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'
import { findPython } from '../support/python.ts'
import { type Service, startService } from '../support/example-service.ts'

const FOLDER = resolve(import.meta.dirname, '../../examples/fastapi-tokens')
const python = findPython()
/** Short, so that a token ends while a test waits. */
const ACCESS_SECONDS = 3
const passwordOf = (name: string) => `${name} keeps a lantern`

let api: Service
let server: Server

const start = (port = 0, secret = 'the same after a restart: 0123456789abcdef') =>
  startService(python ?? '', FOLDER, { ACCESS_SECONDS: String(ACCESS_SECONDS), SECRET_KEY: secret }, port)
const signIn = (browser: Visitor, name: string, password = passwordOf(name)) =>
  browser.ask({ method: 'POST', path: '/auth/login', body: { email: name, password } })
const codeOf = (answer: Answer) => `${answer.status} ${answer.json<{ code: string }>().code}`
const sleep = (ms: number) => new Promise(done => setTimeout(done, ms))

async function signedIn(name: string): Promise<Visitor> {
  const browser = new Visitor(server.origin)
  expect((await signIn(browser, name)).status).toBe(200)
  return browser
}

describe.skipIf(python === null)('an API with tokens of its own, as the usual tutorial writes it', () => {
  beforeAll(async () => {
    api = await start()
    server = await startServer({
      settings: {
        LOGIN: 'token-api',
        TOKEN_API: JSON.stringify({
          name: 'Shop',
          url: api.origin,
          refresh: { path: '/token/refresh' },
          userInfo: '/users/me',
          fields: { subject: 'username', name: 'full_name' },
          roles: { claim: 'username', admin: ['ada'] },
        }),
        UPSTREAMS: JSON.stringify([{ name: 'shop', target: api.origin, token: 'provider', title: 'Shop' }]),
      },
    })
  })
  afterAll(async () => {
    await stopAll()
    await api.stop()
  })

  test('its people sign in with its names and passwords; BBA-3 none of its tokens reaches the browser', async () => {
    const browser = new Visitor(server.origin)
    const answer = await signIn(browser, 'ada')
    expect(answer.json<SessionAnswer>()).toMatchObject({
      user: { name: 'Ada Lovelace', email: null, roles: ['admin', 'user'] },
      session: { amr: ['pwd'] },
    })
    const everything = JSON.stringify([answer.text, answer.headers, [...answer.setCookies]])
    expect(everything).not.toMatch(/eyJhbGciOiJIUzI1NiI/)
    expect((await (await signedIn('grace')).session()).user?.roles).toEqual(['user'])
  })

  test('calls reach it with the token of whoever asks', async () => {
    const [ada, grace] = await Promise.all([signedIn('ada'), signedIn('grace')])
    for (const [browser, name] of [
      [ada, 'ada'],
      [grace, 'grace'],
    ] as const) {
      const orders = await browser.get('/api/shop/orders')
      expect([orders.status, orders.json()]).toEqual([200, [{ item: 'a lantern', for: name }]])
    }
    expect(codeOf(await ada.stranger().get('/api/shop/orders'))).toBe('401 not_signed_in')
  })

  test('BBA-20 its access token ends and is renewed on the server, with the refresh token that it had', async () => {
    const browser = await signedIn('ada')
    for (let time = 0; time < 2; time++) {
      await sleep((ACCESS_SECONDS + 0.5) * 1000)
      const answers = await Promise.all(Array.from({ length: 20 }, () => browser.get('/api/shop/users/me')))
      expect(answers.map(answer => answer.status)).toEqual(Array(20).fill(200))
    }
    const refreshes = api.output().match(/POST \/token\/refresh HTTP\/1\.1" 200/g) ?? []
    expect(refreshes.length).toBeGreaterThanOrEqual(2)
    expect(refreshes.length).toBeLessThan(10)
  })

  test('unknown and wrong are alike; a disabled account is told so; nobody is signed in', async () => {
    const browser = new Visitor(server.origin)
    const [wrong, unknown] = [
      await signIn(browser, 'grace', 'not this one at all'),
      await signIn(browser, 'nobody', 'not this one at all'),
    ]
    expect(wrong.status).toBe(401)
    const plain = ({ status, text }: Answer) => [status, text.replace(/"requestId":"[^"]*"/, '')]
    expect(plain(wrong)).toEqual(plain(unknown))
    expect(codeOf(await signIn(browser, 'mallory'))).toBe('403 account_disabled')
    expect(browser.jar.header()).toBeNull()
  })

  test('ASVS 6.3.1 guessing at one name is slowed, and a browser that it signed in before is not', async () => {
    const known = await signedIn('grace')
    const guesser = new Visitor(server.origin)
    let last = ''
    for (let guess = 0; guess < 6; guess++) last = codeOf(await signIn(guesser, 'grace', `guess ${guess}`))
    expect(last).toBe('429 slow_down')
    expect((await signIn(known, 'grace')).status).toBe(200)
  })

  test('what only a keeper of passwords can do is refused, in plain words', async () => {
    const browser = await signedIn('ada')
    const { password, setupNeeded, registration } = (await browser.get('/auth/methods')).json<{
      password: object
      setupNeeded: boolean
      registration: string
    }>()
    expect([password, setupNeeded, registration]).toEqual([
      { enabled: true, minLength: 15, by: 'Shop', links: { register: null, reset: null } },
      false,
      'closed',
    ])
    const person = { email: 'x@example.org', name: 'X', password: 'a lantern left burning' }
    expect(
      codeOf(
        await browser
          .stranger()
          .ask({ method: 'POST', path: '/auth/setup', body: { ...person, code: 'x'.repeat(22) } }),
      ),
    ).toBe('403 registration_closed')
    expect(codeOf(await browser.stranger().ask({ method: 'POST', path: '/auth/register', body: person }))).toBe(
      '403 registration_closed',
    )
    const me = (await browser.session()).user?.id ?? ''
    expect(codeOf(await browser.ask({ method: 'POST', path: `/auth/people/${me}/reset` }))).toBe('403 forbidden')
  })

  test('ASVS 7.2.4 confirming asks it again, and makes a new session with tokens of its own', async () => {
    const browser = await signedIn('ada')
    const before = (await browser.session()).session?.id
    expect(
      codeOf(
        await browser.ask({ method: 'POST', path: '/auth/reauthenticate', body: { password: 'not this one at all' } }),
      ),
    ).toBe('401 invalid_credentials')
    const answer = await browser.ask({
      method: 'POST',
      path: '/auth/reauthenticate',
      body: { password: passwordOf('ada') },
    })
    expect(answer.status).toBe(200)
    expect(answer.json<SessionAnswer>().session?.id).not.toBe(before)
    expect((await browser.get('/api/shop/orders')).status).toBe(200)
  })

  test('nothing of it lies about: no token and no password in the data folder or the log', async () => {
    await signedIn('ada')
    const files = readdirSync(server.dataDir, { recursive: true, withFileTypes: true }).filter(one => one.isFile())
    const stored = files.map(one => readFileSync(join(one.parentPath, one.name), 'latin1')).join('\n') + server.output
    expect(stored).not.toMatch(/eyJhbGciOiJIUzI1NiI/)
    expect(stored).not.toContain(passwordOf('ada'))
  })

  test('while it is down nobody is signed out, and a sign-in says what is the matter', async () => {
    const browser = await signedIn('ada')
    const port = Number(new URL(api.origin).port)
    await api.stop()
    await sleep((ACCESS_SECONDS + 0.5) * 1000)
    expect((await browser.get('/api/shop/orders')).status).toBeGreaterThanOrEqual(500)
    expect(codeOf(await signIn(browser.stranger(), 'ada'))).toBe('503 provider_unavailable')
    expect((await browser.session()).user?.name).toBe('Ada Lovelace')
    api = await start(port)
    await expect.poll(async () => (await browser.get('/api/shop/orders')).status, { timeout: 60_000 }).toBe(200)
  })

  test('BBA-21 once it refuses the refresh token for good, the session is over and says why', async () => {
    const browser = await signedIn('ada')
    const port = Number(new URL(api.origin).port)
    await api.stop()
    api = await start(port, 'another secret, which makes every old token worthless')
    await sleep((ACCESS_SECONDS + 0.5) * 1000)
    await expect
      .poll(async () => codeOf(await browser.get('/api/shop/orders')), { timeout: 60_000 })
      .toBe('401 not_signed_in')
    expect(await browser.session()).toEqual({ user: null, session: null, ended: 'provider_revoked' })
  })
})
