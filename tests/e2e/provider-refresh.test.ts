import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JWTPayload } from 'jose'
import { UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, Visitor } from '../support/client.ts'
import { CLIENT, type HostileProvider, json, startHostileProvider } from '../support/hostile-provider.ts'
import { HOSTILE, signInAt } from '../support/hostile-stage.ts'
import { setUp } from '../support/people.ts'
import { providerSetting } from '../support/provider-visit.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort, type Server, startServer, stopAll, waitUntil } from '../support/server.ts'
import { troubles } from '../support/troubles.ts'

// A provider in trouble, or up to something, at the moment when its tokens are refreshed.
let hostile: HostileProvider
let upstream: RecordingUpstream
let server: Server
let start: () => Promise<Server>
/** What servers before this one wrote. */
const logs: string[] = []
/** Everything that people were shown. */
const answers: Answer[] = []

beforeAll(async () => {
  [hostile, upstream] = await Promise.all([startHostileProvider(), startRecordingUpstream()])
  const port = await freePort()
  const settings = {
    REGISTRATION: 'open',
    LOG_LEVEL: 'debug',
    PROVIDERS: JSON.stringify([providerSetting(HOSTILE, hostile.issuer, { ...CLIENT, clientAuth: 'client_secret_basic' })]),
    UPSTREAMS: JSON.stringify([{ name: 'orders', target: upstream.origin, token: 'provider' }, { name: 'stock', target: upstream.origin, token: 'exchange' }]),
  }
  server = await startServer({ port, settings })
  start = () => startServer({ port, dataDir: server.dataDir, settings })
  await setUp(server.origin)
})
afterEach(() => {
  hostile.change = {}
})
afterAll(async () => {
  await Promise.all([hostile?.stop(), upstream?.stop()])
  await stopAll()
})

let people = 0

/** Somebody new, whose first token lives for `seconds`. */
async function arrived(seconds = 1): Promise<Visitor> {
  hostile.person = { sub: `person-${++people}`, name: 'Vera Visitor' }
  hostile.change = { tokens: tokens => (tokens['expires_in'] = seconds) }
  const browser = new Visitor(server.origin)
  const answer = await signInAt(browser, hostile)
  answers.push(answer)
  expect(answer.headers.location, server.output).toBe('/account')
  hostile.change = {}
  const endsAt = Date.now() + seconds * 1000
  await waitUntil(() => Date.now() > endsAt, 'the token to end')
  return browser
}

type TokenEndpoint = (request: IncomingMessage, response: ServerResponse) => void
const atToken = (answer: TokenEndpoint) => void (hostile.change = { instead: { '/token': answer } })

/** A refresh as it should be, with what `change` makes of it. */
function refreshes(change: (answer: Record<string, unknown>) => void | Promise<void> = () => {}): { count: number } {
  const asked = { count: 0 }
  atToken((_request, response) => {
    asked.count++
    const answer: Record<string, unknown> = { access_token: `fresh-${people}-${asked.count}`, token_type: 'Bearer', expires_in: 300, refresh_token: `next-${people}-${asked.count}` }
    void Promise.resolve(change(answer)).then(() => json(response, 200, answer))
  })
  return asked
}

async function call(browser: Visitor, path = '/api/orders/x'): Promise<Answer> {
  const answer = await browser.get(path)
  answers.push(answer)
  return answer
}

/** The provider is left alone for a while after trouble. */
async function untilItWorks(browser: Visitor): Promise<void> {
  await waitUntil(async () => (await call(browser)).status === 200, 'the provider to be asked again', () => server.output, 60_000)
}

describe('network trouble ends nothing', () => {
  test.each(troubles('http://127.0.0.1:1/').map(({ what }, index) => ({ what, index })))('a token endpoint that $what', async ({ index }) => {
    const trouble = troubles('http://127.0.0.1:1/')[index]
    if (trouble === undefined) throw new Error('no such trouble')
    const browser = await arrived()
    const before = upstream.requests.length
    atToken(trouble.answer)
    const answer = await call(browser)
    expect([answer.status, answer.json()]).toMatchObject([trouble.code === 'provider_unavailable' ? 503 : 502, { code: trouble.code, provider: HOSTILE }])
    expect(upstream.requests.length).toBe(before)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
    refreshes()
    await untilItWorks(browser)
  })

  test('the whole provider gone away', async () => {
    const browser = await arrived()
    await hostile.stop()
    const answer = await call(browser)
    expect([answer.status, answer.json()]).toMatchObject([503, { code: 'provider_unavailable' }])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
    refreshes()
    await hostile.start()
    await untilItWorks(browser)
  })
})

