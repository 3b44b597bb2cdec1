import { createHash, randomBytes } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type GenerateKeyPairResult,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'

/**
 * What differs from an honest provider. Each function changes what it is given, in place; nothing given: nothing
 * differs.
 */
export interface Change {
  metadata?: (metadata: Record<string, unknown>) => void
  /** The query that the browser comes back with. */
  response?: (query: URLSearchParams) => void
  claims?: (claims: JWTPayload) => void
  header?: (header: JWTHeaderParameters) => void
  /** Signs the ID token in place of the honest key. */
  sign?: (claims: JWTPayload, header: JWTHeaderParameters) => string | Promise<string>
  tokens?: (answer: Record<string, unknown>) => void
  userInfo?: (claims: Record<string, unknown>) => void
  keys?: (keys: JWK[]) => void
  /** Answers one path in its own way: `/token`. */
  instead?: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>
}

export interface TokenCall {
  headers: http.IncomingHttpHeaders
  fields: URLSearchParams
}

export interface HostileProvider {
  issuer: string
  change: Change
  /** Who signs in, at once and without being asked. */
  person: Record<string, unknown> & { sub: string }
  /** Every request that arrived: `POST /token`. */
  requests: string[]
  /** What came to the authorization endpoint and to the token endpoint. */
  authorizations: URLSearchParams[]
  tokenCalls: TokenCall[]
  /** Everything secret that it gave out. */
  secrets: string[]
  publicKey: CryptoKey
  /** As it answers when nothing is put in its place (`change.instead`): for what only delays or counts. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  signed(claims: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>
  /** Signs with a new key from now on, and publishes that alone. */
  rotateKeys(): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
}

export const CLIENT = { clientId: 'thesite', clientSecret: 'hostileclientsecret0123456789' }
const LIFE_SECONDS = 300

interface Code {
  nonce: string | null
  challenge: string | null
  redirectUri: string
  clientId: string
}

