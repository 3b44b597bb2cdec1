import { decodeProtectedHeader } from 'jose'
import { type Clock, MINUTE, SECOND, type Timers, type UnixMs } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { ProviderGrantStore } from '../store/provider-grants.ts'
import type { ProviderGrantRow } from '../store/schema.ts'
import type { KeptTokens, Needs } from './sealed-tokens.ts'

interface Deps {
  clock: Clock
  timers: Timers
  log: Log
  grants: Pick<ProviderGrantStore, 'takeDue' | 'stopRechecks'>
  needsOf: (provider: string) => Needs
  /** Refreshes a grant, and looks at its person with what that gives. */
  refresh: (id: string, provider: string, isDue: (tokens: KeptTokens) => boolean) => Promise<unknown>
}

const LOOK_EVERY_MS = SECOND
/**
 * Grants asked about at once: a part of the calls that a provider gets, so that people who wait for a token find room.
 */
const BATCH = 8
/** Where a look fails, the next one comes after this, or sooner if looks are more often. */
const AGAIN_MS = MINUTE

/**
 * When a grant's person is looked at again. null: never, since nothing could be asked with it, or no session rests on
 * it
 */
export function recheckAt(
  { origin }: Pick<ProviderGrantRow, 'origin'>,
  tokens: KeptTokens | null,
  { recheckMs }: Needs,
  now: UnixMs,
): UnixMs | null {
  return origin !== 'sign_in' || recheckMs === null || tokens === null || tokens.refreshToken === null
    ? null
    : now + recheckMs
}

/** What an ID token says that it is signed with. null: there is none, or it cannot be read */
export function algOf(idToken: string | null): string | null {
  try {
    return idToken === null ? null : (decodeProtectedHeader(idToken).alg ?? null)
  } catch {
    return null
  }
}

/**
 * Looks at people again while their sessions live, whether or not anything needs a token of theirs: who is disabled at
 * the provider is out here before long, and who has other roles there has them here.
 */
export function createRecheck({ clock, timers, log, grants, needsOf, refresh }: Deps) {
  let looking = false

  async function look({ id, provider }: ProviderGrantRow): Promise<void> {
    const { recheckMs } = needsOf(provider)
    if (recheckMs === null) return grants.stopRechecks(id)
    const { wall } = clock.now()
    try {
      // Somebody who needed a token may have been faster. A time from the future was taken before the clock was set
      // back.
      await refresh(id, provider, ({ obtainedAt }) => wall - obtainedAt >= recheckMs || obtainedAt > wall)
    } catch (error) {
      // What is wrong is logged where it happened, and what had to end has ended.
      if (!(error instanceof Problem)) throw error
    }
  }

  async function lookAtAll(): Promise<void> {
    const { wall } = clock.now()
    const due = await grants.takeDue(
      wall,
      BATCH,
      ({ provider }) => wall + Math.min(AGAIN_MS, needsOf(provider).recheckMs ?? AGAIN_MS),
    )
    await Promise.all(due.map(look))
    if (due.length === BATCH) await lookAtAll()
  }

  const stop = timers.every(LOOK_EVERY_MS, () => {
    if (looking) return
    looking = true
    lookAtAll()
      .catch((error: unknown) =>
        log.warn({ event: 'provider_standing_failed', error }, 'failed to recheck accounts; will retry'),
      )
      .finally(() => {
        looking = false
      })
  })

  return { stop }
}
