import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { type Claims, emailOf, isTrue, memberOf, nameOf, subjectOf } from './claims.ts'
import { authorizationUrl, dpopKeyFor, FailedCheck, type Flow, redirectUri, secretsOf, toTokens } from './flow.ts'
import { asLoginProblem } from './login-failures.ts'
import { reportMissing, rolesOf } from './role-claims.ts'
import type { Transaction } from './transactions.ts'
import type { ProviderProfile, ProviderClient } from './types.ts'

type FetchJson = (url: string) => Promise<unknown>

/**
 * OAuth without OpenID Connect: users are identified by calling user-info with the access token.
 * @see RFC 6749 §4.1 · RFC 7636 · RFC 9207
 */
export function createOauth2({ clock, log, publicUrl }: { clock: Clock; log: Log; publicUrl: string }): Flow {
  async function begin(client: ProviderClient, { verifier, state }: Transaction): Promise<string> {
    const { provider, openid } = client
    return authorizationUrl(client, {
      ...provider.parameters,
      redirect_uri: redirectUri(publicUrl, provider.id),
      ...(provider.scopes.length === 0 ? {} : { scope: provider.scopes.join(' ') }),
      state,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
  }

  async function finish(client: ProviderClient, transaction: Transaction, search: string): ReturnType<Flow['finish']> {
    const { provider, openid, configuration } = client
    const callback = new URL(redirectUri(publicUrl, provider.id))
    callback.search = search
    // Without a configured issuer there is nothing to compare; the redirect URI per provider keeps responses apart (RFC
    // 9700 §4.4.2.2).
    if (!URL.canParse(provider.issuer) || provider.issuer.includes('#')) callback.searchParams.delete('iss')
    const { key, option } = await dpopKeyFor(client)
    const askedAt = clock.now().wall
    const answer = await openid.authorizationCodeGrant(
      configuration,
      callback,
      { pkceCodeVerifier: transaction.verifier, expectedState: transaction.state },
      undefined,
      option,
    )
    const tokens = toTokens(answer, key, askedAt)
    const fetchJson: FetchJson = async url => {
      const response = await openid.fetchProtectedResource(
        configuration,
        tokens.accessToken,
        new URL(url),
        'GET',
        null,
        new Headers({ accept: 'application/json' }),
        option,
      )
      if (response.status === 429 || response.status >= 500)
        throw new Problem(
          'provider_unavailable',
          { provider: provider.id },
          new FailedCheck(`user info answered ${response.status}`),
        )
      // The provider has just issued this token, so the endpoint or the scopes must be wrong.
      if (response.status >= 400)
        throw new Problem(
          'provider_misconfigured',
          { provider: provider.id },
          new FailedCheck(`user info answered ${response.status}`),
        )
      if (response.status !== 200) throw new FailedCheck(`user info answered ${response.status}`)
      return response.json().catch(() => {
        throw new FailedCheck('user info is not JSON')
      })
    }
    const { person, claims } = await fetchProfile(client, fetchJson)
    reportMissing(log, provider, claims)
    return { person, tokens }
  }

  return {
    begin: (client, transaction) =>
      begin(client, transaction).catch((error: unknown) => {
        throw asLoginProblem(client, error, secretsOf(transaction))
      }),
    finish: (client, transaction, search) =>
      finish(client, transaction, search).catch((error: unknown) => {
        throw asLoginProblem(client, error, secretsOf(transaction))
      }),
  }
}

async function fetchProfile(
  { provider }: ProviderClient,
  fetchJson: FetchJson,
): Promise<{ person: ProviderProfile; claims: Claims }> {
  const { endpoints, fields } = provider
  const body = await fetchJson(endpoints?.userInfo ?? '')
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new FailedCheck('user info is not an object')
  const claims = body as Claims
  const read = (path: string | null) => (path === null ? undefined : memberOf(claims, path))
  const subject = subjectOf(read(fields.subject))
  if (subject === null) throw new FailedCheck(`user info has no usable ${fields.subject}`)
  const listed = endpoints === null || endpoints.emails === null ? null : primaryOf(await fetchJson(endpoints.emails))
  const email = listed ?? emailOf(read(fields.email))
  const person = {
    provider: provider.id,
    issuer: provider.issuer,
    subject,
    email,
    emailVerified: listed !== null || (email !== null && isTrue(read(fields.emailVerified))),
    name: nameOf(read(fields.name)),
    label: null,
    roles: rolesOf(claims, provider.roles),
    authTime: null,
    amr: ['fed'],
    providerSid: null,
  }
  return { person, claims }
}

/** The primary address of a list, if verified. */
function primaryOf(list: unknown): string | null {
  if (!Array.isArray(list)) throw new FailedCheck('the list of e-mail addresses is not a list')
  const primary = (list as Claims[]).find(address => address?.['primary'] === true && address['verified'] === true)
  return emailOf(primary?.['email'])
}
