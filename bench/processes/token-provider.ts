// The least that an OpenID provider can be: signs anybody in at once, each time as somebody else, and takes a while to
// refresh.
import { createHash, randomBytes } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { argv } from 'node:process'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { TokenProviderOrder } from '../vault.ts'

const { port, refreshMs } = JSON.parse(argv[2] ?? '') as TokenProviderOrder
const issuer = `http://127.0.0.1:${port}`
const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
const codes = new Map<string, { nonce: string; clientId: string }>()
let people = 0
/** Every first token ends then, whenever it was given. */
let endAt = 0
process.on('message', (at: number) => (endAt = at))

const json = (response: ServerResponse, body: unknown) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', issuer)
  switch (url.pathname) {
    case '/.well-known/openid-configuration':
      json(response, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      })
      break
    case '/jwks':
      json(response, { keys: [jwk] })
      break
    case '/authorize': {
      const code = randomBytes(16).toString('hex')
      codes.set(code, { nonce: url.searchParams.get('nonce') ?? '', clientId: url.searchParams.get('client_id') ?? '' })
      response
        .writeHead(303, {
          location: `${url.searchParams.get('redirect_uri')}?${new URLSearchParams({ code, state: url.searchParams.get('state') ?? '' }).toString()}`,
        })
        .end()
      break
    }
    default:
      await tokens(request, response)
  }
}

async function tokens(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const fields = new URLSearchParams(body)
  const given = {
    access_token: randomBytes(32).toString('base64url'),
    refresh_token: randomBytes(32).toString('base64url'),
    token_type: 'Bearer',
  }
  if (fields.get('grant_type') === 'refresh_token') {
    await new Promise(done => setTimeout(done, refreshMs))
    return void json(response, { ...given, expires_in: 3600 })
  }
  const code = codes.get(fields.get('code') ?? '')
  codes.delete(fields.get('code') ?? '')
  const at_hash = createHash('sha256').update(given.access_token).digest().subarray(0, 16).toString('base64url')
  const idToken = await new SignJWT({ nonce: code?.nonce, at_hash })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuer(issuer)
    .setAudience(code?.clientId ?? '')
    .setSubject(`person-${people++}`)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  json(response, {
    ...given,
    id_token: idToken,
    expires_in: endAt === 0 ? 3600 : Math.max(1, Math.round((endAt - Date.now()) / 1000)),
  })
}

http
  .createServer((request, response) => void answer(request, response))
  .listen(port, '127.0.0.1', () => process.send?.('listening'))
