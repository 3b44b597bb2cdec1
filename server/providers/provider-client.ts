import type * as openid from 'openid-client'
import type { Clock, UnixMs } from '../base/clock.ts'
import type { Secret } from '../base/secret.ts'
import { isLoopback } from '../config/address.ts'
import { type ClientKey, readClientKey } from '../config/client-key.ts'
import { type Endpoints, type Provider, SIGNATURE_ALGS } from '../config/provider-config.ts'
import { conforming } from './answers.ts'
import type { CallFailure } from './call-failure.ts'
import { chooseAlgorithm, privateKeyJwt, unfit } from './client-assertion.ts'
import { createProviderKeys, namesOf } from './provider-keys.ts'
import { asLoginProblem, describe } from './login-failures.ts'
import { createOutbound, type Outbound } from './outbound.ts'
import { printable } from './printable.ts'
import { SetUpError, UnfitKey } from './set-up-error.ts'
import type { ProviderClient } from './types.ts'

const TIMEOUT_SECONDS = 10
/**
 * Creates the outbound client of a provider: configured endpoints are trusted, those that it names itself only where
 * that is safe.
 */
export function outboundFor(provider: Provider, report: (failure: CallFailure) => void): Outbound {
  const written =
    provider.endpoints === null
      ? [provider.issuer]
      : Object.values(provider.endpoints).filter(endpoint => endpoint !== null)
  const hosts = [provider.issuer, ...written]
    .filter(url => URL.canParse(url))
    .map(url => new URL(url).hostname.replace(/^\[|\]$/g, ''))
  return createOutbound({ trusted: [...new Set(hosts)], mayBePlain: written.some(isPlain), report })
}

/**
 * Discovers a provider's endpoints, or takes them from the configuration.
 * @throws Error if the provider does not answer or its metadata cannot be used, with a message for the log that
 * contains no secret
 */
export async function connectTo(provider: Provider, outbound: Outbound, clock: Clock): Promise<ProviderClient> {
  const lib = await import('openid-client')
  const now = () => clock.now().wall
  const metadata = { [lib.clockTolerance]: provider.clockToleranceSeconds }
  const key = provider.privateKey === null ? null : mustHaveKey(provider.privateKey)
  const auth = clientAuth(lib, provider, key)
  const mayBePlain =
    provider.endpoints === null
      ? isPlain(provider.issuer)
      : Object.values(provider.endpoints).some(endpoint => endpoint !== null && isPlain(endpoint))
  const configuration =
    provider.endpoints === null
      ? await discover(lib, provider, metadata, auth, { outbound, now })
      : new lib.Configuration(byHand(provider.issuer, provider.endpoints), provider.clientId, metadata, auth)
  configuration[lib.customFetch] = conforming(outbound.fetch)
  configuration.timeout = TIMEOUT_SECONDS
  if (mayBePlain) lib.allowInsecureRequests(configuration)
  const known = configuration.serverMetadata()
  const listed = known.token_endpoint_auth_signing_alg_values_supported
  if (key !== null && chooseAlgorithm(key, listed) === null) throw new UnfitKey(unfit(key, listed))
  return {
    provider,
    openid: lib,
    configuration,
    keys: keysOf(known, outbound, clock),
    algorithms: provider.idTokenAlg === null ? algorithmsOf(known) : namesOf(provider.idTokenAlg),
    now,
  }
}

async function discover(
  lib: typeof openid,
  provider: Provider,
  metadata: Partial<openid.ClientMetadata>,
  auth: openid.ClientAuth,
  { outbound, now }: { outbound: Outbound; now: () => UnixMs },
): Promise<openid.Configuration> {
  const configuration = await lib
    .discovery(new URL(provider.issuer), provider.clientId, metadata, auth, {
      [lib.customFetch]: conforming(outbound.fetch),
      timeout: TIMEOUT_SECONDS,
      execute: isPlain(provider.issuer) ? [lib.allowInsecureRequests] : [],
    })
    .catch((error: unknown) => {
      const { code } = asLoginProblem({ openid: lib, provider, now }, error, [])
      // A server that answers without a discovery document is not a provider.
      throw code === 'provider_unavailable'
        ? error
        : new SetUpError(`there is no discovery document of ${provider.issuer}: ${describe(error)}`)
    })
  const found = configuration.serverMetadata()
  // openid-client tolerates a trailing slash, but the `iss` of an ID token would not match (OI-1).
  if (found.issuer !== provider.issuer) throw new SetUpError(otherIssuer(provider.issuer, found.issuer))
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    if (found[name] === undefined) throw new SetUpError(`the discovery document has no ${name}`)
  }
  for (const name of [
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'userinfo_endpoint',
    'end_session_endpoint',
    'revocation_endpoint',
    'pushed_authorization_request_endpoint',
  ] as const) {
    const endpoint = found[name]
    if (endpoint !== undefined && !isUsable(endpoint, isPlain(provider.issuer)))
      throw new SetUpError(`the ${name} of the discovery document is not an https address: ${printable(endpoint)}`)
  }
  return configuration
}

/** For the log: the setting has to be spelt exactly as in the document. */
function otherIssuer(expected: string, got: unknown): string {
  return `the discovery document has another issuer: expected ${expected}, got ${printable(got)}`
}

/** Browsers are redirected to some of these, so only web URLs are allowed. */
function isUsable(endpoint: unknown, mayBePlain: boolean): boolean {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return false
  const { protocol, hostname, username, password } = new URL(endpoint)
  return (
    username === '' &&
    password === '' &&
    (protocol === 'https:' || (mayBePlain && protocol === 'http:' && isLoopback(hostname)))
  )
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

function clientAuth(
  lib: typeof openid,
  { clientAuth: kind, clientSecret }: Provider,
  key: ClientKey | null,
): openid.ClientAuth {
  switch (kind) {
    case 'client_secret_basic':
      return secretBasic(clientSecret?.reveal() ?? '')
    case 'client_secret_post':
      return lib.ClientSecretPost(clientSecret?.reveal() ?? '')
    case 'private_key_jwt':
      return privateKeyJwt(lib, key)
    case 'none':
      return lib.None()
    default:
      return kind satisfies never
  }
}

/** The configuration has validated it. */
function mustHaveKey(text: Secret): ClientKey {
  const key = readClientKey(text)
  if (key === null) throw new SetUpError('the private key cannot be used')
  return key
}

/**
 * openid-client escapes more than form encoding does, such as dashes, which providers that do not decode the secret
 * reject.
 * @see RFC 6749 §2.3.1 · WHATWG URL §5.2
 */
function secretBasic(secret: string): openid.ClientAuth {
  const escaped = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return (_server, client, _body, headers) => {
    headers.set(
      'authorization',
      `Basic ${Buffer.from(`${escaped(client.client_id)}:${escaped(secret)}`).toString('base64')}`,
    )
  }
}

function keysOf({ jwks_uri: url }: openid.ServerMetadata, outbound: Outbound, clock: Clock): ProviderClient['keys'] {
  return url === undefined ? null : createProviderKeys({ url, fetch: outbound.fetch, clock })
}

/** Defaults to RS256 if the metadata list none (OIDC Core §3.1.3.7). */
function algorithmsOf({ id_token_signing_alg_values_supported: listed }: openid.ServerMetadata): string[] {
  const usable = Array.isArray(listed) ? SIGNATURE_ALGS.filter(alg => listed.includes(alg)) : []
  return usable.length === 0 ? ['RS256'] : usable
}

function isPlain(address: string): boolean {
  return address.startsWith('http:')
}
