import { LRUCache } from 'lru-cache'
import { type Clock, SECOND, type UnixMs } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Keyring } from '../keys/types.ts'
import type { SharedLimiter } from '../base/shared-limiter.ts'
import type { NewTokens, ProviderGrantRecord, ProviderGrantStore } from '../store/types.ts'
import { recheckAt } from './recheck.ts'
import { asRefreshFailure, type Refreshed, type RefreshFailure, type TokenClient } from './token-client-types.ts'
import { createBackoff } from './backoff.ts'
import { type KeptTokens, type Needs, neededOf, openTokens, sealTokens } from './sealed-tokens.ts'
import { settledWithin } from './settled-within.ts'
import { createUserRecheck, type RoleChange } from './recheck-user.ts'

export interface RefreshServiceDeps {
  clock: Clock
  log: Log
  meter: Meter
  keyring: Keyring
  grants: ProviderGrantStore
  /** null: the provider is no longer configured. */
  tokenClientOf: (provider: string) => TokenClient | null
  /** Limits concurrent calls to the provider. */
  limiterOf: (provider: string) => SharedLimiter
  /** Limits refreshes whose intent is being written ahead of the call. */
  beginLimiterOf: (provider: string) => SharedLimiter
  needsOf: (provider: string) => Needs
  changeRoles: (change: RoleChange) => Promise<void>
  endSession: (sessionId: string, reason: EndReason) => Promise<unknown>
  /** A grant has ended, but not its session. */
  grantEnded: (sessionId: string) => void
}

interface Fresh {
  refreshed: Refreshed
  tokenClient: TokenClient
  at: UnixMs
}
export interface OpenGrant {
  row: ProviderGrantRecord
  tokens: KeptTokens
}

/**
 * How long shutdown waits for responses: a provider that rotates may have consumed our token, so that its response
 * holds the only valid one.
 */
const CLOSE_MS = 10 * SECOND
/** One user's failures must not block others; that many in a row are the provider's. */
const PROVIDER_FAILURES = 3
/** The number of grants whose refusal is remembered. */
const REFUSED_MAX = 10_000

/**
 * Refreshes grants: one call at a time per grant, based on the row just read, with the intent written to disk before
 * the call. A provider that rotates has consumed our refresh token when it responds. If the response is lost, by a
 * crash or on the network, the intent remains: the stored token is presented once more, and a refusal then does not
 * mean that the grant was revoked. In that case the session ends as `provider_refresh_lost`, which tells the user why.
 */
