import type { Clock } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Provider } from '../config/provider-config.ts'
import type { Config } from '../config/types.ts'
import type { CallFailure } from '../providers/call-failure.ts'
import { connectTo, outboundFor } from '../providers/provider-client.ts'
import { pushes, redirectUri } from '../providers/flow.ts'
import { describe } from '../providers/login-failures.ts'
import type { Outbound } from '../providers/outbound.ts'
import { SetUpError, UnfitKey } from '../providers/set-up-error.ts'
import type { ProviderClient } from '../providers/types.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

interface Probe {
  client: ProviderClient
  outbound: Outbound
  publicUrl: string
  /** The last failed call, in the provider's own words. */
  lastFailure: () => CallFailure | null
}

/** Error codes for an unknown client or wrong credentials. */
const UNKNOWN_CLIENT = new Set(['invalid_client', 'unauthorized_client', 'incorrect_client_credentials'])
/** Error codes for an unknown authorization code, which prove that the client was recognised. */
const UNKNOWN_CODE = new Set(['invalid_grant', 'bad_verification_code'])
const OTHER_KEY = 'Use another kind of key, or let the provider accept one of these.'
const KEY_USES = [undefined, 'sig']

/** Checks what a sign-in needs of every provider, without signing anyone in. */
export async function examineProviders(
  config: Pick<Config, 'providers' | 'publicUrl'>,
  clock: Clock,
): Promise<Finding[]> {
  const { providers, publicUrl } = config
  return (await Promise.all(providers.map(provider => examineOne(provider, publicUrl, clock)))).flat()
}

/**
 * For `config check`: whether each client key supports an algorithm that its provider accepts, which only the provider
 * knows.
 */
export async function examineClientKeys({ providers }: Pick<Config, 'providers'>, clock: Clock): Promise<Finding[]> {
  return Promise.all(
    providers
      .filter(provider => provider.privateKey !== null)
      .map(async provider => {
        const outbound = outboundFor(provider, () => {})
        try {
          await connectTo(provider, outbound, clock)
          return ok(`Provider ${provider.id}: its privateKey supports an algorithm of the provider`)
        } catch (error) {
          if (error instanceof UnfitKey) return fail(`Provider ${provider.id}: ${error.message}`, OTHER_KEY)
          const what = `Provider ${provider.id}: the algorithms for its privateKey could not be checked: ${describe(error)}`
          return warn(what, 'Run porchlight doctor for more.')
        } finally {
          await outbound.close()
        }
      }),
  )
}

async function examineOne(provider: Provider, publicUrl: string, clock: Clock): Promise<Finding[]> {
  let failure: CallFailure | null = null
  const outbound = outboundFor(provider, found => {
    failure = found
  })
  try {
    const client = await connectTo(provider, outbound, clock)
    const probe: Probe = { client, outbound, publicUrl, lastFailure: () => failure }
    const where = provider.endpoints === null ? `found at ${provider.issuer}` : 'its endpoints are in the configuration'
    return [ok(`Provider ${provider.id}: ${where}`), ...(await judgeKeys(probe)), ...(await judgeClient(probe))]
  } catch (error) {
    return [
      fail(
        `Provider ${provider.id} cannot be used: ${describeFailure(failure) ?? describe(error)}`,
        adviceFor(provider, error, failure),
      ),
    ]
  } finally {
    await outbound.close()
  }
}

function adviceFor({ issuer }: Provider, error: unknown, failure: CallFailure | null): string {
  if (error instanceof UnfitKey) return OTHER_KEY
  return error instanceof SetUpError && (failure === null || failure.code === null)
    ? `Compare issuer (${issuer}) with what the provider calls itself; they must match exactly.`
    : 'Check that it is running and reachable from this machine: name, proxy, and NODE_EXTRA_CA_CERTS for a private certificate authority.'
}

/** The provider's own words, with the URL that returned them. */
function describeFailure(failure: CallFailure | null): string | null {
  if (failure === null) return null
  const { method, url, status, error, errorDescription, code } = failure
  return [`${method} ${url}`, status ?? code ?? 'no answer', error, errorDescription]
    .filter(part => part !== null)
    .join(' · ')
}

