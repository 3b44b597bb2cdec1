import { expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'

const settings = (tokenApi: unknown, more: Record<string, string> = {}) => ({
  PORCHLIGHT_LOGIN: 'token-api',
  PORCHLIGHT_TOKEN_API: JSON.stringify(tokenApi),
  ...more,
})
async function problems(env: Record<string, string>): Promise<string[]> {
  const error: unknown = await loadConfig(env, '/nonexistent').then(
    () => null,
    (refused: unknown) => refused,
  )
  if (error instanceof OperatorError) return error.advice.map(line => line.trim())
  throw error ?? new Error('nothing was refused')
}

test('only a url is required; the defaults are those of a typical service', async () => {
  const {
    config: { tokenApi, registration },
  } = await loadConfig(settings({ url: 'http://127.0.0.1:8000/' }), '/nonexistent')
  expect(tokenApi).toMatchObject({
    name: '127.0.0.1:8000',
    url: 'http://127.0.0.1:8000',
    refresh: null,
    userInfo: null,
    register: 'open',
    login: {
      path: '/token',
      method: 'POST',
      as: 'form',
      username: 'username',
      password: 'password',
      also: { grant_type: 'password' },
    },
    answer: { accessToken: 'access_token', refreshToken: 'refresh_token', expiresIn: 'expires_in' },
  })
  // Accounts are created by the API.
  expect(registration).toBe('closed')
})

test('an upstream that takes its token need not name it if there is no other provider', async () => {
  const upstreams = JSON.stringify([{ name: 'shop', target: 'http://127.0.0.1:8000', token: 'provider' }])
  expect(
    (await loadConfig(settings({ url: 'http://127.0.0.1:8000' }, { PORCHLIGHT_UPSTREAMS: upstreams }), '/nonexistent'))
      .config.upstreams[0]?.provider,
  ).toBe('token-api')
})

test('all problems are reported at once, each with its position', async () => {
  const wrong = {
    url: 'http://api.example.org',
    login: { path: 'token', as: 'xml' },
    refresh: { token: 'cookie', over: [429] },
    errors: { 200: 'fine' },
    answer: { accessToken: 'a b' },
    register: 'invite',
    tokn: 1,
  }
  const told = (await problems(settings(wrong))).join('\n')
  for (const place of [
    '.url',
    '.login.path',
    '.login.as',
    '.refresh.path',
    '.refresh.token',
    '.refresh.over',
    '.errors',
    '.answer.accessToken',
    '.register',
    '.tokn',
  ])
    expect(told).toContain(`PORCHLIGHT_TOKEN_API${place}`)
})

test.each([
  ['.links.register', { links: { register: 'javascript:alert(1)' } }],
  ['.links.register', { links: { register: '//elsewhere.example/register' } }],
  ['.links.reset', { links: { reset: '/\\elsewhere.example' } }],
  ['.links.reset', { links: { reset: 'http://shop.example/reset' } }],
  ['.links.reset', { links: { reset: 'https://ada:secret@shop.example/reset' } }],
  ['.links.reset', { links: { reset: '/reset\tpassword' } }],
  ['.links.reset', { links: { reset: '' } }],
  ['.links.login', { links: { login: '/login' } }],
  ['.roles.admin', { roles: { claim: 'role', admin: [1.5] } }],
  ['.roles.admin', { roles: { claim: 'role', admin: [null] } }],
  ['.roles.admin', { roles: { claim: 'role', admin: [{ name: 'admin' }] } }],
  ['.roles.admin', { roles: { claim: 'role', admin: [] } }],
  ['.roles.admin', { roles: { claim: 'role', admin: true } }],
  ['.roles.separator', { roles: { claim: 'role', separator: ', ' } }],
  ['.roles', { roles: { claim: 'role', separator: ' ', admin: ['site admin'] } }],
  ['.tokenHeader.name', { tokenHeader: { name: 'Cookie' } }],
  ['.tokenHeader.name', { tokenHeader: { name: 'Content_Length' } }],
  ['.tokenHeader.name', { tokenHeader: { name: 'X-Forwarded-For' } }],
  ['.tokenHeader.name', { tokenHeader: { name: 'X-Token\r\nX-Evil' } }],
  ['.tokenHeader.scheme', { tokenHeader: { name: 'X-Token', scheme: 'To ken' } }],
  ['.tokenHeader', { tokenHeader: 'X-Token' }],
  ['.refresh', { refresh: { path: '/refresh', method: 'GET' } }],
  ['.refresh', { refresh: { path: '/refresh', name: '.', as: 'form' } }],
  ['.refresh', { refresh: { path: '/refresh', name: '.', also: { a: 'b' } } }],
  ['.refresh', { refresh: { path: '/refresh', name: 'data', also: { 'data.grant': 'b' } } }],
  ['.revoke', { revoke: { path: '/revoke', name: '.', token: 'query' } }],
  ['.revoke.name', { revoke: { path: '/revoke', name: 'a..b' } }],
  ['.login', { login: { username: 'user', password: 'user.password' } }],
  ['.login.username', { login: { username: '.' } }],
  ['.login.also', { login: { also: { '.': 'x' } } }],
  ['.answer.refreshToken', { answer: { refreshToken: '.' } }],
])('%s is refused in %j', async (place, wrong) => {
  const told = await problems(settings({ url: 'http://127.0.0.1:8000', ...wrong }))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain(`PORCHLIGHT_TOKEN_API${place}`)
  expect(told[0]).not.toContain('secret')
})

test('links, roles of any type and the header for tokens are read', async () => {
  const { config } = await loadConfig(
    settings(
      {
        url: 'http://127.0.0.1:8000',
        links: { register: 'https://shop.example/@new?from=porch', reset: '/reset-password#form' },
        roles: { claim: 'is_superuser', admin: [true, 3], user: ['staff'] },
        tokenHeader: { name: 'X-Access-Token' },
        answer: { accessToken: 'jwt', refreshToken: 'renew' },
        refresh: { path: '/refresh', name: '.', answer: { accessToken: '.' } },
      },
      {
        PORCHLIGHT_UPSTREAMS: JSON.stringify([
          { name: 'shop', target: 'http://127.0.0.1:8000', token: 'provider' },
          { name: 'v1', target: 'http://127.0.0.1:8000', token: 'provider', tokenHeader: { name: 'Authorization' } },
          { name: 'other', target: 'http://127.0.0.1:8001' },
        ]),
      },
    ),
    '/nonexistent',
  )
  expect(config.tokenApi).toMatchObject({
    links: { register: 'https://shop.example/@new?from=porch', reset: '/reset-password#form' },
    roles: { claim: 'is_superuser', separator: null, admin: ['true', '3'], user: ['staff'] },
    answer: { accessToken: 'jwt', refreshToken: 'renew', expiresIn: 'expires_in' },
    refreshAnswer: { accessToken: '.', refreshToken: 'renew', expiresIn: 'expires_in' },
  })
  expect(config.upstreams.map(({ tokenHeader }) => tokenHeader)).toEqual([
    { name: 'X-Access-Token', scheme: null },
    { name: 'Authorization', scheme: 'Bearer' },
    null,
  ])
})

test('tokenApi and login: token-api require each other', async () => {
  expect((await problems({ PORCHLIGHT_LOGIN: 'token-api' })).join()).toMatch(/PORCHLIGHT_TOKEN_API/)
  expect((await problems({ PORCHLIGHT_TOKEN_API: JSON.stringify({ url: 'http://127.0.0.1:8000' }) })).join()).toMatch(
    /PORCHLIGHT_LOGIN/,
  )
})

test.each(['token-api', 'password', 'passkey'])('no provider may have the id of the sign-in method %s', async id => {
  const providers = JSON.stringify([{ id, kind: 'oidc', issuer: 'https://login.example.org', clientId: 'x' }])
  expect(
    (await problems(settings({ url: 'http://127.0.0.1:8000' }, { PORCHLIGHT_PROVIDERS: providers }))).join(),
  ).toContain(`an id other than ${id}`)
})

test.each(['https://login.example.org', 'https://login.example.org/'])(
  "its address must differ from every provider's issuer, or their subjects would be confused",
  async issuer => {
    const providers = JSON.stringify([{ id: 'work', kind: 'oidc', issuer, clientId: 'x' }])
    expect(
      (await problems(settings({ url: 'https://login.example.org' }, { PORCHLIGHT_PROVIDERS: providers }))).join(),
    ).toMatch(/PORCHLIGHT_TOKEN_API[^]*issuer of the provider work/)
  },
)
