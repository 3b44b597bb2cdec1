import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import type { Problem } from '../base/problem.ts'
import { type TokenApiSetting, toTokenApi } from '../config/token-api-settings.ts'
import type { RefreshFailure } from './token-client-types.ts'
import { createTokenApiClient } from './token-api-client.ts'
import type { ProviderTokens } from './types.ts'

interface Seen {
  method: string
  url: string
  type: string
  authorization: string
  key: string
  body: string
}

const seen: Seen[] = []
let answer: (request: Seen, response: ServerResponse) => unknown
let server: Server
let url: string

const json = (response: ServerResponse, body: unknown, status = 200, headers = {}) =>
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(typeof body === 'string' ? body : JSON.stringify(body))
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds
const jwt = (claims: Record<string, unknown>) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32))

beforeAll(async () => {
  server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const one: Seen = {
          method: request.method ?? '',
          url: request.url ?? '',
          type: request.headers['content-type'] ?? '',
          authorization: request.headers.authorization ?? '',
          key: String(request.headers['x-shop-key'] ?? ''),
          body: Buffer.concat(chunks).toString(),
        }
        seen.push(one)
        answer(one, response)
      })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  seen.length = 0
})

const clientFor = (setting: Partial<TokenApiSetting> = {}) =>
  createTokenApiClient(toTokenApi({ url, ...setting }), {
    clock: systemClock,
    log: createLog('silent'),
    observer: null,
  })
const problem = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: Problem) => `${error.status} ${error.code}`,
  )
const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: RefreshFailure) => `${error.kind} ${error.problem.code}`,
  )
const held = (refreshToken: string | null): ProviderTokens => ({
  accessToken: 'old',
  refreshToken,
  idToken: null,
  tokenType: 'Bearer',
  scope: null,
  accessEndsAt: 0,
  dpopKey: null,
})

test('by default the sign-in is a form as in RFC 6749 §4.3.2, and the token claims identify the user', async () => {
  const accessToken = await jwt({
    sub: 'ada',
    name: 'Ada',
    email: 'ada@example.org',
    email_verified: true,
    exp: inSeconds(60),
  })
  answer = (_, response) => json(response, { access_token: accessToken, token_type: 'bearer' })
  const { person, tokens } = await clientFor().signIn('ada', 'a pässword & more')
  expect(seen).toEqual([
    {
      method: 'POST',
      url: '/token',
      type: 'application/x-www-form-urlencoded',
      authorization: '',
      key: '',
      body: 'grant_type=password&username=ada&password=a+p%C3%A4ssword+%26+more',
    },
  ])
  expect(person).toMatchObject({
    provider: 'token-api',
    issuer: url,
    subject: 'ada',
    name: 'Ada',
    email: 'ada@example.org',
    emailVerified: true,
    label: 'ada',
    amr: ['pwd'],
  })
  expect(tokens).toMatchObject({ accessToken, refreshToken: null, tokenType: 'Bearer' })
  expect(Math.abs((tokens.accessEndsAt ?? 0) - inSeconds(60) * 1000)).toBeLessThan(5000)
})

test('sign-in by JSON with custom names, a nested response, and user-info that identifies the user', async () => {
  answer = ({ url: path }, response) =>
    json(
      response,
      path === '/v2/me' ? { data: { id: 7, display: 'Ada' } } : { data: { jwt: 'opaque', renew: 'r1', ttl: '90' } },
    )
  const client = clientFor({
    login: { path: '/v2/login', as: 'json', username: 'email', password: 'pass', also: { client: 'porch' } },
    refresh: { path: '/v2/refresh' },
    answer: { accessToken: 'data.jwt', refreshToken: 'data.renew', expiresIn: 'data.ttl' },
    userInfo: '/v2/me',
    fields: { subject: 'data.id', name: 'data.display' },
  })
  const before = Date.now()
  const { person, tokens } = await client.signIn('ada@example.org', 'x')
  expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ client: 'porch', email: 'ada@example.org', pass: 'x' })
  expect(seen[1]).toMatchObject({ method: 'GET', url: '/v2/me', authorization: 'Bearer opaque' })
  expect(person).toMatchObject({ subject: '7', name: 'Ada', email: null, emailVerified: false })
  expect(tokens).toMatchObject({ accessToken: 'opaque', refreshToken: 'r1' })
  expect((tokens.accessEndsAt ?? 0) - before).toBeGreaterThanOrEqual(90_000)
})

