import { SECOND, type UnixMs } from '../base/clock.ts'
import type * as openid from 'openid-client'
import { idTokenOf } from './answers.ts'
import type { Transaction } from './transactions.ts'
import type { ProviderProfile, ProviderClient, ProviderTokens } from './types.ts'

/** One protocol for signing in at a provider, independent of our cookies and HTTP. */
export interface Flow {
  /**
   * @returns the URL to send the browser to
   * @throws Problem `provider_unavailable`, `provider_refused`, `provider_answer_invalid`
   */
  begin(client: ProviderClient, transaction: Transaction): Promise<string>
  /**
   * Trades a callback's code for tokens and validates them.
   * @throws the same, and `login_expired`
   */
  finish(
    client: ProviderClient,
    transaction: Transaction,
    search: string,
  ): Promise<{ person: ProviderProfile; tokens: ProviderTokens }>
}

/** A response failed one of our checks; the message is for the log. */
export class FailedCheck extends Error {
  override readonly name = 'FailedCheck'
}

/** One redirect URI per provider (OA-10), so that a response from one provider cannot be mistaken for another's. */
export function redirectUri(publicUrl: string, providerId: string): string {
  return `${publicUrl}/auth/callback/${providerId}`
}

/** Whether a sign-in begins with a pushed authorization request (RFC 9126). */
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

/** A new DPoP key for the tokens of one sign-in. */
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

/** Values that a provider's messages may quote but the log must not contain. */
export function secretsOf({ state, nonce, verifier }: Transaction): string[] {
  return [state, nonce, verifier]
}

/** @param askedAt the time before the call, since lifetimes are counted from a later one */
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