async function judgeKeys({ client: { provider, configuration }, outbound, lastFailure }: Probe): Promise<Finding[]> {
  const url = configuration.serverMetadata().jwks_uri
  if (url === undefined) return []
  const advice = `Its keys must be at ${url}; without them no ID token can be trusted.`
  const bad = (what: string) => [fail(`Provider ${provider.id}: ${what}`, advice)]
  try {
    const answer = await outbound.fetch(url, { method: 'GET', headers: { accept: 'application/json' } })
    if (answer.status !== 200) return bad(describeFailure(lastFailure()) ?? `its keys answer ${answer.status}`)
    const body = (await answer.json().catch(() => null)) as { keys?: unknown } | null
    const keys = Array.isArray(body?.keys) ? (body.keys as { use?: string }[]) : []
    const { length } = keys.filter(key => KEY_USES.includes(key?.use))
    if (length === 0) return bad('it publishes no signing key')
    return [ok(`Provider ${provider.id}: ${length === 1 ? 'one key' : `${length} keys`} for verifying signatures`)]
  } catch (error) {
    return bad(describeFailure(lastFailure()) ?? describe(error))
  }
}

/** Uses a pushed request if supported, which also checks the redirect URI, or else a made-up authorization code. */
async function judgeClient(probe: Probe): Promise<Finding[]> {
  const { client, publicUrl } = probe
  const { provider } = client
  const address = redirectUri(publicUrl, provider.id)
  if (pushes(client)) return [await judgePushed(probe, address)]
  const unchecked = `Provider ${provider.id}: register exactly this redirect URI, which cannot be checked from here: ${address}`
  return [await judgeCredentials(probe, address), ok(unchecked)]
}

async function judgePushed({ client, lastFailure }: Probe, address: string): Promise<Finding> {
  const { provider, openid, configuration } = client
  try {
    await openid.buildAuthorizationUrlWithPAR(configuration, {
      ...provider.parameters,
      redirect_uri: address,
      scope: provider.scopes.join(' '),
      state: randomId(32),
      nonce: randomId(32),
      code_challenge: await openid.calculatePKCECodeChallenge(randomId(32)),
      code_challenge_method: 'S256',
    })
    return ok(`Provider ${provider.id}: it accepts this site, its credentials and the redirect URI`)
  } catch (error) {
    if (isUnknownClient(client, error)) return unknownClient(client, lastFailure())
    return fail(
      `Provider ${provider.id} refuses to start a sign-in: ${describeFailure(lastFailure()) ?? describe(error)}`,
      `Register exactly this redirect URI: ${address}. Otherwise compare scopes and parameters with the client's registration.`,
    )
  }
}

async function judgeCredentials({ client, lastFailure }: Probe, address: string): Promise<Finding> {
  const { provider, openid, configuration } = client
  const known = ok(`Provider ${provider.id}: it accepts this site and its credentials`)
  try {
    const madeUp = { code: `doctor-${randomId(16)}`, redirect_uri: address, code_verifier: randomId(32) }
    await openid.genericGrantRequest(configuration, 'authorization_code', madeUp)
    const what = `Provider ${provider.id} issues tokens for a made-up code`
    return warn(what, 'Contact its administrator: nobody should use it to sign in.')
  } catch (error) {
    if (error instanceof openid.ResponseBodyError && UNKNOWN_CODE.has(error.error)) return known
    if (isUnknownClient(client, error)) return unknownClient(client, lastFailure())
    const why = describeFailure(lastFailure()) ?? describe(error)
    return warn(
      `Provider ${provider.id}: its acceptance of this site's credentials could not be checked: ${why}`,
      'Sign in once and check the log for the failing call.',
    )
  }
}

function isUnknownClient({ openid }: ProviderClient, error: unknown): boolean {
  if (error instanceof openid.ResponseBodyError) return error.status === 401 || UNKNOWN_CLIENT.has(error.error)
  return error instanceof openid.WWWAuthenticateChallengeError && error.status === 401
}

function unknownClient({ provider }: ProviderClient, failure: CallFailure | null): Finding {
  const credential = provider.clientAuth === 'private_key_jwt' ? 'the public key registered there' : 'the secret'
  return fail(
    `Provider ${provider.id} does not accept this site's credentials: ${describeFailure(failure) ?? 'no reason given'}`,
    `Compare clientId (${provider.clientId}), ${credential} and clientAuth (${provider.clientAuth}) with its registration.`,
  )
}