test.each([
  [
    'a field of a JSON body',
    {},
    { url: '/refresh', body: '{"refresh_token":"r1"}', type: 'application/json', authorization: '' },
  ],
  [
    'a field of a form',
    { as: 'form', also: { grant_type: 'refresh_token' } },
    {
      url: '/refresh',
      body: 'grant_type=refresh_token&refresh_token=r1',
      type: 'application/x-www-form-urlencoded',
      authorization: '',
    },
  ],
  [
    'a parameter of the query',
    { token: 'query', name: 'token', method: 'GET' },
    { url: '/refresh?token=r1', body: '', type: '', authorization: '' },
  ],
  [
    'a nested field',
    { name: 'data.refresh.token', also: { 'data.client': 'porch' } },
    {
      url: '/refresh',
      body: '{"data":{"client":"porch","refresh":{"token":"r1"}}}',
      type: 'application/json',
      authorization: '',
    },
  ],
  [
    'a field of a form whose name has dots and brackets',
    { as: 'form', name: 'user[refresh.token]' },
    {
      url: '/refresh',
      body: 'user%5Brefresh.token%5D=r1',
      type: 'application/x-www-form-urlencoded',
      authorization: '',
    },
  ],
  [
    'a body that is nothing but a JSON string',
    { name: '.' },
    { url: '/refresh', body: '"r1"', type: 'application/json', authorization: '' },
  ],
  ['a Bearer token', { token: 'bearer' }, { url: '/refresh', body: '', type: '', authorization: 'Bearer r1' }],
] as const)('a refresh token is sent as %s', async (_what, template, expected) => {
  answer = (_, response) => json(response, { access_token: 'new', refresh_token: 'r2', expires_in: 60 })
  const fresh = await clientFor({ refresh: { path: '/refresh', ...template } }).refresh(held('r1'), {
    issuer: url,
    subject: 'ada',
  })
  expect(seen[0]).toMatchObject(expected)
  expect(fresh).toMatchObject({ tokens: { accessToken: 'new', refreshToken: 'r2' } })
})

test('a token goes where the API expects it: user info, refresh and revocation', async () => {
  answer = ({ url: path }, response) =>
    json(response, path === '/me' ? { sub: 'ada' } : { access_token: 'new', refresh_token: 'r2' })
  const client = clientFor({
    tokenHeader: { name: 'X-Shop-Key', scheme: 'Key' },
    userInfo: '/me',
    refresh: { path: '/refresh', token: 'bearer' },
    revoke: { path: '/revoke', token: 'bearer' },
  })
  await client.signIn('ada', 'x')
  await client.refresh(held('r1'), { issuer: url, subject: 'ada' })
  await client.revoke?.(held('r2'))
  expect(seen.slice(1).map(({ url, key, authorization }) => [url, key, authorization])).toEqual([
    ['/me', 'Key new', ''],
    ['/refresh', 'Key r1', ''],
    ['/revoke', 'Key r2', ''],
  ])
})

test.each([
  ['a JSON string', 'application/json', (token: string) => JSON.stringify(token)],
  ['plain text', 'text/plain', (token: string) => `${token}\n`],
])('a response that is nothing but the token, as %s', async (_what, type, written) => {
  const token = await jwt({ sub: 'ada', exp: inSeconds(60) })
  answer = (_, response) => response.writeHead(200, { 'content-type': type }).end(written(token))
  const client = clientFor({ answer: { accessToken: '.' }, refresh: { path: '/refresh' } })
  const { person, tokens } = await client.signIn('ada', 'x')
  expect(person.subject).toBe('ada')
  expect(tokens).toMatchObject({ accessToken: token, refreshToken: null })
  expect(tokens.accessEndsAt).not.toBeNull()
  expect((await client.refresh(held('r1'), { issuer: url, subject: 'ada' })).tokens).toMatchObject({
    accessToken: token,
    refreshToken: 'r1',
  })
})

