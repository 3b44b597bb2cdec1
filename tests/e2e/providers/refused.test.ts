import { createHmac } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import type { ProblemCode } from '../../../server/contract/problem-codes.ts'
import { Visitor } from '../../support/client.ts'
import { type Change, CLIENT, leftHalf } from '../../support/hostile-provider.ts'
import { expectRefused, HOSTILE, hostileStageOfFile, returnFrom, signInAt } from '../../support/hostile-stage.ts'
import { begin, comeBack } from '../../support/provider-visit.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'

const stage = hostileStageOfFile()

const now = () => Math.floor(Date.now() / 1000)
const claims = (change: (claims: JWTPayload) => void): Change => ({ claims: change })

/** One field differs each time; everything else is as in the sign-in that has just worked. */
const UNTRUSTED: [string, Change][] = [
  ['OI-2 an ID token of another issuer', claims(each => (each.iss = 'https://somebody-else.example'))],
  ['OI-2 an ID token whose issuer has a slash more', claims(each => (each.iss = `${each.iss}/`))],
  ['OI-2 an ID token that names no issuer', claims(each => delete each.iss)],
  ['OI-2 an ID token for another site', claims(each => (each.aud = 'another-site'))],
  ['OI-2 an ID token for a list of sites that we are not on', claims(each => (each.aud = ['another-site', 'a-third']))],
  ['OI-2 an ID token for nobody', claims(each => delete each.aud)],
  ['OI-2 an ID token that another site had made (azp)', claims(each => (each.azp = 'another-site'))],
  [
    'OI-2 an ID token for us and others that another site had made (azp)',
    claims(each => Object.assign(each, { aud: [CLIENT.clientId, 'another-site'], azp: 'another-site' })),
  ],
  [
    'OI-2 an ID token for us and others that says not whose it is',
    claims(each => (each.aud = [CLIENT.clientId, 'another-site'])),
  ],
  ['OA-11 an ID token with another nonce', claims(each => (each.nonce = 'n'.repeat(43)))],
  ['OA-11 an ID token without the nonce', claims(each => delete each.nonce)],
  ['OA-11 an ID token with a list of nonces', claims(each => Object.assign(each, { nonce: [each.nonce] }))],
  ['OI-4 an ID token that is over', claims(each => Object.assign(each, { iat: now() - 600, exp: now() - 180 }))],
  ['OI-4 an ID token without an end', claims(each => delete each.exp)],
  ['OI-4 an ID token whose end is text', claims(each => Object.assign(each, { exp: String(now() + 300) }))],
  ['OI-4 an ID token from before the sign-in began', claims(each => Object.assign(each, { iat: now() - 130 }))],
  ['OI-4 an ID token from the future', claims(each => Object.assign(each, { iat: now() + 600, exp: now() + 900 }))],
  ['OI-4 an ID token that is not good yet', claims(each => (each.nbf = now() + 600))],
  ['OI-4 an ID token that says not when it was made', claims(each => delete each.iat)],
  ['OI-2 an ID token of nobody', claims(each => delete each.sub)],
  ['OI-2 an ID token of somebody without a name', claims(each => (each.sub = ''))],
  ['OI-2 an ID token whose subject is a number', claims(each => Object.assign(each, { sub: 1 }))],
  [
    'OI-6 an ID token with the at_hash of another access token',
    claims(each => (each['at_hash'] = leftHalf('another token'))),
  ],
  [
    'OI-3 an ID token signed by another key of the same name',
    {
      sign: async (payload, header) =>
        new SignJWT(payload).setProtectedHeader(header).sign((await generateKeyPair('RS256')).privateKey),
    },
  ],
  [
    'OI-3 an ID token whose signature was touched',
    { sign: async (payload, header) => touched(await stage.hostile.signed(payload, header)) },
  ],
  [
    'OI-3 an ID token whose content was changed after it was signed',
    {
      sign: async (payload, header) =>
        withPayload(await stage.hostile.signed(payload, header), { ...payload, name: 'Somebody Else' }),
    },
  ],
  [
    'OI-3, JW-7 an ID token that nobody signed (none)',
    { sign: payload => `${part({ alg: 'none' })}.${part(payload)}.` },
  ],
  [
    'OI-3, JW-7 an ID token that nobody signed (NoNe), with a signature',
    {
      sign: async (payload, header) =>
        `${part({ ...header, alg: 'NoNe' })}.${part(payload)}.${(await stage.hostile.signed(payload)).split('.')[2]}`,
    },
  ],
  [
    'OI-3, JW-8 an ID token signed by HS256 with the public key',
    { sign: async (payload, header) => hmac(payload, header, await exportSPKI(stage.hostile.publicKey)) },
  ],
  [
    'OI-3, JW-8 an ID token signed by HS256 with the public key as JSON',
    {
      sign: async (payload, header) => hmac(payload, header, JSON.stringify(await exportJWK(stage.hostile.publicKey))),
    },
  ],
  [
    'OI-3 an ID token signed by HS256 with our own secret',
    { sign: (payload, header) => hmac(payload, header, CLIENT.clientSecret) },
  ],
  [
    'OI-3 an ID token signed by an algorithm that was not announced',
    {
      sign: async (payload, header) =>
        new SignJWT(payload)
          .setProtectedHeader({ ...header, alg: 'ES256' })
          .sign((await generateKeyPair('ES256')).privateKey),
    },
  ],
  ['JW-11 an ID token that brings a key of its own along', { sign: (payload, header) => withOwnKey(payload, header) }],
  [
    'OI-3 an ID token that insists on something unknown (crit)',
    { header: header => Object.assign(header, { crit: ['exp2'], exp2: 1 }) },
  ],
  ['OI-2 an answer without an ID token', { tokens: answer => delete answer['id_token'] }],
  ['OI-2 an ID token that is no token', { sign: () => 'a.b.c' }],
  ['OI-2 an ID token that is an object', { tokens: answer => (answer['id_token'] = { sub: 'visitor-1' }) }],
  ['an answer without an access token', { tokens: answer => delete answer['access_token'] }],
  ['an answer with a kind of token that we do not know', { tokens: answer => (answer['token_type'] = 'mac') }],
  [
    'OA-8 a response that another provider says it made (mix-up)',
    { response: query => query.set('iss', 'https://somebody-else.example') },
  ],
  ['OA-8 a response whose issuer has a slash more', { response: query => query.set('iss', `${query.get('iss')}/`) }],
  ['OA-9 a response that names no issuer though it was announced', { response: query => query.delete('iss') }],
  [
    'OA-8 a response that names two issuers',
    { response: query => query.append('iss', 'https://somebody-else.example') },
  ],
  ['a response without a code', { response: query => query.delete('code') }],
  ['a response with two codes', { response: query => query.append('code', 'another') }],
  ['BBA-2 a response with a token in it', { response: query => query.set('id_token', 'a.b.c') }],
  ['OI-8 user information of somebody else', { userInfo: info => (info['sub'] = 'somebody-else') }],
  ['OI-8 user information of nobody', { userInfo: info => delete info['sub'] }],
]

