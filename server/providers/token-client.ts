import { decodeJwt, type JWTPayload } from 'jose'
import { type Clock, SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { REFRESHED_ID_TOKEN } from './answers.ts'
import { dpopOption } from './dpop.ts'
import { type CallKind, callFailure } from './provider-failures.ts'
import { RefreshFailure, type TokenClient, type TokenOwner } from './token-client-types.ts'
import { standingOf } from './standing.ts'
import type { ProviderClient, ProviderTokens } from './types.ts'

interface Deps {
  clock: Clock
  log: Log
  /** @throws Problem `provider_unavailable`, `not_found` */
  client: () => Promise<ProviderClient>
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** The token client of an OpenID Connect or OAuth provider, based on openid-client. */
export function createTokenClient({ clock, log, client }: Deps): TokenClient {
  return {
    async refresh(tokens, owner) {
      const provider = await client()
      const askedAt = clock.now().wall
      const dpop = await dpopOption(provider, tokens.dpopKey)
      return asFailure(provider, 'refresh', async () => {
        const answer = await provider.openid.refreshTokenGrant(
          provider.configuration,
          tokens.refreshToken ?? '',
          {},
          dpop,
        )
        const { [REFRESHED_ID_TOKEN]: found } = answer
        const idToken = typeof found === 'string' ? found : null
        if (idToken !== null && isAboutAnother(provider.provider.clientId, idToken, tokens, owner)) {
          throw unusable(provider, 'a refreshed ID token is about another person or for another site')
        }
        return {
          idToken,
          tokens: {
            accessToken: answer.access_token,
            // A provider that does not rotate returns none, and the old one stays valid (RFC 6749 §6).
            refreshToken: answer.refresh_token ?? tokens.refreshToken,
            idToken: tokens.idToken,
            tokenType: tokenType(provider, answer.token_type),
            scope: answer.scope ?? tokens.scope,
            accessEndsAt: answer.expires_in === undefined ? null : askedAt + answer.expires_in * SECOND,
            dpopKey: tokens.dpopKey,
          },
        }
      })
    },

    standing: async (refreshed, owner) => standingOf(await client(), refreshed, owner, { now: clock.now().wall, log }),

    async revoke(tokens) {
      const provider = await client()
      if (provider.configuration.serverMetadata().revocation_endpoint === undefined) return
      const [token, token_type_hint] =
        tokens.refreshToken === null ? [tokens.accessToken, 'access_token'] : [tokens.refreshToken, 'refresh_token']
      await asFailure(provider, 'other', () =>
        provider.openid.tokenRevocation(provider.configuration, token, { token_type_hint }),
      )
    },

    async exchange(tokens, { audience, scopes }) {
      const provider = await client()
      const askedAt = clock.now().wall
      const dpop = await dpopOption(provider, tokens.dpopKey)
      return asFailure(provider, 'exchange', async () => {
        const answer = await provider.openid.genericGrantRequest(
          provider.configuration,
          EXCHANGE,
          {
            subject_token: tokens.accessToken,
            subject_token_type: ACCESS_TOKEN,
            requested_token_type: ACCESS_TOKEN,
            audience,
            ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
          },
          dpop,
        )
        const issued = answer['issued_token_type']
        if (issued !== undefined && issued !== ACCESS_TOKEN && issued !== JWT)
          throw unusable(provider, 'an exchange returned another kind of token')
        return {
          accessToken: answer.access_token,
          tokenType: tokenType(provider, answer.token_type),
          endsAt: answer.expires_in === undefined ? null : askedAt + answer.expires_in * SECOND,
        }
      })
    },
  }
}

/**
 * Whether an ID token names another user, issuer or audience than the grant, in which case its tokens are not this
 * user's. One that names none or cannot be read is no evidence.
 * @see OIDC Core §12.2
 */
function isAboutAnother(clientId: string, idToken: string, before: ProviderTokens, owner: TokenOwner): boolean {
  const now = claimsOf(idToken)
  if (now === null) return false
  const differs = (actual: unknown, expected: string) => actual !== undefined && actual !== null && actual !== expected
  if (differs(now.iss, owner.issuer) || differs(now.sub, owner.subject)) return true
  if (now.aud === undefined || now.aud === null) return false
  const first = before.idToken === null ? null : claimsOf(before.idToken)
  const expected = first === null ? null : asList(first.aud)
  return (
    !asList(now.aud).includes(clientId) || (expected !== null && expected.join('\n') !== asList(now.aud).join('\n'))
  )
}

function claimsOf(idToken: string): JWTPayload | null {
  try {
    return decodeJwt(idToken)
  } catch {
    return null
  }
}

function asList(aud: unknown): string[] {
  return (Array.isArray(aud) ? (aud as unknown[]) : [aud]).map(String).toSorted()
}

function tokenType(client: ProviderClient, type: string): ProviderTokens['tokenType'] {
  const plain = type.toLowerCase()
  if (plain === 'bearer') return 'Bearer'
  if (plain === 'dpop') return 'DPoP'
  throw unusable(client, 'a token of a type that cannot be sent to an upstream')
}

/** A readable but unusable response: it may have consumed the token presented, and says nothing about other grants. */
function unusable({ provider }: ProviderClient, why: string): RefreshFailure {
  return new RefreshFailure(
    'unknown',
    new Problem('provider_answer_invalid', { provider: provider.id }, new Error(why)),
    { blame: 'grant' },
  )
}

async function asFailure<T>(client: ProviderClient, callKind: CallKind, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof RefreshFailure || error instanceof Problem ? error : callFailure(client, error, callKind)
  }
}
