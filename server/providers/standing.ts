import type { UnixMs } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Role } from '../contract/wire.ts'
import { type Claims, memberOf, merged, subjectOf } from './claims.ts'
import { dpopOption } from './dpop.ts'
import { FailedCheck } from './flow.ts'
import { hasOverage, lacksRoles, rolesOf, whyMissing } from './role-claims.ts'
import type { Refreshed, Standing, TokenOwner } from './token-client-types.ts'
import type { ProviderClient } from './types.ts'
import { fetchUserInfo } from './user-info.ts'

interface Surroundings {
  now: UnixMs
  log: Log
}

/**
 * Rechecks a user after a refresh. What cannot be determined now changes nothing, and is left to the next time.
 * @throws Error if user-info is needed but does not answer
 */
export async function standingOf(
  client: ProviderClient,
  refreshed: Refreshed,
  owner: TokenOwner,
  { now, log }: Surroundings,
): Promise<Standing> {
  const claims = await verifiedClaims(client, refreshed.idToken, owner, { now, log })
  return {
    idToken: claims === null ? null : refreshed.idToken,
    roles: await rolesNow(client, refreshed, owner, claims, { now, log }),
  }
}

/**
 * The verified claims of a refreshed ID token. An invalid or expired one is ignored: the tokens with it were granted
 * all the same.
 * @see OIDC Core §12.2
 */
async function verifiedClaims(
  { provider, keys, algorithms }: ProviderClient,
  idToken: string | null,
  owner: TokenOwner,
  { now, log }: Surroundings,
): Promise<Claims | null> {
  if (idToken === null || keys === null) return null
  try {
    const { payload } = await keys.verify(idToken, 'id_token', {
      algorithms,
      issuer: owner.issuer,
      subject: owner.subject,
      audience: provider.clientId,
      clockTolerance: provider.clockToleranceSeconds,
      currentDate: new Date(now),
    })
    return payload
  } catch (error) {
    log.warn(
      {
        event: 'provider_id_token_ignored',
        provider: provider.id,
        why: error instanceof Error ? error.message : 'unknown',
      },
      'ignored the ID token of a refresh; the other tokens are used',
    )
    return null
  }
}

/** @returns null if no mapping is configured, or if roles cannot be determined */
async function rolesNow(
  client: ProviderClient,
  refreshed: Refreshed,
  owner: TokenOwner,
  claims: Claims | null,
  surroundings: Surroundings,
): Promise<Role[] | null> {
  const { provider } = client
  if (provider.roles === null) return null
  const { roles: mapping } = provider
  const isInIdToken = claims !== null && !lacksRoles(claims, mapping)
  const userInfoClaims = await userInfo(client, refreshed, owner, claims ?? {}, surroundings).catch(
    (error: unknown) => {
      if (isInIdToken) return {}
      throw error
    },
  )
  const all = merged(userInfoClaims, claims ?? {})
  const isComplete = claims !== null || provider.kind === 'oauth2'
  // Without a new ID token, a claim missing in user-info may have been in the first ID token only.
  if (lacksRoles(all, mapping) && (!isComplete || hasOverage(all, mapping.claim))) {
    surroundings.log.warn(
      { event: 'provider_roles_unknown', provider: provider.id, claim: mapping.claim, why: whyMissing(all, mapping) },
      'failed to recheck the roles of an account; they stay',
    )
    return null
  }
  return rolesOf(all, mapping)
}

async function userInfo(
  client: ProviderClient,
  { tokens }: Refreshed,
  owner: TokenOwner,
  claims: Claims,
  { now, log }: Surroundings,
): Promise<Claims> {
  const { provider, openid, configuration } = client
  const option = await dpopOption(client, tokens.dpopKey)
  const { accessToken } = tokens
  if (provider.kind === 'oidc')
    return fetchUserInfo(client, { accessToken, claims, subject: owner.subject, option, now }, log)
  const url = new URL(provider.endpoints?.userInfo ?? '')
  const response = await openid.fetchProtectedResource(
    configuration,
    accessToken,
    url,
    'GET',
    null,
    new Headers({ accept: 'application/json' }),
    option,
  )
  if (response.status !== 200) throw new FailedCheck(`user info answered ${response.status}`)
  const body: unknown = await response.json()
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new FailedCheck('user info is not an object')
  if (subjectOf(memberOf(body as Claims, provider.fields.subject)) !== owner.subject)
    throw new FailedCheck('user info is about another person')
  return body as Claims
}
