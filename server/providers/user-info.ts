import type * as openid from 'openid-client'
import type { UnixMs } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { type Provider, SIGNATURE_ALGS } from '../config/provider-config.ts'
import type { Claims } from './claims.ts'
import { FailedCheck } from './flow.ts'
import { printable } from './printable.ts'
import { lacksRoles } from './role-claims.ts'
import type { ProviderClient } from './types.ts'

/**
 * Why user-info returned nothing: `refused`, because it rejects this kind of token, as Entra and ADFS do for another
 * API's · `trouble`, because it is down · `unreadable`, because the response is not user-info.
 */
type Failure = 'refused' | 'trouble' | 'unreadable'

interface UserInfoRequest {
  accessToken: string
  /** The ID token's claims, which user-info complements. */
  claims: Claims
  subject: string
  option: openid.DPoPOptions
  now: UnixMs
}

/**
 * The user-info claims that complement the ID token; empty if the ID token suffices and user-info failed.
 * @throws Problem, FailedCheck if it is about another user, has an invalid signature, or failed and is needed
 * @see OIDC Core §5.3
 */
export async function fetchUserInfo(client: ProviderClient, request: UserInfoRequest, log: Log): Promise<Claims> {
  const { provider, configuration } = client
  const endpoint = configuration.serverMetadata().userinfo_endpoint
  if (endpoint === undefined || !provider.userInfo) return {}
  const found = await answerOf(client, endpoint, request)
  if (!('failure' in found)) return checked(client, found, request)
  if (!suffices(request.claims, found.failure, provider.roles)) throw found.problem
  const fields = { event: 'provider_user_info_skipped' as const, provider: provider.id, why: found.why }
  log.warn(fields, 'user info failed; signing in with the ID token alone')
  return {}
}

/**
 * Whether a sign-in can go on without user-info. Roles are never guessed: the claim that they are mapped from has to be
 * in the ID token.
 */
function suffices(claims: Claims, failure: Failure, roles: Provider['roles']): boolean {
  if (roles !== null && lacksRoles(claims, roles)) return false
  // A refusal is permanent, whereas user-info that is down would later have provided the name and address for a new
  // account.
  return (
    failure === 'refused' ||
    (claims['email'] !== undefined && (claims['name'] ?? claims['preferred_username']) !== undefined)
  )
}

type Found = { claims: Claims } | { jwt: string } | { failure: Failure; why: string; problem: Error }

async function answerOf(
  client: ProviderClient,
  endpoint: string,
  { accessToken, option, claims }: UserInfoRequest,
): Promise<Found> {
  const { provider, openid, configuration } = client
  const headers = new Headers({ accept: 'application/json, application/jwt' })
  let response: Response
  try {
    response = await openid.fetchProtectedResource(
      configuration,
      accessToken,
      new URL(endpoint),
      'GET',
      null,
      headers,
      option,
    )
  } catch (error) {
    const isAnswer = error instanceof openid.WWWAuthenticateChallengeError
    if (!isAnswer) return { failure: 'trouble', why: 'the call failed', problem: error as Error }
    response = error.response
  }
  const { status } = response
  const why = `user info answered ${status}`
  const problem = (code: Problem['code'], cause: string) =>
    new Problem(code, { provider: provider.id }, new FailedCheck(cause))
  if (status === 429 || status === 408 || status >= 500)
    return { failure: 'trouble', why, problem: problem('provider_unavailable', why) }
  if (status >= 400)
    return { failure: 'refused', why, problem: problem('provider_misconfigured', why + whatLacks(provider, claims)) }
  const body = status === 200 ? await bodyOf(response) : null
  if (body !== null) return body
  return {
    failure: 'unreadable',
    why,
    problem: new FailedCheck(status === 200 ? 'user info is neither a JSON object nor a JWT' : why),
  }
}

function whatLacks({ roles }: Provider, claims: Claims): string {
  const isMissing = roles !== null && lacksRoles(claims, roles)
  return isMissing ? `, and the ID token has no claim ${roles.claim}` : ''
}

async function bodyOf(response: Response): Promise<{ claims: Claims } | { jwt: string } | null> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  const text = await response.text()
  if (type === 'application/jwt') return { jwt: text.trim() }
  if (type !== 'application/json') return null
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { claims: parsed as Claims } : null
  } catch {
    return null
  }
}

async function checked(
  client: ProviderClient,
  found: { claims: Claims } | { jwt: string },
  { subject, now }: UserInfoRequest,
): Promise<Claims> {
  const claims = 'jwt' in found ? await verified(client, found.jwt, now) : found.claims
  // User-info about another user must be ignored (OI-8).
  if (claims['sub'] !== subject) throw new FailedCheck('user info is about another person (sub)')
  return claims
}

/**
 * Some providers sign it if the client is registered so, whatever their metadata say, and roles may depend on it.
 * @see OIDC Core §5.3.2: `iss` and `aud` should be present
 */
async function verified({ provider, keys, configuration }: ProviderClient, jwt: string, now: UnixMs): Promise<Claims> {
  if (keys === null) throw new FailedCheck('the provider has no keys')
  const { userinfo_signing_alg_values_supported: listed } = configuration.serverMetadata()
  const usable = Array.isArray(listed) ? SIGNATURE_ALGS.filter(alg => listed.includes(alg)) : []
  const { payload } = await keys.verify(jwt, 'id_token', {
    algorithms: usable.length === 0 ? [...SIGNATURE_ALGS] : usable,
    clockTolerance: provider.clockToleranceSeconds,
    currentDate: new Date(now),
  })
  const { iss, aud } = payload
  const differs = (what: string, expected: string, got: string) =>
    new FailedCheck(`user info has another ${what}: expected ${expected}, got ${printable(got)}`)
  if (iss !== undefined && iss !== provider.issuer) throw differs('issuer', provider.issuer, iss)
  const sites = [aud ?? provider.clientId].flat()
  if (!sites.includes(provider.clientId)) throw differs('site', provider.clientId, sites.join(' '))
  return payload
}
