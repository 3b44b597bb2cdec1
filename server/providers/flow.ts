import { SECOND, type UnixMs } from '../base/clock.ts'
import type * as openid from 'openid-client'
import { idTokenOf } from './answers.ts'
import type { Transaction } from './transactions.ts'
import type { ProviderProfile, ProviderClient, ProviderTokens } from './types.ts'

/** One way of signing in at a provider, without cookies and HTTP of ours. */
export interface Flow {
  /**
   * @returns where the browser goes @throws Problem `provider_unavailable`, `provider_refused`,
   * `provider_answer_invalid`
   */
  begin(client: ProviderClient, transaction: Transaction): Promise<string>
  /**
   * Trades the code of a callback and checks all that comes of it.
   * @throws the same, and `login_expired`
   */
  finish(
    client: ProviderClient,
    transaction: Transaction,
    search: string,
  ): Promise<{ person: ProviderProfile; tokens: ProviderTokens }>
}

/** A check of ours that an answer fails: which one is for the log. */
export class FailedCheck extends Error {
  override readonly name = 'FailedCheck'
}

/** One for each provider (OA-10): an answer that was meant for another cannot be taken for this one's. */
export function redirectUri(publicUrl: string, providerId: string): string {
  return `${publicUrl}/auth/callback/${providerId}`
}

/** Whether a sign-in there begins with a call of ours (RFC 9126). */
export function pushes({ configuration }: ProviderClient): boolean {
  return configuration.serverMetadata().pushed_authorization_request_endpoint !== undefined
}

export async function authorizationUrl(client: ProviderClient, parameters: Record<string, string>): Promise<string> {
  const { openid, configuration } = client
  const url = pushes(client)
    ? await openid.buildAuthorizationUrlWithPAR(configuration, parameters)
    : openid.buildAuthorizationUrl(configuration, parameters)
  return url.href
}

/** The key that a sign-in's tokens are bound to, new each time. */
export async function dpopKeyFor({
  provider,
  openid,
  configuration,
}: ProviderClient): Promise<{ key: ProviderTokens['dpopKey']; option: openid.DPoPOptions }> {
  if (!provider.dpop) return { key: null, option: {} }
  const pair = await openid.randomDPoPKeyPair('ES256', { extractable: true })
  return {
    key: (await crypto.subtle.exportKey('jwk', pair.privateKey)) as ProviderTokens['dpopKey'],
    option: { DPoP: openid.getDPoPHandle(configuration, pair) },
  }
}

/** What a provider may quote and nobody may read in a log. */
export function secretsOf({ state, nonce, verifier }: Transaction): string[] {
  return [state, nonce, verifier]
}

/** @param askedAt before the call: what the provider counts began later */
export function toTokens(
  answer: openid.TokenEndpointResponse,
  dpopKey: ProviderTokens['dpopKey'],
  askedAt: UnixMs,
): ProviderTokens {
  const tokenType = answer.token_type === 'dpop' ? 'DPoP' : 'Bearer'
  if ((tokenType === 'DPoP') !== (dpopKey !== null))
    throw new FailedCheck(`the tokens are of the type ${tokenType}, which was not requested`)
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? null,
    idToken: idTokenOf(answer),
    tokenType,
    scope: answer.scope ?? null,
    accessEndsAt: answer.expires_in === undefined ? null : askedAt + answer.expires_in * SECOND,
    dpopKey,
  }
}