/** An OpenID provider whose every answer a test can bend. Honest until told otherwise. */
export async function startHostileProvider(port = 0): Promise<HostileProvider> {
  const codes = new Map<string, Code>()
  const pushes = new Map<string, URLSearchParams>()
  let key = await newKey()
  const server = http.createServer(
    (request, response) => void answer(request, response).catch(error => json(response, 500, { error: String(error) })),
  )
  await listen(port)
  const at = (server.address() as AddressInfo).port
  const issuer = `http://127.0.0.1:${at}`

  const provider: HostileProvider = {
    issuer,
    change: {},
    person: { sub: 'visitor-1', email: 'visitor@hostile.example', email_verified: true, name: 'Vera Visitor' },
    requests: [],
    authorizations: [],
    tokenCalls: [],
    secrets: [CLIENT.clientSecret],
    publicKey: key.publicKey,
    answer: honest,
    signed: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
        .sign(key.privateKey, { crit: Object.fromEntries((header.crit ?? []).map(name => [name, true])) }),
    rotateKeys: async () => {
      key = await newKey()
      provider.publicKey = key.publicKey
    },
    stop: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
    start: () => listen(at),
  }
  return provider

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer)
    provider.requests.push(`${request.method} ${url.pathname}`)
    const instead = provider.change.instead?.[url.pathname]
    await (instead ?? honest)(request, response)
  }

  async function honest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer)
    if (url.pathname === '/.well-known/openid-configuration')
      return json(response, 200, bent(metadata(), provider.change.metadata))
    if (url.pathname === '/jwks') return json(response, 200, { keys: bent([await publicJwk()], provider.change.keys) })
    if (url.pathname === '/par') return pushed(request, response)
    if (url.pathname === '/authorize')
      return sendBack(pushes.get(url.searchParams.get('request_uri') ?? '') ?? url.searchParams, response)
    if (url.pathname === '/token') return tokenEndpoint(request, response)
    if (url.pathname === '/userinfo') return json(response, 200, bent({ ...provider.person }, provider.change.userInfo))
    if (url.pathname === '/revoke') return json(response, 200, {})
    json(response, 404, {})
  }

  function metadata(): Record<string, unknown> {
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      revocation_endpoint: `${issuer}/revoke`,
      end_session_endpoint: `${issuer}/logout`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    }
  }

  /** RFC 9126, for those whose metadata a test gave `pushed_authorization_request_endpoint`. */
  async function pushed(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = `urn:ietf:params:oauth:request_uri:${randomBytes(12).toString('hex')}`
    pushes.set(name, new URLSearchParams(await textOf(request)))
    json(response, 201, { request_uri: name, expires_in: 60 })
  }

  /** The authorization endpoint: everybody is signed in already, and asks for nothing. */
  function sendBack(asked: URLSearchParams, response: ServerResponse): void {
    provider.authorizations.push(asked)
    const code = secret()
    const redirectUri = asked.get('redirect_uri') ?? ''
    codes.set(code, {
      nonce: asked.get('nonce'),
      challenge: asked.get('code_challenge'),
      redirectUri,
      clientId: asked.get('client_id') ?? '',
    })
    const query = bent(
      new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer }),
      provider.change.response,
    )
    response.writeHead(303, { location: `${redirectUri}?${query.toString()}` }).end()
  }

  async function tokenEndpoint(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fields = new URLSearchParams(await textOf(request))
    provider.tokenCalls.push({ headers: request.headers, fields })
    if (request.headers.authorization !== `Basic ${btoa(`${CLIENT.clientId}:${CLIENT.clientSecret}`)}`)
      return json(response, 401, { error: 'invalid_client' })
    const code = codes.get(fields.get('code') ?? '')
    codes.delete(fields.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(fields.get('code_verifier') ?? '')
      .digest('base64url')
    if (!code || code.challenge !== challenge || code.redirectUri !== fields.get('redirect_uri'))
      return json(response, 400, { error: 'invalid_grant' })
    const accessToken = secret()
    const refreshToken = secret()
    const idToken = await idTokenFor(code, accessToken)
    provider.secrets.push(idToken)
    json(
      response,
      200,
      bent(
        {
          access_token: accessToken,
          token_type: 'Bearer',
          expires_in: LIFE_SECONDS,
          refresh_token: refreshToken,
          id_token: idToken,
          scope: 'openid email profile',
        },
        provider.change.tokens,
      ),
    )
  }

  async function idTokenFor(code: Code, accessToken: string): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const claims = bent<JWTPayload>(
      {
        iss: issuer,
        aud: code.clientId,
        sub: provider.person.sub,
        iat: now,
        exp: now + LIFE_SECONDS,
        auth_time: now,
        sid: `sid-${provider.person.sub}`,
        at_hash: leftHalf(accessToken),
        ...(code.nonce === null ? {} : { nonce: code.nonce }),
      },
      provider.change.claims,
    )
    const header = bent<JWTHeaderParameters>({ alg: 'RS256', kid: key.kid }, provider.change.header)
    return provider.change.sign ? provider.change.sign(claims, header) : provider.signed(claims, header)
  }

  async function publicJwk(): Promise<JWK> {
    return { ...(await exportJWK(key.publicKey)), kid: key.kid, alg: 'RS256', use: 'sig' }
  }

  function secret(): string {
    const made = randomBytes(24).toString('base64url')
    provider.secrets.push(made)
    return made
  }

  function listen(wanted: number): Promise<void> {
    return new Promise((done, failed) => server.once('error', failed).listen(wanted, '127.0.0.1', done))
  }
}

/** `at_hash` (OIDC Core §3.1.3.6) for a token signed by an algorithm of 256 bits. */
export const leftHalf = (token: string): string =>
  createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url')

function bent<T>(honest: T, change: ((honest: T) => void) | undefined): T {
  change?.(honest)
  return honest
}

async function newKey(): Promise<GenerateKeyPairResult & { kid: string }> {
  return { ...(await generateKeyPair('RS256', { extractable: true })), kid: randomBytes(6).toString('hex') }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body))
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
