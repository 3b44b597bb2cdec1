import { decodeProtectedHeader } from 'jose'
import { type Clock, MINUTE, SECOND, type Timers, type UnixMs } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { ProviderGrantRecord, ProviderGrantStore } from '../store/types.ts'
import type { KeptTokens, Needs } from './sealed-tokens.ts'

interface Deps {
  clock: Clock
  timers: Timers
  log: Log
  grants: Pick<ProviderGrantStore, 'takeDue' | 'stopRechecks'>
  needsOf: (provider: string) => Needs
  /** Refreshes a grant and rechecks its user with the result. */
  refresh: (id: string, provider: string, isDue: (tokens: KeptTokens) => boolean) => Promise<unknown>
}

const CHECK_EVERY_MS = SECOND
/**
 * The number of grants rechecked at once: a fraction of the concurrent calls to a provider, to leave capacity for
 * requests that wait for a token.
 */
const BATCH = 8
/** After a failure, the next check follows after this, or sooner if checks are more frequent. */
const AGAIN_MS = MINUTE

/**
 * When to recheck a grant's user next. null: never, because there is no refresh token or no session depends on the
 * grant
 */
export function recheckAt(
  { origin }: Pick<ProviderGrantRecord, 'origin'>,
  tokens: KeptTokens | null,
  { recheckMs }: Needs,
  now: UnixMs,
): UnixMs | null {
  return origin !== 'sign_in' || recheckMs === null || tokens === null || tokens.refreshToken === null
    ? null
    : now + recheckMs
}

/** The signature algorithm of an ID token. null: none, or unreadable */
export function algOf(idToken: string | null): string | null {
  try {
    return idToken === null ? null : (decodeProtectedHeader(idToken).alg ?? null)
  } catch {
    return null
  }
}

/**
 * Rechecks users while their sessions are active, whether or not their tokens are needed: who is disabled at the
 * provider is soon signed out here, and changed roles take effect.
 */
export function createRecheck({ clock, timers, log, grants, needsOf, refresh }: Deps) {
  let running = false

  async function recheckOne({ id, provider }: ProviderGrantRecord): Promise<void> {
    const { recheckMs } = needsOf(provider)
    if (recheckMs === null) return grants.stopRechecks(id)
    const { wall } = clock.now()
    try {
      // A request may have refreshed it already. A time in the future was recorded before the clock was set back.
      await refresh(id, provider, ({ obtainedAt }) => wall - obtainedAt >= recheckMs || obtainedAt > wall)
    } catch (error) {
      // Failures are logged where they occur, and have already ended what they must.
      if (!(error instanceof Problem)) throw error
    }
  }

  async function recheckDue(): Promise<void> {
    const { wall } = clock.now()
    const due = await grants.takeDue(
      wall,
      BATCH,
      ({ provider }) => wall + Math.min(AGAIN_MS, needsOf(provider).recheckMs ?? AGAIN_MS),
    )
    await Promise.all(due.map(recheckOne))
    if (due.length === BATCH) await recheckDue()
  }

  const stop = timers.every(CHECK_EVERY_MS, () => {
    if (running) return
    running = true
    recheckDue()
      .catch((error: unknown) =>
        log.warn({ event: 'provider_standing_failed', error }, 'failed to recheck accounts; will retry'),
      )
      .finally(() => {
        running = false
      })
  })

  return { stop }
}
