import type { UnixMs } from '../base/clock.ts'
import { isFresh } from '../base/freshness.ts'
import { Problem } from '../base/problem.ts'
import { isRestricted, type Upstream } from '../config/upstream-config.ts'
import { acrOf, reaches } from '../contract/acr.ts'
import type { WireUser } from '../contract/wire.ts'
import type { RelayCaller } from './types.ts'
import type { CloseReason, InFlight } from './in-flight.ts'

/** What decides on a caller. */
interface Judged extends Pick<RelayCaller, 'session'> {
  user: Pick<WireUser, 'roles'>
}

/**
 * Checks whether a caller may reach an upstream: for every call, and again for calls and streams in progress when the
 * caller's account changes.
 * @returns why not, or null
 */
export function refusalOf({ requires }: Upstream, caller: Judged | null, now: UnixMs): Problem | null {
  if (!isRestricted(requires)) return null
  if (caller === null) return new Problem('not_signed_in')
  if (requires.roles.length > 0 && !requires.roles.some(role => caller.user.roles.includes(role)))
    return new Problem('forbidden')
  const { maxAgeMs, acr } = requires
  const isRecent = maxAgeMs === null || isFresh(caller.session.authTime, maxAgeMs, now)
  const isStrong = acr === null || reaches(acrOf(caller.session.amr), acr)
  // Both, since confirming only what is missing would lead here a second time.
  if (!isRecent || !isStrong) {
    return new Problem('insufficient_user_authentication', {
      ...(maxAgeMs === null ? {} : { maxAge: Math.floor(maxAgeMs / 1000) }),
      ...(acr === null ? {} : { acr }),
    })
  }
  return null
}

/**
 * Checks whether a call or stream in progress may continue, given the account as it is now.
 * @returns the reason to end it, or null
 */
export function endReasonFor({ upstream, caller }: InFlight, user: WireUser, now: UnixMs): CloseReason | null {
  const refusal = caller === null ? null : refusalOf(upstream, { session: caller.session, user }, now)
  if (refusal === null) return null
  return refusal.code === 'insufficient_user_authentication' ? refusal.code : 'forbidden'
}
