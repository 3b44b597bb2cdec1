import { type Clock, DAY, MINUTE, SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import type { Keyring } from '../keys/types.ts'
import { createSharedLimiter } from '../base/shared-limiter.ts'
import type { Cursor, ProviderGrantRecord, ProviderGrantStore } from '../store/types.ts'
import { asRefreshFailure, type TokenClient } from './token-client-types.ts'
import { createBackoff } from './backoff.ts'
import { openTokens, sealTokens, withoutAccess } from './sealed-tokens.ts'
import { settledWithin } from './settled-within.ts'
import type { ProviderTokens } from './types.ts'

interface Deps {
  clock: Clock
  log: Log
  meter: Meter
  keyring: Keyring
  grants: ProviderGrantStore
  tokenClientOf: (provider: string) => TokenClient | null
  /** Resolves when no refresh of a grant is in progress: its tokens have to be revoked, too. */
  whenIdle: (id: string) => Promise<void>
}

/** The owner of tokens, as far as revoking needs it. */
type Granted = Pick<ProviderGrantRecord, 'id' | 'sessionId' | 'provider' | 'issuer' | 'subject' | 'providerSid'>

/** Low, because no request waits for these calls. */
const CALLS_AT_ONCE = 4
const CALLS_WAITING = 10_000
const BATCH = 100
/** For this long after a sign-out, the user may continue to the provider's sign-out, which needs the ID token. */
export const LOGOUT_MS = 10 * MINUTE
/** After failing for this long, revoking is given up. */
const GIVE_UP_MS = DAY
/** How long shutdown waits for calls in progress; the rest is done after the next start. */
const CLOSE_MS = 2 * SECOND

/** Revokes the tokens of ended sessions (RFC 7009), in the background. Housekeeping retries failures. */
export function createRevocations({ clock, log, meter, keyring, grants, tokenClientOf, whenIdle }: Deps) {
  const limiter = createSharedLimiter({ atOnce: CALLS_AT_ONCE, waiting: CALLS_WAITING })
  const backoff = createBackoff(clock, 3)
  const inFlight = new Set<Promise<void>>()
  let closing = false

  /** @returns whether nothing is left to revoke */
  async function revokeTokens(row: Granted, tokens: ProviderTokens | null): Promise<boolean> {
    const { provider } = row
    const revoke = tokenClientOf(provider)?.revoke ?? null
    if (tokens === null || revoke === null || (tokens.accessToken === '' && tokens.refreshToken === null)) return true
    // At many providers, revoking one token also ends those of another browser, or of this one's next session.
    if (await grants.isShared(row)) return true
    if (closing || backoff.left(provider) > 0) return false
    try {
      await revoke(tokens)
      backoff.succeeded(provider)
      meter.count('provider_revocations_total', { provider, outcome: 'revoked' })
      return true
    } catch (error) {
      const { kind, problem, retryAfterMs, blame } = asRefreshFailure(error)
      if (blame === 'provider') backoff.failed(provider, row.subject, retryAfterMs)
      meter.count('provider_revocations_total', { provider, outcome: kind === 'over' ? 'revoked' : problem.code })
      if (kind !== 'over')
        log.warn(
          { event: 'provider_revocation_failed', error: problem.cause ?? problem, session: row.sessionId, provider },
          'failed to revoke provider tokens of an ended session; will retry',
        )
      return kind === 'over'
    }
  }

  async function revokeGrant(id: string): Promise<void> {
    await whenIdle(id)
    const row = await grants.find(id)
    if (row === null || row.endedAt === null) return
    const tokens = await openTokens(keyring, row)
    if (!(await revokeTokens(row, tokens))) return
    const left = tokens === null ? null : withoutAccess(tokens)
    await grants.markRevoked(id, left === null ? null : sealTokens(keyring, id, left))
  }

  async function ofSession(sessionId: string): Promise<void> {
    const rows = (await grants.allOfSession(sessionId)).filter(row => row.endedAt !== null)
    for (const { id } of rows) await limiter.run(() => revokeGrant(id))
  }

  async function cleanUpOne(row: ProviderGrantRecord, now: number): Promise<boolean> {
    const tokens = await openTokens(keyring, row)
    const mayGo = (await revokeTokens(row, tokens)) || (row.endedAt ?? now) < now - GIVE_UP_MS
    if (mayGo) await grants.remove(row.id)
    return mayGo
  }

  function inBackground(work: Promise<unknown>, onFailure: (error: unknown) => void): void {
    const done = work.then(() => {}, onFailure).finally(() => inFlight.delete(done))
    inFlight.add(done)
  }

  return {
    /** Starts revoking what a session was granted, and returns at once. */
    begin(sessionId: string): void {
      inBackground(ofSession(sessionId), error =>
        log.warn(
          { event: 'provider_revocation_failed', error, session: sessionId },
          'failed to revoke provider grants of an ended session; will retry',
        ),
      )
    },

    /** Starts revoking tokens that are in no row, and returns at once. */
    revoke(person: Omit<Granted, 'id' | 'sessionId'>, tokens: ProviderTokens): void {
      inBackground(
        limiter.run(() => revokeTokens({ ...person, id: '', sessionId: '' }, tokens)),
        error =>
          log.warn(
            { event: 'provider_revocation_failed', error, provider: person.provider },
            'failed to revoke provider tokens of a refused sign-in',
          ),
      )
    },

    async cleanUp(): Promise<number> {
      const now = clock.now().wall
      let removed = 0
      for (let after: Cursor | null = null; ;) {
        const batch = await grants.over(now - LOGOUT_MS, after, BATCH)
        for (const grant of batch.grants) {
          await whenIdle(grant.id)
          if (await cleanUpOne(grant, now)) removed++
        }
        after = batch.next
        if (after === null) return removed
      }
    },

    async close(): Promise<void> {
      closing = true
      await settledWithin(CLOSE_MS, inFlight)
    },
  }
}
