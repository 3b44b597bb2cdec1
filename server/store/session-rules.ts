import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { EndedSession, SessionLimit, SessionRecord } from './types.ts'

// Rules that every store shares.

/** Sessions ended per transaction, so that the event loop is only blocked for a few milliseconds. */
export const END_BATCH = 50
/** Ended sessions kept per account for their reason, so that signing in and out for days cannot fill the disk. */
export const ENDED_KEPT_MAX = 1000

export function toEnded(session: SessionRecord): EndedSession {
  if (session.endedAt === null || session.endReason === null) throw new Error('a session that was to be ended is not')
  return {
    sidHash: session.sidHash,
    publicId: session.publicId,
    userId: session.userId,
    reason: session.endReason,
    endedAt: session.endedAt,
  }
}

/**
 * @throws Problem for a session that has ended: `session_replaced` if another replaced it, otherwise `not_signed_in`
 */
export function refuseEnded(session: Pick<SessionRecord, 'endedAt' | 'endReason'> | undefined): void {
  if (session?.endReason === 'replaced') throw new Problem('session_replaced')
  if (session?.endedAt !== null) throw new Problem('not_signed_in')
}

export type Living = Pick<SessionRecord, 'sidHash' | 'publicId' | 'lastSeenAt' | 'idleMs' | 'absoluteEndsAt'>

/**
 * The excess of an account's active sessions (given oldest first), with the reason that each ends for: those past their
 * end, and if that is not enough, those idle longest.
 */
export function chooseExcess(
  living: readonly Living[],
  { max, at, keep, lastSeenAt }: SessionLimit,
): { sidHash: string; reason: EndReason }[] {
  const excess = living.length - max
  if (excess <= 0) return []
  return living
    .filter(one => one.publicId !== keep)
    .map(one => {
      const seenAt = Math.max(one.lastSeenAt, lastSeenAt(one.sidHash))
      return { sidHash: one.sidHash, seenAt, reason: reasonOf(one, seenAt, at) }
    })
    .sort((a, b) => Number(a.reason === 'too_many') - Number(b.reason === 'too_many') || a.seenAt - b.seenAt)
    .slice(0, excess)
}

function reasonOf({ idleMs, absoluteEndsAt }: Living, seenAt: UnixMs, at: UnixMs): EndReason {
  if (seenAt + idleMs <= at) return 'idle'
  return absoluteEndsAt <= at ? 'absolute' : 'too_many'
}