test('a refresh may answer otherwise than a sign-in: nothing but the token, or a form', async () => {
  const token = await jwt({ sub: 'ada' })
  const member = { answer: { accessToken: 'data.jwt', refreshToken: 'data.renew' } }
  const client = clientFor({ ...member, refresh: { path: '/refresh', name: '.', answer: { accessToken: '.' } } })
  answer = ({ url: path }, response) =>
    json(response, path === '/token' ? { data: { jwt: token, renew: 'r1' } } : '"new"')
  const { tokens } = await client.signIn('ada', 'x')
  expect(tokens.refreshToken).toBe('r1')
  expect((await client.refresh(tokens, { issuer: url, subject: 'ada' })).tokens).toMatchObject({
    accessToken: 'new',
    refreshToken: 'r1',
  })
  answer = (_, response) =>
    response
      .writeHead(200, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' })
      .end('access_token=a%2Bb&refresh_token=r2&expires_in=60')
  const byForm = clientFor({ refresh: { path: '/refresh' } })
  expect((await byForm.refresh(held('r1'), { issuer: url, subject: 'ada' })).tokens).toMatchObject({
    accessToken: 'a+b',
    refreshToken: 'r2',
    accessEndsAt: expect.any(Number) as number,
  })
})

test.each(['"signed out, sign in again"', '""', '7', 'null', '["new"]', '{"access_token":"new"}', '<html></html>', ''])(
  'a refresh answered with %s where a token alone is expected: nothing is replaced',
  async body => {
    answer = (_, response) => json(response, body)
    const client = clientFor({ refresh: { path: '/refresh', answer: { accessToken: '.' } } })
    expect(await failure(client.refresh(held('r1'), { issuer: url, subject: 'ada' }))).toBe(
      'unknown provider_answer_invalid',
    )
  },
)

test('roles may be booleans of user info; without the claim, the log says so', async () => {
  const warned: unknown[] = []
  const log = { ...createLog('silent'), warn: (fields: unknown) => void warned.push(fields) }
  const client = createTokenApiClient(
    toTokenApi({ url, userInfo: '/me', roles: { claim: 'is_superuser', admin: [true] } }),
    { clock: systemClock, log, observer: null },
  )
  for (const [claim, roles] of [
    [{ is_superuser: true }, ['admin', 'user']],
    [{ is_superuser: false }, ['user']],
    [{}, ['user']],
  ] as const) {
    answer = ({ url: path }, response) =>
      json(response, path === '/me' ? { sub: 'ada', ...claim } : { access_token: 'a' })
    expect((await client.signIn('ada', 'x')).person.roles).toEqual(roles)
  }
  expect(warned).toMatchObject([{ event: 'provider_roles_missing', provider: 'token-api', claim: 'is_superuser' }])
})

test('an API that issues no new refresh token keeps the old one', async () => {
  answer = (_, response) => json(response, { access_token: 'new' })
  expect(
    await clientFor({ refresh: { path: '/refresh' } }).refresh(held('r1'), { issuer: url, subject: 'ada' }),
  ).toMatchObject({ tokens: { accessToken: 'new', refreshToken: 'r1', accessEndsAt: null } })
})

test.each([
  [400, '401 invalid_credentials'],
  [401, '401 invalid_credentials'],
  [422, '401 invalid_credentials'],
  [403, '403 account_disabled'],
  [429, '429 slow_down'],
  [500, '503 provider_unavailable'],
  [418, '502 provider_answer_invalid'],
  [302, '502 provider_answer_invalid'],
])('a sign-in answered with %s is reported as %s', async (status, expected) => {
  answer = (_, response) =>
    json(response, { detail: 'no' }, status, { location: `${url}/elsewhere`, 'retry-after': '7' })
  expect(await problem(clientFor().signIn('ada', 'x'))).toBe(expected)
  expect(seen).toHaveLength(1)
})

test('statuses are mapped as configured', async () => {
  answer = (_, response) => json(response, {}, 403)
  expect(await problem(clientFor({ errors: { 403: 'invalid_credentials' } }).signIn('ada', 'x'))).toBe(
    '401 invalid_credentials',
  )
})

test.each([
  ['no JSON', 'hello'],
  ['no object', '[]'],
  ['no token', '{}'],
  ['a token that could split a header', JSON.stringify({ access_token: 'a\r\nX-Evil: 1' })],
  ['an opaque token, and nobody else to ask', JSON.stringify({ access_token: 'opaque' })],
  ['claims without a subject', null],
  ['more than any answer is', 'x'.repeat(2_000_000)],
])('a response with %s signs no one in', async (_what, body) => {
  const text = body ?? JSON.stringify({ access_token: await jwt({ name: 'Ada' }) })
  answer = (_, response) => json(response, text)
  expect(await problem(clientFor().signIn('ada', 'x'))).toMatch(/^50[23] provider_(?:answer_invalid|unavailable)$/)
})

test.each([
  [400, 'over provider_refused'],
  [401, 'over provider_refused'],
  [422, 'over provider_refused'],
  [403, 'refused provider_refused'],
  [404, 'unknown provider_unavailable'],
  [429, 'unchanged provider_unavailable'],
  [500, 'unknown provider_unavailable'],
  [302, 'unknown provider_unavailable'],
])('a refresh answered with %s: %s', async (status, expected) => {
  answer = (_, response) => json(response, {}, status, { location: '/elsewhere' })
  expect(
    await failure(clientFor({ refresh: { path: '/refresh' } }).refresh(held('r1'), { issuer: url, subject: 'ada' })),
  ).toBe(expected)
})

test.each([
  [429, () => '20', 20_000],
  [503, () => '20', 20_000],
  [503, () => new Date(Date.now() + 20_000).toUTCString(), 20_000],
  [429, () => new Date(Date.now() - 20_000).toUTCString(), 0],
  [429, () => 'soon', 5000],
  [503, () => 'soon', null],
])(
  'RFC 9110 §10.2.3 a refresh or revocation answered with %s waits as it was told (%#)',
  async (status, value, wait) => {
    answer = (_, response) => json(response, {}, status, { 'retry-after': value() })
    const client = clientFor({ refresh: { path: '/refresh' }, revoke: { path: '/revoke' } })
    const calls = [
      () => client.refresh(held('r1'), { issuer: url, subject: 'ada' }),
      () => client.revoke?.(held('r1')) ?? Promise.resolve(),
    ]
    for (const call of calls) {
      const { retryAfterMs } = (await call().catch((error: unknown) => error)) as RefreshFailure
      if (wait === null) expect(retryAfterMs).toBeNull()
      else expect(Math.abs((retryAfterMs ?? -1) - wait)).toBeLessThanOrEqual(1000)
    }
  },
)

test('a refresh is over with the configured statuses, and no others', async () => {
  const client = clientFor({ refresh: { path: '/refresh', over: [410] } })
  for (const [status, expected] of [
    [410, 'over provider_refused'],
    [401, 'refused provider_refused'],
  ] as const) {
    answer = (_, response) => json(response, {}, status)
    expect(await failure(client.refresh(held('r1'), { issuer: url, subject: 'ada' }))).toBe(expected)
  }
})

test('a refresh whose response is cut off may have happened; one that was never sent has not', async () => {
  answer = (_, response) => response.destroy()
  expect(
    await failure(clientFor({ refresh: { path: '/refresh' } }).refresh(held('r1'), { issuer: url, subject: 'ada' })),
  ).toBe('unknown provider_unavailable')
  expect(
    await failure(
      clientFor({ url: 'http://127.0.0.1:9', refresh: { path: '/refresh' } }).refresh(held('r1'), {
        issuer: url,
        subject: 'ada',
      }),
    ),
  ).toBe('unchanged provider_unavailable')
})
