import { decodeJwt, importJWK, type JWK } from 'jose'
import { type Clock, SECOND, type UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { publicPart } from './dpop.ts'
import { callFailure } from './failures.ts'
import { RefreshFailure, type Refresher, type TokenOwner } from './refresher.ts'
import type { ProviderClient, ProviderTokens } from './types.ts'

interface Deps {
  clock: Clock
  /** @throws Problem `provider_unavailable`, `not_found` */
  client: () => Promise<ProviderClient>
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** A provider of OpenID Connect or OAuth, asked by openid-client. */
export function createProviderRefresher({ clock, client }: Deps): Refresher {
  return {
    async refresh(tokens, owner) {
      const provider = await client()
      const askedAt = clock.now().wall
      const dpop = await dpopOption(provider, tokens.dpopKey)
      return asFailure(provider, async () => {
        const answer = await provider.openid.refreshTokenGrant(provider.configuration, tokens.refreshToken ?? '', {}, dpop)
        if (answer.id_token !== undefined) await checkIdToken(provider, answer.id_token, tokens, owner, clock.now().wall)
        return {
          accessToken: answer.access_token,
          // A provider that does not rotate sends none: the old one stays good (RFC 6749 §6).
          refreshToken: answer.refresh_token ?? tokens.refreshToken,
          idToken: answer.id_token ?? tokens.idToken,
          tokenType: tokenType(answer.token_type),
          scope: answer.scope ?? tokens.scope,
          accessEndsAt: answer.expires_in === undefined ? null : askedAt + answer.expires_in * SECOND,
          dpopKey: tokens.dpopKey,
        }
      })
    },

    async revoke(tokens) {
      const provider = await client()
      if (provider.configuration.serverMetadata().revocation_endpoint === undefined) return
      const [token, token_type_hint] = tokens.refreshToken === null ? [tokens.accessToken, 'access_token'] : [tokens.refreshToken, 'refresh_token']
      await asFailure(provider, () => provider.openid.tokenRevocation(provider.configuration, token, { token_type_hint }))
    },

    async exchange(tokens, { audience, scopes }) {
      const provider = await client()
      const askedAt = clock.now().wall
      const dpop = await dpopOption(provider, tokens.dpopKey)
      return asFailure(provider, async () => {
        const answer = await provider.openid.genericGrantRequest(provider.configuration, EXCHANGE, {
          subject_token: tokens.accessToken,
          subject_token_type: ACCESS_TOKEN,
          requested_token_type: ACCESS_TOKEN,
          audience,
          ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
        }, dpop)
        const issued = answer['issued_token_type']
        if (issued !== undefined && issued !== ACCESS_TOKEN && issued !== JWT) throw new Error('an exchange gave a token of another kind')
        return {
          accessToken: answer.access_token,
          tokenType: tokenType(answer.token_type),
          endsAt: answer.expires_in === undefined ? null : askedAt + answer.expires_in * SECOND,
        }
      })
    },
  }
}

/** A refreshed ID token is about the same person, at the same provider, for us, and of the same sign-in.
 * @see OIDC Core §12.2 */
async function checkIdToken({ provider, keys, algorithms }: ProviderClient, idToken: string, before: ProviderTokens, owner: TokenOwner, now: UnixMs): Promise<void> {
  if (keys === null) throw new Error('an ID token came from a provider that has no keys')
  const { payload } = await keys.verify(idToken, 'id_token', {
    algorithms, issuer: owner.issuer, subject: owner.subject, audience: provider.clientId, clockTolerance: provider.clockToleranceSeconds, currentDate: new Date(now),
  })
  if (before.idToken === null) return
  const first = decodeJwt(before.idToken)
  if (!sameAudience(first.aud, payload.aud)) throw new Error('a refreshed ID token is for another audience')
  const { auth_time: authTime } = payload
  if (authTime !== undefined && first['auth_time'] !== undefined && authTime !== first['auth_time']) throw new Error('a refreshed ID token tells of another sign-in')
}

function sameAudience(before: unknown, now: unknown): boolean {
  const asList = (aud: unknown) => (Array.isArray(aud) ? aud as unknown[] : [aud]).map(String).toSorted().join('\n')
  return asList(before) === asList(now)
}

function tokenType(type: string): ProviderTokens['tokenType'] {
  const plain = type.toLowerCase()
  if (plain === 'bearer') return 'Bearer'
  if (plain === 'dpop') return 'DPoP'
  throw new Error('a token of a type that cannot be sent to an upstream')
}

async function dpopOption({ openid, configuration }: ProviderClient, key: JWK | null): Promise<{ DPoP?: ReturnType<typeof openid.getDPoPHandle> }> {
  if (key === null) return {}
  const [privateKey, publicKey] = await Promise.all([importJWK(key, 'ES256'), importJWK(publicPart(key), 'ES256', { extractable: true })])
  return { DPoP: openid.getDPoPHandle(configuration, { privateKey, publicKey } as Parameters<typeof openid.getDPoPHandle>[1]) }
}

async function asFailure<T>({ openid, provider }: ProviderClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  }
  catch (error) {
    throw error instanceof RefreshFailure || error instanceof Problem ? error : callFailure(openid, provider.id, error)
  }
}
