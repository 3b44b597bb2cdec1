import { LRUCache } from 'lru-cache'
import { type Clock, MINUTE, SECOND, type SteadyMs, type UnixMs } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { SharedLimiter } from '../base/shared-limiter.ts'
import {
  asRefreshFailure,
  type ExchangedToken,
  type ExchangeTarget,
  RefreshFailure,
  type TokenClient,
} from './token-client-types.ts'
import { createBackoff } from './backoff.ts'
import type { ProviderTokens } from './types.ts'

export interface ExchangeUpstream extends ExchangeTarget {
  name: string
}

interface Deps {
  clock: Clock
  log: Log
  meter: Meter
  tokenClientOf: (provider: string) => TokenClient | null
  limiterOf: (provider: string) => SharedLimiter
  tokenFor: (session: Session, provider: string, refused: string | null) => Promise<ProviderTokens>
}

interface Session {
  publicId: string
  userId: string
}
type Exchanged = ExchangedToken & Pick<ProviderTokens, 'dpopKey'>
interface CachedToken {
  madeAt: SteadyMs
  usableUntil: UnixMs
  accessToken: string | null
  token: Promise<Exchanged>
}

const SESSIONS_MAX = 10_000
/** How long a token of unknown lifetime is used. */
const DEFAULT_LIFE_MS = MINUTE
/** How long a refusal is remembered, and the minimum time between exchanges after an upstream refused a token. */
const REFUSED_MS = 30 * SECOND
const REFUSALS: ReadonlySet<string> = new Set(['provider_refused', 'provider_sign_in_required'])

/**
 * Exchanges a user's token for one restricted to a single upstream (RFC 8693), cached by session and upstream. If the
 * provider issues none, the call fails: the user's own, more powerful token never replaces it.
 */
export function createTokenExchange({ clock, log, meter, tokenClientOf, limiterOf, tokenFor: ownTokenFor }: Deps) {
  const cache = new LRUCache<string, Map<string, CachedToken>>({ max: SESSIONS_MAX })
  const backoff = createBackoff(clock, 3)

  async function trade(session: Session, provider: string, upstream: ExchangeUpstream): Promise<Exchanged> {
    const own = await ownTokenFor(session, provider, null)
    try {
      return await tradeOnce(session, own, provider, upstream)
    } catch (error) {
      const failure = asRefreshFailure(error)
      if (failure.kind !== 'over') throw failure.problem
      // The own token may have been revoked early, so a different one is tried if available.
      const other = await ownTokenFor(session, provider, own.accessToken)
      if (other.accessToken === own.accessToken) throw asProblem(failure, provider)
      return tradeOnce(session, other, provider, upstream).catch((retryError: unknown) => {
        throw asProblem(asRefreshFailure(retryError), provider)
      })
    }
  }

  async function tradeOnce(
    session: Session,
    own: ProviderTokens,
    provider: string,
    upstream: ExchangeUpstream,
  ): Promise<Exchanged> {
    const exchange = tokenClientOf(provider)?.exchange ?? null
    if (exchange === null)
      throw new Problem('provider_refused', {
        provider,
        detail: 'This provider does not issue tokens for single services.',
      })
    const key = `${provider} ${upstream.name}`
    const left = backoff.left(key)
    if (left > 0) throw new Problem('provider_unavailable', { provider, retryAfter: Math.ceil(left / SECOND) })
    try {
      const token = await limiterOf(provider).run(() =>
        exchange(own, { audience: upstream.audience, scopes: upstream.scopes }),
      )
      // Returning the same token would send it to an upstream that must not have it.
      if (token.accessToken === own.accessToken)
        throw new RefreshFailure(
          'unchanged',
          new Problem(
            'provider_answer_invalid',
            { provider },
            new Error('an exchange returned the token that was presented'),
          ),
          { blame: 'grant' },
        )
      backoff.succeeded(key)
      meter.count('provider_exchanges_total', { provider, outcome: 'exchanged' })
      return { ...token, dpopKey: token.tokenType === 'DPoP' ? own.dpopKey : null }
    } catch (error) {
      const failure = asRefreshFailure(error)
      meter.count('provider_exchanges_total', { provider, outcome: failure.problem.code })
      log.warn(
        {
          event: 'provider_exchange_failed',
          error: failure.problem.cause ?? failure,
          provider,
          upstream: upstream.name,
          code: failure.problem.code,
        },
        'a provider issued no token for an upstream',
      )
      if (failure.blame === 'provider') backoff.failed(key, session.userId, failure.retryAfterMs)
      throw failure
    }
  }

  function usable(entry: CachedToken, refused: string | null): boolean {
    const now = clock.now()
    const age = now.steady - entry.madeAt
    if (refused !== null && entry.accessToken === refused) return age < REFUSED_MS
    return now.wall < entry.usableUntil
  }

  return {
    async tokenFor(
      session: Session,
      provider: string,
      upstream: ExchangeUpstream,
      refused: string | null,
    ): Promise<Exchanged> {
      const ofSession = cache.get(session.publicId) ?? new Map<string, CachedToken>()
      const known = ofSession.get(upstream.name)
      if (known !== undefined && usable(known, refused)) return known.token

      const token = trade(session, provider, upstream)
      const entry: CachedToken = {
        madeAt: clock.now().steady,
        usableUntil: Number.MAX_SAFE_INTEGER,
        accessToken: null,
        token,
      }
      cache.set(session.publicId, ofSession.set(upstream.name, entry))
      token.then(
        exchanged => {
          entry.accessToken = exchanged.accessToken
          entry.usableUntil = usableUntil(exchanged.endsAt, clock.now().wall)
        },
        (error: unknown) => {
          // A refusal will not change from one call to the next; other failures are not cached.
          if (error instanceof Problem && REFUSALS.has(error.code)) entry.usableUntil = clock.now().wall + REFUSED_MS
          else if (ofSession.get(upstream.name) === entry) ofSession.delete(upstream.name)
        },
      )
      return token
    },

    forget: (sessionId: string) => void cache.delete(sessionId),
  }
}

/** If the provider refuses the user's own token and its replacement, the user has to sign in there again. */
function asProblem(failure: RefreshFailure, provider: string): Problem {
  return failure.kind === 'over' ? new Problem('provider_sign_in_required', { provider }, failure) : failure.problem
}

/** Excludes the last minute of its lifetime, or the last fifth if that is less. */
function usableUntil(endsAt: UnixMs | null, now: UnixMs): UnixMs {
  if (endsAt === null) return now + DEFAULT_LIFE_MS
  return endsAt - Math.min(MINUTE, (endsAt - now) / 5)
}