describe('a provider that lies is not believed, once it has signed somebody in', () => {
  test.each(UNTRUSTED)('%s', async (_title, change) => {
    await refused(change, 'provider_answer_invalid')
  })
})

describe('a sign-in that is not ours to finish', () => {
  test.each<[string, Change]>([
    [
      'OA-5, OA-6 another state',
      {
        response: query =>
          query.set('state', query.get('state')?.replace(/.$/, last => (last === 'A' ? 'B' : 'A')) ?? ''),
      },
    ],
    ['OA-5 no state', { response: query => query.delete('state') }],
    ['OA-5 two states', { response: query => query.append('state', query.get('state') ?? '') }],
    ['OA-5 an empty state', { response: query => query.set('state', '') }],
  ])('%s', async (_title, change) => {
    const calls = stage.hostile.tokenCalls.length
    await refused(change, 'login_expired')
    expect(stage.hostile.tokenCalls.length).toBe(calls)
  })

  test('OA-6 a response that comes again makes no token call, whoever brings it', async () => {
    const browser = new Visitor(stage.server.origin)
    const back = await returnFrom(stage.hostile, await begin(browser, { as: HOSTILE, returnTo: '/account' }))
    const thief = browser.thief()
    expect((await comeBack(browser, back)).headers.location).toBe('/account')
    const calls = stage.hostile.tokenCalls.length
    await expectRefused(stage, thief, await comeBack(thief, back), 'login_expired')
    await expectRefused(stage, thief.stranger(), await comeBack(thief.stranger(), back), 'login_expired')
    expect((await comeBack(browser, back)).headers.location).toMatch(/^\/(account)?$/)
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
    expect(stage.hostile.tokenCalls.length).toBe(calls)
  })

  test.each<[string, ProblemCode]>([
    ['access_denied', 'provider_refused'],
    ['login_required', 'provider_refused'],
    ['interaction_required', 'provider_refused'],
    ['user_cancelled_login', 'provider_refused'],
    ['invalid_scope', 'provider_misconfigured'],
    ['unauthorized_client', 'provider_misconfigured'],
    ['invalid_request', 'provider_misconfigured'],
    ['temporarily_unavailable', 'provider_unavailable'],
    ['server_error', 'provider_unavailable'],
  ])('the provider says %s', async (error, code) => {
    await refused(
      {
        response: query => {
          query.delete('code')
          query.set('error', error)
          query.set('error_description', '<script>alert(1)</script> somebody chose these words')
        },
      },
      code,
    )
  })
})