export function createRefreshService(deps: RefreshServiceDeps) {
  const { clock, log, meter, keyring, grants } = deps
  const flights = new Map<string, Promise<OpenGrant>>()
  /** New tokens that could not be written. The old ones may have been consumed, so these are the only copy. */
  const unsaved = new Map<string, NewTokens & { refreshes: number }>()
  const grantBackoff = createBackoff(clock, 1)
  const providerBackoff = createBackoff(clock, PROVIDER_FAILURES)
  /** Grants that are paused because the provider refused them, not because it is down. */
  const refused = new LRUCache<string, true>({ max: REFUSED_MAX })
  const recheckUser = createUserRecheck({ ...deps, endGrant: id => endGrant(id, 'provider_revoked') })
  let closing = false

  function refuseDuringBackoff(id: string, provider: string): void {
    if (closing) throw new Problem('provider_unavailable', { provider, retryAfter: 1 })
    if (refused.has(id) && grantBackoff.left(id) > 0) throw new Problem('provider_sign_in_required', { provider })
    const left = Math.max(grantBackoff.left(id), providerBackoff.left(provider))
    if (left > 0) throw new Problem('provider_unavailable', { provider, retryAfter: Math.ceil(left / SECOND) })
  }

  /** Handling the response is outside the limits, so that it does not block refreshes of other grants. */
  async function refreshNow(id: string, provider: string, isDue: (tokens: KeptTokens) => boolean): Promise<OpenGrant> {
    const begun = await deps.beginLimiterOf(provider).run(() => begin(id, provider, isDue))
    if (begun.fresh === null) return { row: begun.row, tokens: begun.tokens }
    const { refreshed, tokenClient, at } = begun.fresh
    const stored = await store(
      begun.row,
      { ...refreshed.tokens, obtainedAt: at, roles: begun.tokens.roles },
      tokenClient,
    )
    await recheckUser(stored, refreshed, tokenClient)
    return stored
  }

  /** @returns `fresh: null` if the stored tokens need no refresh */
  async function begin(
    id: string,
    provider: string,
    isDue: (tokens: KeptTokens) => boolean,
  ): Promise<OpenGrant & { fresh: Fresh | null }> {
    await saveUnsaved(id)
    const row = await grants.find(id)
    if (row === null || row.endedAt !== null) throw new Problem('not_signed_in')
    const tokens = await openTokens(keyring, row)
    const tokenClient = deps.tokenClientOf(provider)
    if (tokens === null || tokenClient === null) throw new Problem('provider_sign_in_required', { provider })
    if (!isDue(tokens)) return { row, tokens, fresh: null }
    if (tokens.refreshToken === null) throw new Problem('provider_sign_in_required', { provider })
    // Others may have failed while this one waited for its turn.
    refuseDuringBackoff(id, provider)
    if (!(await grants.intend(id, row.refreshes, clock.now().wall))) throw new Problem('not_signed_in')
    return { row, tokens, fresh: { ...(await askProvider(row, tokens, tokenClient)), tokenClient } }
  }

  async function askProvider(
    row: ProviderGrantRecord,
    tokens: KeptTokens,
    tokenClient: TokenClient,
  ): Promise<Omit<Fresh, 'tokenClient'>> {
    const { id, provider } = row
    let called = false
    try {
      const fresh = await deps.limiterOf(provider).run(async () => {
        refuseDuringBackoff(id, provider)
        called = true
        const at = clock.now().wall
        return { refreshed: await tokenClient.refresh(tokens, row), at }
      })
      refused.delete(id)
      grantBackoff.succeeded(id)
      providerBackoff.succeeded(provider)
      meter.count('provider_refreshes_total', { provider, outcome: 'refreshed' })
      return fresh
    } catch (error) {
      if (called) throw await afterFailure(row, asRefreshFailure(error))
      await withdraw(row)
      throw error
    }
  }

  /**
   * The provider has not consumed the token: withdraws the intent, unless it was left by an earlier call whose response
   * was lost.
   */
  async function withdraw({ id, provider, refreshes, refreshingAt }: ProviderGrantRecord): Promise<void> {
    if (refreshingAt !== null) return
    await grants
      .withdraw(id, refreshes)
      .catch((error: unknown) =>
        log.warn(
          { event: 'provider_refresh_in_doubt', error, provider },
          'failed to withdraw the intent to refresh; the refresh counts as in doubt',
        ),
      )
  }

  async function store(row: ProviderGrantRecord, tokens: KeptTokens, tokenClient: TokenClient): Promise<OpenGrant> {
    const needs = deps.needsOf(row.provider)
    // If the configuration no longer needs the access token, the new tokens are still used.
    const needed = neededOf(tokens, needs) ?? tokens
    const newTokens = {
      sealed: sealTokens(keyring, row.id, needed),
      accessEndsAt: needed.accessEndsAt,
      recheckAt: recheckAt(row, needed, needs, clock.now().wall),
    }
    let saved: ProviderGrantRecord | null
    try {
      saved = await grants.save(row.id, row.refreshes, newTokens)
    } catch (error) {
      unsaved.set(row.id, { ...newTokens, refreshes: row.refreshes })
      log.error(
        { event: 'provider_tokens_not_stored', error, session: row.sessionId, provider: row.provider },
        'failed to store refreshed provider tokens; kept in memory, will retry',
      )
      return { row: { ...row, refreshes: row.refreshes + 1 }, tokens }
    }
    if (saved === null) {
      // The session ended in the meantime and its grant was deleted, so nothing else can revoke these tokens.
      await tokenClient
        .revoke?.(tokens)
        .catch((error: unknown) =>
          log.warn(
            { event: 'provider_revocation_failed', error, provider: row.provider },
            'failed to revoke provider tokens of an ended session',
          ),
        )
      throw new Problem('not_signed_in')
    }
    // The grant has ended: the tokens just saved will be revoked from there.
    if (saved.endedAt !== null) throw new Problem('not_signed_in')
    return { row: saved, tokens }
  }

  /** @returns the problem for waiting requests */
  async function afterFailure(row: ProviderGrantRecord, failure: RefreshFailure): Promise<Problem> {
    const { id, provider } = row
    const inDoubt = row.refreshingAt !== null
    meter.count('provider_refreshes_total', {
      provider,
      outcome: failure.kind === 'over' ? (inDoubt ? 'lost' : 'revoked') : failure.problem.code,
    })
    // The provider responded and refused only this grant, so others need not wait.
    if (failure.blame === 'grant') providerBackoff.succeeded(provider)
    else providerBackoff.failed(provider, row.userId, failure.retryAfterMs)
    if (failure.kind === 'over') return endGrant(id, inDoubt ? 'provider_refresh_lost' : 'provider_revoked')

    log.warn(
      {
        event: 'provider_refresh_failed',
        error: failure.problem.cause ?? failure,
        session: row.sessionId,
        provider,
        code: failure.problem.code,
      },
      'failed to refresh provider tokens; the grant stays',
    )
    grantBackoff.failed(id, id, failure.retryAfterMs)
    if (failure.kind === 'unchanged' || failure.kind === 'refused') await withdraw(row)
    if (failure.kind === 'refused') {
      refused.set(id, true)
      return new Problem('provider_sign_in_required', { provider }, failure)
    }
    refused.delete(id)
    const { code, extras } = failure.problem
    return new Problem(
      code,
      { ...extras, provider, retryAfter: Math.max(1, Math.ceil(grantBackoff.left(id) / SECOND)) },
      failure,
    )
  }

  async function endGrant(id: string, reason: EndReason): Promise<Problem> {
    // Read again: the session may have been replaced during the call, in which case its successor depends on the grant.
    const row = await grants.find(id)
    if (row === null || row.endedAt !== null) return new Problem('not_signed_in')
    const { sessionId, provider, origin } = row
    log.warn(
      { event: 'provider_grant_ended', session: sessionId, provider, reason, origin },
      'a provider no longer accepts a grant',
    )
    if (origin === 'sign_in') {
      await deps.endSession(sessionId, reason)
      return new Problem('not_signed_in')
    }
    if (await grants.end(id, clock.now().wall)) deps.grantEnded(sessionId)
    return new Problem('provider_sign_in_required', { provider })
  }

  async function saveUnsaved(id: string): Promise<void> {
    const late = unsaved.get(id)
    if (late === undefined) return
    await grants.save(id, late.refreshes, {
      sealed: late.sealed,
      accessEndsAt: late.accessEndsAt,
      recheckAt: late.recheckAt,
    })
    unsaved.delete(id)
  }

  async function flush(): Promise<void> {
    for (const id of [...unsaved.keys()]) await saveUnsaved(id)
  }

  return {
    /**
     * @param isDue called with the tokens just read, since another call may have refreshed them
     * @throws Problem `not_signed_in` if the session has ended, perhaps by this; `provider_sign_in_required`;
     * `provider_unavailable`, `provider_answer_invalid`, `store_unavailable`, `busy`: nothing ended
     */
    refresh(id: string, provider: string, isDue: (tokens: KeptTokens) => boolean): Promise<OpenGrant> {
      const inFlight = flights.get(id)
      if (inFlight !== undefined) return inFlight
      const flight = (async () => {
        refuseDuringBackoff(id, provider)
        return refreshNow(id, provider, isDue)
      })().finally(() => flights.delete(id))
      flights.set(id, flight)
      return flight
    },

    /** How long refreshes at a provider are still paused after failures; 0: not at all. */
    backoffMs: (provider: string) => providerBackoff.left(provider),

    /** Resolves when no refresh of this grant is in progress. */
    async whenIdle(id: string): Promise<void> {
      await flights.get(id)?.catch(() => {})
    },

    /**
     * Retries writing tokens that could not be stored.
     * @throws Problem `store_unavailable`
     */
    flush,

    /**
     * Starts no more refreshes, waits for those in progress, and stores their results.
     * @throws Problem `store_unavailable`
     */
    async close(): Promise<void> {
      closing = true
      await settledWithin(CLOSE_MS, flights.values())
      await flush()
    },
  }
}