describe('OI-9 an answer that is not to be trusted is used by nobody', () => {
  const idToken = (change: (claims: JWTPayload) => void) => async (answer: Record<string, unknown>) => {
    const now = Math.floor(Date.now() / 1000)
    const claims: JWTPayload = { iss: hostile.issuer, aud: CLIENT.clientId, sub: hostile.person.sub, iat: now, exp: now + 300 }
    change(claims)
    answer['id_token'] = await hostile.signed(claims)
  }
  test.each<[string, (answer: Record<string, unknown>) => void | Promise<void>]>([
    ['an ID token about somebody else', idToken(claims => (claims.sub = 'somebody-else'))],
    ['an ID token of another issuer', idToken(claims => (claims.iss = 'https://evil.example'))],
    ['an ID token for another client', idToken(claims => (claims.aud = 'another'))],
    ['an ID token for another client, too', idToken(claims => (claims.aud = [CLIENT.clientId, 'another']))],
    ['an ID token of another sign-in', idToken(claims => (claims['auth_time'] = 1))],
    ['an ID token that has run out', idToken(claims => (claims.exp = 1))],
    ['an ID token that nobody signed', (answer) => {
      answer['id_token'] = new UnsecuredJWT({ iss: hostile.issuer, aud: CLIENT.clientId, sub: hostile.person.sub, iat: Math.floor(Date.now() / 1000), exp: 9_999_999_999 }).encode()
    }],
    ['an ID token that is none', answer => void (answer['id_token'] = 'x')],
    ['no access token', answer => void delete answer['access_token']],
    ['an access token that is a number', answer => void (answer['access_token'] = 1)],
    ['another kind of token', answer => void (answer['token_type'] = 'mac')],
    ['a refresh token that is none', answer => void (answer['refresh_token'] = { a: 1 })],
  ])('%s', async (_title, change) => {
    const browser = await arrived()
    const before = upstream.requests.length
    refreshes(change)
    const answer = await call(browser)
    expect([answer.status, answer.json()]).toMatchObject([502, { code: 'provider_answer_invalid' }])
    expect(upstream.requests.length).toBe(before)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
    refreshes(idToken(() => {}))
    await untilItWorks(browser)
  })

  test('an access token that would be a header of its own', async () => {
    const browser = await arrived()
    refreshes(answer => void (answer['access_token'] = 'x\r\nx-user: root'))
    const before = upstream.requests.length
    expect((await call(browser)).status).toBe(502)
    expect(upstream.requests.length).toBe(before)
  })
})

describe('a process that dies between the provider\'s rotation and our save', () => {
  /** The provider has rotated; its answer never comes. */
  async function dieInBetween(browser: Visitor): Promise<{ shown: string[] }> {
    const spent = { shown: [] as string[] }
    await new Promise<void>((rotated) => {
      atToken((request) => {
        void fieldsOf(request).then((fields) => {
          spent.shown.push(fields.get('refresh_token') ?? '')
          rotated()
        })
      })
      browser.get('/api/orders/x').catch(() => {})
    })
    await server.stop('SIGKILL')
    logs.push(server.output)
    return spent
  }

  test('is recognised and told: the session ends as provider_refresh_lost, once, and nothing goes round in circles', async () => {
    const browser = await arrived()
    const { shown } = await dieInBetween(browser)
    atToken((request, response) => void fieldsOf(request).then((fields) => {
      shown.push(fields.get('refresh_token') ?? '')
      json(response, 400, { error: 'invalid_grant' })
    }))
    server = await start()
    const burst = await Promise.all(Array.from({ length: 20 }, () => call(browser)))
    expect(new Set(burst.map(answer => answer.status))).toEqual(new Set([401]))
    expect(await browser.session()).toMatchObject({ user: null, ended: 'provider_refresh_lost' })
    for (let i = 0; i < 5; i++) expect((await call(browser)).status).toBe(401)
    // The stored token was shown once by each process.
    expect(shown).toHaveLength(2)
    expect(new Set(shown).size).toBe(1)
    const page = await browser.page('/sign-in')
    expect(page.status).toBe(200)
    answers.push(page)
  })

  test('loses nothing at a provider that had not acted yet, or forgives', async () => {
    const browser = await arrived()
    const { shown } = await dieInBetween(browser)
    const asked = refreshes()
    server = await start()
    expect((await call(browser)).status).toBe(200)
    expect([asked.count, shown.length]).toEqual([1, 1])
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
  })

  test('a restart in peace loses nothing, and asks nobody', async () => {
    const browser = await arrived(1)
    const asked = refreshes()
    expect((await call(browser)).status).toBe(200)
    await server.stop()
    logs.push(server.output)
    server = await start()
    expect((await call(browser)).status).toBe(200)
    expect(asked.count).toBe(1)
  })
})

test('BBA-3 no token of a provider is in the log, in anything that a browser got, or readable in the data folder', async () => {
  await call(new Visitor(server.origin), '/auth/methods')
  const secrets = [...hostile.secrets, 'fresh-', 'next-']
  const files = filesIn(server.dataDir).map(path => readFileSync(path, 'latin1'))
  const seen = { log: logs.join('\n') + server.output, answers: answers.map(answer => `${JSON.stringify(answer.headers)}\n${answer.text}`).join('\n'), data: files.join('\n') }
  expect(secrets.length).toBeGreaterThan(40)
  expect(files.length).toBeGreaterThan(1)
  for (const [where, text] of Object.entries(seen)) expect([where, secrets.filter(secret => text.includes(secret))]).toEqual([where, []])
})

async function fieldsOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).map(name => join(folder, name)).flatMap(path => statSync(path).isDirectory() ? filesIn(path) : statSync(path).isFile() ? [path] : [])
}