describe('what is near enough is taken', () => {
  test.each<[string, (each: JWTPayload) => void]>([
    [
      'OI-4 a provider whose clock is two minutes behind',
      each => Object.assign(each, { iat: now() - 118, auth_time: now() - 118, exp: now() - 88 }),
    ],
    [
      'OI-4 a provider whose clock is two minutes ahead',
      each => Object.assign(each, { iat: now() + 118, nbf: now() + 118, auth_time: now() + 118, exp: now() + 418 }),
    ],
    ['OI-2 a list of sites with us alone on it', each => (each.aud = [CLIENT.clientId])],
    [
      'OI-2 an ID token for us and others that was made for us',
      each => Object.assign(each, { aud: [CLIENT.clientId, 'another-site'], azp: CLIENT.clientId }),
    ],
    ['OI-6 no at_hash, which the code flow may leave out', each => delete each['at_hash']],
  ])('%s', async (_title, change) => {
    stage.hostile.change = { claims: change }
    const browser = new Visitor(stage.server.origin)
    expect((await signInAt(browser, stage.hostile)).headers.location).toBe('/account')
    expect((await browser.session()).user?.name).toBe('Vera Visitor')
  })
})

describe('what goes to the provider', () => {
  test('OA-3, OA-4, OA-5 each attempt has its own state, nonce and S256 challenge, of 256 bits', async () => {
    const before = stage.hostile.authorizations.length
    for (let i = 0; i < 3; i++) await signInAt(new Visitor(stage.server.origin), stage.hostile)
    const asked = stage.hostile.authorizations.slice(before)
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const values = asked.map(query => query.get(name) ?? '')
      expect(new Set(values).size, name).toBe(3)
      for (const value of values) expect(value.length, name).toBeGreaterThanOrEqual(43)
    }
    for (const query of asked)
      expect(Object.fromEntries(query)).toMatchObject({
        response_type: 'code',
        code_challenge_method: 'S256',
        client_id: CLIENT.clientId,
        redirect_uri: `${stage.server.origin}/auth/callback/hostile`,
      })
    const verifiers = stage.hostile.tokenCalls.slice(-3).map(({ fields }) => fields.get('code_verifier') ?? '')
    expect(new Set(verifiers).size).toBe(3)
    for (const verifier of verifiers) expect(verifier.length).toBeGreaterThanOrEqual(43)
  })

  test('BBA-1 every token call carries our credentials, and none of it has them in its address', () => {
    for (const { headers } of stage.hostile.tokenCalls) expect(headers.authorization).toMatch(/^Basic /)
    for (const request of stage.hostile.requests) expect(request).not.toContain(CLIENT.clientSecret)
    for (const query of stage.hostile.authorizations) expect(query.has('client_secret')).toBe(false)
  })

  test("JW-11 addresses of keys in a token's header (jku, x5u) are never visited", async () => {
    const trap = await startRecordingUpstream()
    const browser = new Visitor(stage.server.origin)
    stage.hostile.change = {
      header: header =>
        Object.assign(header, {
          jku: `${trap.origin}/keys`,
          x5u: `${trap.origin}/certificate`,
          kid: `${trap.origin}/kid`,
        }),
    }
    await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'provider_answer_invalid')
    expect(trap.requests).toEqual([])
    await trap.stop()
  })
})

test('OA-21, ASVS 16.2.5 nothing of all this is in the log: no code, no state, no token, no secret', () => {
  const { hostile, server } = stage
  const states = hostile.authorizations.flatMap(query => [
    query.get('state') ?? '-',
    query.get('nonce') ?? '-',
    query.get('code_challenge') ?? '-',
  ])
  expect(states.length).toBeGreaterThan(100)
  expect([...hostile.secrets, ...states].filter(secret => server.output.includes(secret))).toEqual([])
  expect(server.output).toContain(
    'the provider sent back invalid_scope: <script>alert(1)</script> somebody chose these words',
  )
  expect(server.output).not.toMatch(/"status":500/)
})

async function refused(change: Change, code: ProblemCode): Promise<void> {
  stage.hostile.change = change
  const browser = new Visitor(stage.server.origin)
  await expectRefused(stage, browser, await signInAt(browser, stage.hostile), code)
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function hmac(payload: JWTPayload, header: JWTHeaderParameters, secret: string): string {
  const input = `${part({ ...header, alg: 'HS256' })}.${part(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function touched(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes.writeUInt8((bytes[0] ?? 0) ^ 1, 0)
  return `${header}.${payload}.${bytes.toString('base64url')}`
}

function withPayload(token: string, payload: JWTPayload): string {
  const [header, , signature] = token.split('.')
  return `${header}.${part(payload)}.${signature}`
}

/** The key to check it with is in the token itself, as somebody would like who has no other. */
async function withOwnKey(payload: JWTPayload, header: JWTHeaderParameters): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  return new SignJWT(payload).setProtectedHeader({ ...header, jwk: await exportJWK(publicKey) }).sign(privateKey)
}
