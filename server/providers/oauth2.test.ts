import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../base/log.ts'
import { toProviders } from '../config/resolve-providers.ts'
import { testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import { createProviders } from './registry.ts'
import type { Providers } from './types.ts'

interface Reply {
  status?: number
  type?: string
  body: unknown
}

let services: TestPeople
let server: http.Server
let origin: string
let replies: Record<string, Reply>
let seen: { path: string; authorization: string; agent: string; fields: URLSearchParams }[]
let providers: Providers
beforeEach(async () => {
  services = testPeople()
  seen = []
  server = http.createServer((request, response) => {
    let body = ''
    request.on('data', chunk => (body += chunk))
    request.on('end', () => {
      const { url = '', headers } = request
      seen.push({
        path: url,
        authorization: headers.authorization ?? '',
        agent: headers['user-agent'] ?? '',
        fields: new URLSearchParams(body),
      })
      const { status = 200, type = 'application/json', body: answer } = replies[url] ?? { status: 404, body: {} }
      response
        .writeHead(status, { 'content-type': type })
        .end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  replies = {
    '/token': { body: { access_token: 'the-access-token', token_type: 'bearer', scope: 'read:user,user:email' } },
    '/me': {
      body: { id: 583231, login: 'carol', profile: { name: 'Carol' }, email: 'shown@example.org', confirmed: true },
    },
    '/emails': {
      body: [
        { email: 'second@example.org', verified: true, primary: false },
        { email: 'carol@example.org', verified: true, primary: true },
      ],
    },
  }
  open({})
})
afterEach(async () => {
  await providers.close()
  await services.close()
  await new Promise(resolve => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

function open(more: Record<string, unknown>): void {
  const setting = {
    id: 'plain',
    kind: 'oauth2' as const,
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    userInfoEndpoint: `${origin}/me`,
    fields: { subject: 'id', name: 'profile.name', email: 'email', emailVerified: 'confirmed' },
    clientId: 'porch',
    clientSecret: 'pôrch-secret+1',
    ...more,
  }
  const all = toProviders([setting], [], { env: {}, folder: '/', nameOf: () => '' })
  providers = createProviders({
    providers: all,
    publicUrl: 'https://porch.example',
    clock: services.clock,
    timers: { every: () => () => {} },
    log: createLog('silent'),
    keyring: services.keyring,
    singleUses: services.store.singleUses,
    observer: null,
  })
}

/**
 * A sign-in there and back.
 * @param bend changes the callback's query
 */
async function signIn(bend: (query: URLSearchParams) => void = () => {}) {
  const { href, sealed } = await providers.begin('plain', {
    purpose: { kind: 'sign_in', remember: false, invite: null },
    returnTo: '/',
    maxBytes: 1000,
    network: '192.0.2.1',
  })
  const asked = new URL(href).searchParams
  const query = new URLSearchParams({ code: 'the-code', state: asked.get('state') ?? '' })
  bend(query)
  return {
    asked,
    ...(await providers.finish('plain', { search: `?${query.toString()}`, sealed, network: '192.0.2.1' })),
  }
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'signed_in',
    (error: { code: string }) => error.code,
  )

describe('a plain OAuth provider', () => {
  test('OA-3 is called with PKCE, then for user-info', async () => {
    const { asked, person, tokens } = await signIn()
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      client_id: 'porch',
      redirect_uri: 'https://porch.example/auth/callback/plain',
      code_challenge_method: 'S256',
    })
    expect(asked.get('scope')).toBeNull()
    expect(person).toMatchObject({
      provider: 'plain',
      issuer: `${origin}#plain`,
      subject: '583231',
      email: 'shown@example.org',
      emailVerified: true,
      name: 'Carol',
      authTime: null,
      amr: ['fed'],
      providerSid: null,
    })
    expect(tokens).toMatchObject({
      accessToken: 'the-access-token',
      refreshToken: null,
      idToken: null,
      tokenType: 'Bearer',
      accessEndsAt: null,
    })
    const [token, me] = seen
    expect(token?.fields.get('code')).toBe('the-code')
    expect(
      createHash('sha256')
        .update(token?.fields.get('code_verifier') ?? '')
        .digest('base64url'),
    ).toBe(asked.get('code_challenge'))
    expect(
      Buffer.from(token?.authorization.replace('Basic ', '') ?? '', 'base64').toString(),
      'escaped as a form is',
    ).toBe('porch:p%C3%B4rch-secret%2B1')
    expect([me?.path, me?.authorization]).toEqual(['/me', 'Bearer the-access-token'])
    expect(me?.agent).not.toBe('')
  })

  test('that lists addresses separately vouches for the one that is primary and verified, and for no other', async () => {
    open({ emailsEndpoint: `${origin}/emails`, fields: { subject: 'id', email: 'email' } })
    expect((await signIn()).person).toMatchObject({ email: 'carol@example.org', emailVerified: true })
    replies['/emails'] = {
      body: [
        { email: 'second@example.org', verified: true, primary: false },
        { email: 'carol@example.org', verified: false, primary: true },
        null,
        7,
      ],
    }
    expect((await signIn()).person).toMatchObject({ email: 'shown@example.org', emailVerified: false })
    replies['/emails'] = { body: { message: 'no' } }
    expect(await codeOf(signIn())).toBe('provider_answer_invalid')
  })

  test('OI-7 without a field that says so, no address is verified', async () => {
    open({ fields: { subject: 'id', email: 'email' } })
    expect((await signIn()).person).toMatchObject({ email: 'shown@example.org', emailVerified: false })
  })

  test('OA-8 its issuer is compared if one is configured', async () => {
    const names = (iss: string) => (query: URLSearchParams) => query.set('iss', iss)
    expect(await codeOf(signIn(names('https://anybody.example')))).toBe('signed_in')
    open({ issuer: 'https://plain.example/oauth' })
    expect(await codeOf(signIn(names('https://plain.example/oauth')))).toBe('signed_in')
    expect((await signIn()).person.issuer).toBe('https://plain.example/oauth')
    expect(await codeOf(signIn(names('https://plain.example/oauth/')))).toBe('provider_answer_invalid')
  })

  test.each<[string, string, Reply, string]>([
    ['says who by nothing', '/me', { body: { login: 'carol' } }, 'provider_answer_invalid'],
    ['says who by something empty', '/me', { body: { id: '' } }, 'provider_answer_invalid'],
    ['says who by an object', '/me', { body: { id: { is: 1 } } }, 'provider_answer_invalid'],
    ['answers with a list', '/me', { body: [{ id: 1 }] }, 'provider_answer_invalid'],
    ['answers with a page', '/me', { type: 'text/html', body: '<p>hello' }, 'provider_answer_invalid'],
    ['sends elsewhere', '/me', { status: 302, body: {} }, 'provider_answer_invalid'],
    ['refuses its own token', '/me', { status: 401, body: {} }, 'provider_misconfigured'],
    [
      'does not tell what no scope asked for',
      '/me',
      { status: 403, body: { message: 'Resource not accessible' } },
      'provider_misconfigured',
    ],
    ['is in trouble', '/me', { status: 502, body: 'x' }, 'provider_unavailable'],
    ['has had enough of us', '/me', { status: 429, body: {} }, 'provider_unavailable'],
    [
      'calls a code that is over a success, as GitHub does',
      '/token',
      { body: { error: 'bad_verification_code' } },
      'login_expired',
    ],
    [
      'calls a wrong secret a success, as GitHub does',
      '/token',
      { body: { error: 'incorrect_client_credentials' } },
      'provider_misconfigured',
    ],
    ['takes the code no more', '/token', { status: 400, body: { error: 'invalid_grant' } }, 'login_expired'],
    ['does not know us', '/token', { status: 401, body: { error: 'invalid_client' } }, 'provider_misconfigured'],
    [
      'gives a token of a kind that was not asked for',
      '/token',
      { body: { access_token: 'x', token_type: 'DPoP' } },
      'provider_answer_invalid',
    ],
    ['is in trouble with tokens', '/token', { status: 503, body: 'x' }, 'provider_unavailable'],
  ])('that %s', async (_what, path, reply, code) => {
    replies[path] = reply
    expect(await codeOf(signIn())).toBe(code)
  })

  test('a declined sign-in there is a refusal, and an error there makes it unavailable', async () => {
    const says = (error: string) => (query: URLSearchParams) => {
      query.delete('code')
      query.set('error', error)
    }
    expect(await codeOf(signIn(says('access_denied')))).toBe('provider_refused')
    expect(await codeOf(signIn(says('temporarily_unavailable')))).toBe('provider_unavailable')
    expect(seen, 'no token call').toEqual([])
  })
})
