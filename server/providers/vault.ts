import { LRUCache } from 'lru-cache'
import { type Clock, MINUTE, SECOND, type SteadyMs, type Timers, type UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Keyring } from '../keys/types.ts'
import { createSharedLimiters } from '../base/shared-limiter.ts'
import type { ProviderGrantRecord, ProviderGrantStore } from '../store/types.ts'
import { createTokenExchange, type ExchangeUpstream } from './token-exchange.ts'
import type { ExchangedToken, TokenClient } from './token-client-types.ts'
import { algOf, createRecheck, recheckAt } from './recheck.ts'
import { createRefreshService, type RefreshServiceDeps } from './refresh-service.ts'
import { createRevocations } from './revoke.ts'
import { type KeptTokens, type Needs, neededOf, openTokens, sealTokens } from './sealed-tokens.ts'
import type { ProviderProfile, ProviderTokens } from './types.ts'

/** Stores the tokens issued by providers: sealed at rest, refreshed here, and sent only to upstreams that take them. */
export interface Vault {
  /**
   * Creates the row of a grant, with those of the tokens that are needed, sealed. The session is filled in by whoever
   * opens one.
   * @throws Problem `provider_answer_invalid` if the tokens are too long
   */
  createGrant(of: GrantInput, tokens: ProviderTokens): Promise<ProviderGrantRecord>
  /** A session got another grant, which is stored already: an earlier one of that provider has ended. */
  linked(sessionId: string): void
  /** Revokes, in the background, the tokens of a refused sign-in, or tokens that are not needed. Tried once. */
  revoke(person: Omit<GrantInput['person'], 'roles'>, tokens: ProviderTokens): void
  /**
   * This session's tokens of a provider, refreshed if due.
   * @param refused an access token that an upstream refused, to be replaced if possible
   * @throws Problem `provider_sign_in_required` if there are none; `not_signed_in` if the session has ended, perhaps by
   * this; `provider_unavailable`, `provider_answer_invalid`, `store_unavailable`, `busy`: nothing ended
   */
  tokenFor(session: SessionRef, provider: string, refused: string | null): Promise<ProviderTokens>
  /**
   * A token for one upstream only (RFC 8693), and the key that it is bound to.
   * @throws the same, and Problem `provider_refused` if the provider issues none for this upstream
   */
  exchange(
    session: SessionRef,
    provider: string,
    upstream: ExchangeUpstream,
    refused: string | null,
  ): Promise<ExchangedToken & Pick<ProviderTokens, 'dpopKey'>>
  /**
   * A session has ended: its grants, unless they moved to its successor, are dropped now and revoked in the background.
   */
  ended(sessionId: string): void
  /** How long refreshes at a provider are still paused after failures; 0: not at all. */
  backoffMs(provider: string): number
  /**
   * Revokes and deletes the grants of ended sessions.
   * @returns how many were deleted
   */
  cleanUp(): Promise<number>
  /** Starts no more refreshes, waits for those in progress, and stores their results. */
  close(): Promise<void>
}

export interface SessionRef {
  publicId: string
  userId: string
}

export interface GrantInput {
  person: Pick<ProviderProfile, 'provider' | 'issuer' | 'subject' | 'providerSid' | 'roles'>
  userId: string
  /** Empty as long as the session has not been opened. */
  sessionId: string
  origin: ProviderGrantRecord['origin']
}

export interface VaultDeps {
  clock: Clock
  timers: Timers
  log: Log
  meter: Meter
  keyring: Keyring
  grants: ProviderGrantStore
  /** null: not configured, or no longer. */
  tokenClientOf: (provider: string) => TokenClient | null
  /** Which tokens of a provider are needed. */
  needsOf: (provider: string) => Needs
  /** The provider's roles for a user have changed. */
  changeRoles: RefreshServiceDeps['changeRoles']
  endSession: (sessionId: string, reason: EndReason) => Promise<unknown>
  /** Some or all of a session's grants have ended, or the session itself. */
  grantChanged: (sessionId: string) => void
}

interface OpenTokens {
  id: string
  tokens: KeptTokens
  refreshedAt: SteadyMs | null
}

