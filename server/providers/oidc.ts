import { hash } from 'node:crypto'
import { type Clock, SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { instantOf } from '../base/numbers.ts'
import { amrOf, type Claims, emailOf, isTrue, merged, nameOf, subjectOf } from './claims.ts'
import { authorizationUrl, dpopKeyFor, FailedCheck, type Flow, redirectUri, secretsOf, toTokens } from './flow.ts'
import { asLoginProblem } from './login-failures.ts'
import { reportMissing, rolesOf } from './role-claims.ts'
import type { Transaction } from './transactions.ts'
import { fetchUserInfo } from './user-info.ts'
import type { ProviderProfile, ProviderClient } from './types.ts'

/**
 * OpenID Connect: authorization code with PKCE, state and nonce.
 * @see OIDC Core §3.1 · RFC 7636 · RFC 9126 · RFC 9207 · RFC 9700 §2.1
 */
export function createOidc({ clock, publicUrl, log }: { clock: Clock; publicUrl: string; log: Log }): Flow {
  const now = () => clock.now().wall

  async function begin(client: ProviderClient, { verifier, nonce, state, purpose }: Transaction): Promise<string> {
    const { provider, openid } = client
    return authorizationUrl(client, {
      ...provider.parameters,
      redirect_uri: redirectUri(publicUrl, provider.id),
      scope: provider.scopes.join(' '),
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(purpose.kind === 'reauthenticate' ? { prompt: 'login', max_age: '0' } : {}),
    })
  }

  async function finish(client: ProviderClient, transaction: Transaction, search: string): ReturnType<Flow['finish']> {
    const { provider, openid, configuration } = client
    const callback = new URL(redirectUri(publicUrl, provider.id))
    callback.search = search
    const { key, option } = await dpopKeyFor(client)
    const askedAt = now()
    const answer = await openid.authorizationCodeGrant(
      configuration,
      callback,
      {
        pkceCodeVerifier: transaction.verifier,
        expectedState: transaction.state,
        expectedNonce: transaction.nonce,
        idTokenExpected: true,
      },
      undefined,
      option,
    )
    const tokens = toTokens(answer, key, askedAt)
    const claims = await checkIdToken(client, transaction, tokens.idToken ?? '', tokens.accessToken)
    const subject = typeof claims['sub'] === 'string' ? subjectOf(claims['sub']) : null
    if (subject === null) throw new FailedCheck('the ID token has no usable sub')
    const userInfo = await fetchUserInfo(
      client,
      { accessToken: tokens.accessToken, claims, subject, option, now: now() },
      log,
    )
    const all = merged(userInfo, claims)
    reportMissing(log, provider, all)
    return { person: toProfile(client, subject, all), tokens }
  }

  /** openid-client has checked iss, aud, nonce, exp and nbf. This checks the signature, azp, at_hash and the times. */
  async function checkIdToken(
    { provider, keys, algorithms }: ProviderClient,
    { begunAt, purpose }: Transaction,
    idToken: string,
    accessToken: string,
  ): Promise<Claims> {
    if (keys === null) throw new FailedCheck('the provider has no keys')
    const clockTolerance = provider.clockToleranceSeconds
    const { payload, alg } = await keys.verify(idToken, 'id_token', {
      algorithms,
      issuer: provider.issuer,
      audience: provider.clientId,
      clockTolerance,
      currentDate: new Date(now()),
    })
    const { iat, azp, at_hash: atHash, auth_time: authTime } = payload
    if (azp !== undefined && azp !== provider.clientId)
      throw new FailedCheck('the ID token was issued for another site (azp)')
    const toleranceMs = clockTolerance * SECOND
    if (iat === undefined || iat * SECOND > now() + toleranceMs)
      throw new FailedCheck('the ID token is from the future (iat)')
    if (iat * SECOND < begunAt - toleranceMs - SECOND)
      throw new FailedCheck('the ID token is older than the sign-in (iat)')
    if (atHash !== undefined && atHash !== halfHash(alg, accessToken))
      throw new FailedCheck('the ID token belongs to another access token (at_hash)')
    if (authTime !== undefined && (typeof authTime !== 'number' || authTime * SECOND > now() + toleranceMs))
      throw new FailedCheck('the ID token has a sign-in time in the future (auth_time)')
    // Without auth_time the token does not prove a fresh sign-in, but is not invalid.
    if (
      purpose.kind === 'reauthenticate' &&
      authTime !== undefined &&
      authTime * SECOND < begunAt - toleranceMs - SECOND
    )
      throw new FailedCheck('the person was not asked to sign in again (auth_time)')
    return payload
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

function toProfile({ provider }: ProviderClient, subject: string, claims: Claims): ProviderProfile {
  const email = emailOf(claims['email'])
  const authTime = claims['auth_time']
  return {
    provider: provider.id,
    issuer: provider.issuer,
    subject,
    email,
    emailVerified: email !== null && isTrue(claims['email_verified']),
    name: nameOf(claims['name']) ?? nameOf(claims['preferred_username']),
    label: null,
    roles: rolesOf(claims, provider.roles),
    authTime: instantOf(authTime),
    amr: amrOf(claims['amr']),
    providerSid: typeof claims['sid'] === 'string' && claims['sid'].length <= 255 ? claims['sid'] : null,
  }
}

/** The left half of the access token's hash, with the signature's hash algorithm (OIDC Core §3.1.3.6). */
function halfHash(alg: string, accessToken: string): string {
  const bits = /(256|384|512)$/.exec(alg)?.[1] ?? '512'
  const digest = hash(`sha${bits}`, accessToken, 'buffer')
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
