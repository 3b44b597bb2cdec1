import { decodeJwt, type JWK } from 'jose'
import * as openid from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import type { ClientAuth, ClientOptions, RegisteredClient } from '../../support/provider-client.ts'
import { TOKEN_EXCHANGE } from '../../support/provider-exchange.ts'
import { ALMA, startProvider, type TestProvider } from '../../support/provider.ts'
import { walkThroughProvider } from '../../support/provider-visit.ts'

// The provider that other tests rely on, asked by the library alone: what fails here is not ours.
const SITE = 'http://localhost:1'
const CALLBACK = `${SITE}/auth/callback/test`
const USER_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

let provider: TestProvider
beforeAll(async () => {
  provider = await startProvider({ audiences: ['orders'] })
})
afterAll(() => provider?.goDown())

for (const auth of ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as ClientAuth[]) {
  test(`the test provider signs somebody in for a client that shows itself by ${auth}`, async () => {
    const { tokens, configuration } = await signIn({ auth })
    expect(tokens.claims()).toMatchObject({ iss: provider.issuer, sub: 'alma', amr: ['pwd'] })
    expect(tokens.claims()?.sid).toBeTypeOf('string')
    expect(await openid.fetchUserInfo(configuration, tokens.access_token, 'alma')).toMatchObject(ALMA.claims ?? {})
  })
}

test('the test provider rotates refresh tokens, and ends the grant whose old one comes again', async () => {
  const { tokens, configuration } = await signIn({})
  const first = tokens.refresh_token ?? ''
  const renewed = await openid.refreshTokenGrant(configuration, first)
  expect(renewed.refresh_token).not.toBe(first)
  await expect(openid.refreshTokenGrant(configuration, first)).rejects.toMatchObject({ error: 'invalid_grant' })
  await expect(openid.refreshTokenGrant(configuration, renewed.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  expect(provider.granted.slice(-1)).toEqual(['refresh_token'])
})

test('the test provider exchanges a token for one audience, and knows no other', async () => {
  const { tokens, configuration } = await signIn({})
  const exchange = (audience: string) =>
    openid.genericGrantRequest(configuration, TOKEN_EXCHANGE, {
      subject_token: tokens.access_token,
      subject_token_type: USER_TOKEN,
      audience,
    })
  expect(decodeJwt((await exchange('orders')).access_token)).toMatchObject({
    aud: 'orders',
    sub: 'alma',
    iss: provider.issuer,
  })
  await expect(exchange('everything')).rejects.toMatchObject({ error: 'invalid_target' })
})

test('the test provider binds tokens to a key, and may ask for a nonce', async () => {
  const picky = await startProvider({ dpopNonce: true, par: true, audiences: ['orders'] })
  try {
    const { tokens } = await signIn(
      { metadata: { dpop_bound_access_tokens: true, require_pushed_authorization_requests: true } },
      picky,
    )
    expect(tokens.token_type.toLowerCase()).toBe('dpop')
  } finally {
    await picky.goDown()
  }
})

test('the test provider takes a token back, signs people out everywhere, changes keys, and goes down and comes back', async () => {
  const { tokens, configuration } = await signIn({ metadata: { backchannel_logout_uri: undefined } })
  expect(await provider.isAlive(tokens.access_token)).toBe(true)
  await openid.tokenRevocation(configuration, tokens.access_token)
  expect(await provider.isAlive(tokens.access_token)).toBe(false)
  const keys = async () =>
    ((await (await fetch(`${provider.issuer}/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(key => key.kid)
  const before = await keys()
  await provider.rotateKeys()
  expect((await keys()).filter(kid => before.includes(kid))).toEqual([])
  provider.revoke('alma')
  await expect(openid.refreshTokenGrant(configuration, tokens.refresh_token ?? '')).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  await provider.goDown()
  await expect(fetch(`${provider.issuer}/jwks`)).rejects.toThrow()
  await provider.comeBack()
  expect((await keys()).length).toBe(2)
})

test('a person may say no at the test provider', async () => {
  await expect(signIn({}, provider, 'cancel')).rejects.toMatchObject({ error: 'access_denied' })
})

async function signIn(
  options: Partial<ClientOptions>,
  at: TestProvider = provider,
  person: typeof ALMA | 'cancel' = ALMA,
) {
  const client = await at.addClient({ site: SITE, as: 'test', ...options })
  const configuration = await discover(at, client)
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  const nonce = openid.randomNonce()
  const parameters = {
    redirect_uri: CALLBACK,
    scope: 'openid email profile groups',
    state,
    nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const DPoP = options.metadata?.dpop_bound_access_tokens
    ? openid.getDPoPHandle(configuration, await openid.randomDPoPKeyPair())
    : undefined
  const binding = DPoP ? { DPoP } : undefined
  const url = options.metadata?.require_pushed_authorization_requests
    ? await openid.buildAuthorizationUrlWithPAR(configuration, parameters, binding)
    : openid.buildAuthorizationUrl(configuration, parameters)
  const back = await walkThroughProvider(new Visitor(at.issuer), url.href, person)
  const tokens = await openid.authorizationCodeGrant(
    configuration,
    new URL(back),
    { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce },
    undefined,
    binding,
  )
  return { tokens, configuration }
}

async function discover(
  at: TestProvider,
  { clientId, clientSecret, privateKey, clientAuth }: RegisteredClient,
): Promise<openid.Configuration> {
  const key =
    privateKey === undefined
      ? null
      : await crypto.subtle.importKey(
          'jwk',
          JSON.parse(privateKey) as JWK,
          { name: 'ECDSA', namedCurve: 'P-256' },
          false,
          ['sign'],
        )
  const auth = key
    ? openid.PrivateKeyJwt(key)
    : clientAuth === 'client_secret_post'
      ? openid.ClientSecretPost(clientSecret)
      : openid.ClientSecretBasic(clientSecret)
  return openid.discovery(new URL(at.issuer), clientId, undefined, auth, { execute: [openid.allowInsecureRequests] })
}