/** The number of sessions whose tokens are cached; evicting one costs a read and a decryption. */
const SESSIONS_MAX = 10_000
/** Concurrent calls to one provider. The rest are queued: a thousand at once would look like an attack. */
const CALLS_AT_ONCE = 32
const CALLS_WAITING = 10_000
/**
 * Refreshes whose intent is written ahead of their turn, so that a free slot is used at once. More would only be in
 * doubt if the process crashed.
 */
const BEGUN_AHEAD = 16
/** How often an upstream that refuses every token may cause a refresh. */
const REFUSED_EVERY_MS = 30 * SECOND
const FLUSH_EVERY_MS = 5 * SECOND
const NOTHING_ENDED = new Set(['provider_unavailable', 'provider_answer_invalid', 'store_unavailable', 'busy'])

export function createVault(deps: VaultDeps): Vault {
  const { clock, timers, log, keyring, grants, needsOf } = deps
  const cache = new LRUCache<string, Map<string, OpenTokens>>({ max: SESSIONS_MAX })
  const loads = new Map<string, Promise<OpenTokens>>()
  // Incremented whenever a grant ends: what was read before must not be cached afterwards.
  let epoch = 0
  const limiterOf = createSharedLimiters({ atOnce: CALLS_AT_ONCE, waiting: CALLS_WAITING })
  const beginLimiterOf = createSharedLimiters({ atOnce: CALLS_AT_ONCE + BEGUN_AHEAD, waiting: CALLS_WAITING })
  const refreshService = createRefreshService({
    ...deps,
    limiterOf,
    beginLimiterOf,
    grantEnded: forget,
  })
  const recheck = createRecheck({ ...deps, refresh })
  const revocations = createRevocations({ ...deps, whenIdle: refreshService.whenIdle })
  const tokenExchange = createTokenExchange({ ...deps, limiterOf, tokenFor })

  const stop = timers.every(FLUSH_EVERY_MS, () => {
    refreshService
      .flush()
      .catch((error: unknown) =>
        log.warn({ event: 'provider_tokens_not_stored', error }, 'still failing to store refreshed provider tokens'),
      )
  })

  function cacheTokens(sessionId: string, provider: string, entry: OpenTokens, readAt: number): OpenTokens {
    if (readAt !== epoch) return entry
    const ofSession = cache.get(sessionId) ?? new Map<string, OpenTokens>()
    ofSession.set(provider, entry)
    cache.set(sessionId, ofSession)
    return entry
  }

  async function load(sessionId: string, userId: string, provider: string): Promise<OpenTokens> {
    const readAt = epoch
    const row = await grants.ofSession(sessionId, provider)
    if (row !== null && row.userId !== userId)
      throw new Problem('internal', {}, new Error('a grant was paired with another person'))
    // Expired, so there is no point in opening them: the refresh reads and opens them itself.
    if (row?.sealed && row.accessEndsAt !== null && row.accessEndsAt <= clock.now().wall)
      return refresh(row.id, provider, isDue)
    const tokens = await openTokens(keyring, row)
    // Only the refresh token was kept, for rechecks; an upstream that needs the access token was configured later.
    if (row !== null && tokens !== null && tokens.accessToken === '' && tokens.refreshToken !== null)
      return refresh(row.id, provider, found => found.accessToken === '')
    if (row !== null && row.sealed !== null && tokens === null)
      log.error(
        { event: 'provider_tokens_unreadable', session: sessionId, provider },
        'failed to open provider tokens: their key is missing from the key file',
      )
    if (row === null || tokens === null || tokens.accessToken === '')
      throw new Problem('provider_sign_in_required', { provider })
    return cacheTokens(sessionId, provider, { id: row.id, tokens, refreshedAt: null }, readAt)
  }

  function loadOnce(sessionId: string, userId: string, provider: string): Promise<OpenTokens> {
    const key = `${sessionId} ${provider}`
    const inFlight = loads.get(key)
    if (inFlight !== undefined) return inFlight
    const loading = load(sessionId, userId, provider).finally(() => loads.delete(key))
    loads.set(key, loading)
    return loading
  }

  const isDue = (tokens: KeptTokens) => stateOf(tokens, clock.now().wall) !== 'good'

  async function refresh(id: string, provider: string, isDue: (tokens: KeptTokens) => boolean): Promise<OpenTokens> {
    const readAt = epoch
    const { row, tokens } = await refreshService.refresh(id, provider, isDue)
    const entry = { id, tokens, refreshedAt: clock.now().steady }
    return needsOf(provider).access ? cacheTokens(row.sessionId, provider, entry, readAt) : entry
  }

  async function tokenFor(session: SessionRef, provider: string, refused: string | null): Promise<ProviderTokens> {
    const sessionId = session.publicId
    const known = cache.get(sessionId)?.get(provider) ?? (await loadOnce(sessionId, session.userId, provider))
    const now = clock.now()
    const { tokens } = known
    const state = stateOf(tokens, now.wall)
    const isRefused = tokens.accessToken === refused
    if (state === 'good' && !isRefused) return tokens
    if (tokens.refreshToken === null) {
      if (state === 'over') throw new Problem('provider_sign_in_required', { provider })
      return tokens
    }
    if (isRefused && known.refreshedAt !== null && now.steady - known.refreshedAt < REFUSED_EVERY_MS) return tokens

    const refreshed = refresh(known.id, provider, found => (isRefused ? found.accessToken === refused : isDue(found)))
    if (state === 'due' && !isRefused) {
      // The token is still valid, so the request does not wait. Failures are logged there.
      refreshed.catch(() => {})
      return tokens
    }
    try {
      return (await refreshed).tokens
    } catch (error) {
      const isStillGood = state !== 'over' && error instanceof Problem && NOTHING_ENDED.has(error.code)
      if (isStillGood) return tokens
      throw error
    }
  }

  /** Some or all of a session's grants have ended: drops everything cached and revokes what has ended. */
  function forget(sessionId: string): void {
    epoch++
    cache.delete(sessionId)
    tokenExchange.forget(sessionId)
    revocations.begin(sessionId)
    deps.grantChanged(sessionId)
  }

  return {
    tokenFor,
    exchange: tokenExchange.tokenFor,

    async createGrant({ person, userId, sessionId, origin }, tokens) {
      const id = randomId()
      const at = clock.now().wall
      const { provider, issuer, subject, providerSid, roles } = person
      const needs = needsOf(provider)
      const needed = neededOf({ ...tokens, obtainedAt: at, roles }, needs)
      return {
        id,
        sessionId,
        userId,
        provider,
        issuer,
        subject,
        providerSid,
        origin,
        sealed: needed === null ? null : sealTokens(keyring, id, needed),
        accessEndsAt: needed?.accessEndsAt ?? null,
        idTokenAlg: algOf(tokens.idToken),
        recheckAt: recheckAt({ origin }, needed, needs, at),
        refreshingAt: null,
        refreshes: 0,
        createdAt: at,
        endedAt: null,
      }
    },

    linked: forget,
    revoke: revocations.revoke,

    ended: forget,

    backoffMs: refreshService.backoffMs,
    cleanUp: revocations.cleanUp,
    async close() {
      stop()
      recheck.stop()
      await refreshService
        .close()
        .catch((error: unknown) =>
          log.error(
            { event: 'provider_tokens_not_stored', error },
            'failed to store refreshed provider tokens; their sessions will have to sign in again',
          ),
        )
      await revocations.close()
    },
  }
}

/** `due`: in its last minute, or last fifth if that is less · `short`: it might expire on its way to an upstream · `over`: expired. A token dated in the future was obtained before the clock was set back. */
function stateOf({ accessEndsAt, obtainedAt }: KeptTokens, now: UnixMs): 'good' | 'due' | 'short' | 'over' {
  if (accessEndsAt === null) return 'good'
  if (now >= accessEndsAt) return 'over'
  const life = accessEndsAt - obtainedAt
  const left = accessEndsAt - now
  if (left <= Math.min(10 * SECOND, life / 20)) return 'short'
  return left <= Math.min(MINUTE, life / 5) || obtainedAt > now ? 'due' : 'good'
}
