import { createPrivateKey } from 'node:crypto'
import type * as openid from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { isLoopback } from '../config/address.ts'
import type { Endpoints, Provider } from '../config/provider.ts'
import { conforming } from './answers.ts'
import { createProviderKeys } from './keys.ts'
import { createOutbound, type Outbound } from './outbound.ts'
import { SIGNATURES } from './signatures.ts'
import type { ProviderClient } from './types.ts'

const TIMEOUT_SECONDS = 10
/** How calls to a provider leave: its own endpoints as they are configured, what it names itself only where that is safe. */
export function outboundFor(provider: Provider): Outbound {
  const written = provider.endpoints === null ? [provider.issuer] : Object.values(provider.endpoints).filter(one => one !== null)
  const hosts = [provider.issuer, ...written].filter(one => URL.canParse(one)).map(one => new URL(one).hostname.replace(/^\[|\]$/g, ''))
  return createOutbound({ trusted: [...new Set(hosts)], mayBePlain: written.some(isPlain) })
}

/** Asks the provider where everything is, or takes the configuration's word for it.
 * @throws Error when it does not answer, or what it says cannot be used: with a message for the log and no secret in it */
export async function connectTo(provider: Provider, outbound: Outbound, clock: Clock): Promise<ProviderClient> {
  const lib = await import('openid-client')
  const metadata = { [lib.clockTolerance]: provider.clockToleranceSeconds }
  const auth = await clientAuth(lib, provider)
  const mayBePlain = provider.endpoints === null ? isPlain(provider.issuer) : Object.values(provider.endpoints).some(one => one !== null && isPlain(one))
  const configuration = provider.endpoints === null
    ? await discover(lib, provider, metadata, auth, outbound)
    : new lib.Configuration(byHand(provider.issuer, provider.endpoints), provider.clientId, metadata, auth)
  configuration[lib.customFetch] = conforming(outbound.fetch)
  configuration.timeout = TIMEOUT_SECONDS
  if (mayBePlain) lib.allowInsecureRequests(configuration)
  const known = configuration.serverMetadata()
  return { provider, openid: lib, configuration, keys: keysOf(known, outbound, clock), algorithms: algorithmsOf(known) }
}

async function discover(lib: typeof openid, provider: Provider, metadata: Partial<openid.ClientMetadata>, auth: openid.ClientAuth, outbound: Outbound): Promise<openid.Configuration> {
  const configuration = await lib.discovery(new URL(provider.issuer), provider.clientId, metadata, auth, {
    [lib.customFetch]: conforming(outbound.fetch), timeout: TIMEOUT_SECONDS, execute: isPlain(provider.issuer) ? [lib.allowInsecureRequests] : [],
  })
  const found = configuration.serverMetadata()
  // openid-client forgives a slash at the end, which an ID token's `iss` then would not (OI-1).
  if (found.issuer !== provider.issuer) throw new Error('the discovery document is of another issuer: the setting has to be spelt exactly as it says')
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    if (found[name] === undefined) throw new Error(`the discovery document has no ${name}`)
  }
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint', 'end_session_endpoint', 'revocation_endpoint', 'pushed_authorization_request_endpoint'] as const) {
    const endpoint = found[name]
    if (endpoint !== undefined && !isUsable(endpoint, isPlain(provider.issuer))) throw new Error(`the ${name} of the discovery document is no https address`)
  }
  return configuration
}

/** A browser is sent to some of them: nothing but an address of the web may stand there. */
function isUsable(endpoint: unknown, mayBePlain: boolean): boolean {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return false
  const { protocol, hostname, username, password } = new URL(endpoint)
  return username === '' && password === '' && (protocol === 'https:' || (mayBePlain && protocol === 'http:' && isLoopback(hostname)))
}

function byHand(issuer: string, endpoints: Endpoints): openid.ServerMetadata {
  return {
    issuer,
    authorization_endpoint: endpoints.authorization,
    token_endpoint: endpoints.token,
    userinfo_endpoint: endpoints.userInfo,
    ...(endpoints.revocation === null ? {} : { revocation_endpoint: endpoints.revocation }),
  }
}

async function clientAuth(lib: typeof openid, { clientAuth: kind, clientSecret, privateKey }: Provider): Promise<openid.ClientAuth> {
  switch (kind) {
    case 'client_secret_basic': return secretBasic(clientSecret?.reveal() ?? '')
    case 'client_secret_post': return lib.ClientSecretPost(clientSecret?.reveal() ?? '')
    case 'private_key_jwt': return lib.PrivateKeyJwt(await signingKey(privateKey?.reveal() ?? ''))
    case 'none': return lib.None()
    default: return kind satisfies never
  }
}

/** openid-client's own escapes more than a form would, dashes too, and providers that take a secret as it came then refuse it.
 * @see RFC 6749 §2.3.1 · WHATWG URL §5.2 */
function secretBasic(secret: string): openid.ClientAuth {
  const escaped = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return (_server, client, _body, headers) => {
    headers.set('authorization', `Basic ${Buffer.from(`${escaped(client.client_id)}:${escaped(secret)}`).toString('base64')}`)
  }
}

/** The configuration has checked that it is a private key of one of these kinds. */
async function signingKey(text: string): Promise<openid.PrivateKey> {
  const { importPKCS8 } = await import('jose')
  const jwk = text.trim().startsWith('{') ? JSON.parse(text) : null
  const key = jwk === null ? createPrivateKey(text) : createPrivateKey({ key: jwk, format: 'jwk' })
  const alg = key.asymmetricKeyType === 'ec' ? 'ES256' : key.asymmetricKeyType === 'ed25519' ? 'Ed25519' : 'RS256'
  const imported = await importPKCS8(key.export({ type: 'pkcs8', format: 'pem' }).toString(), alg)
  // A provider that knows several keys of ours finds the right one by its id.
  return { key: imported, ...(typeof jwk?.kid === 'string' ? { kid: jwk.kid } : {}) }
}

function keysOf({ jwks_uri: url }: openid.ServerMetadata, outbound: Outbound, clock: Clock): ProviderClient['keys'] {
  return url === undefined ? null : createProviderKeys({ url, fetch: outbound.fetch, clock })
}

/** Without a word about it, RS256 it is (OIDC Core §3.1.3.7). */
function algorithmsOf({ id_token_signing_alg_values_supported: said }: openid.ServerMetadata): string[] {
  const usable = Array.isArray(said) ? SIGNATURES.filter(alg => said.includes(alg)) : []
  return usable.length === 0 ? ['RS256'] : usable
}

function isPlain(address: string): boolean {
  return address.startsWith('http:')
}
