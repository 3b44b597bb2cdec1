import type { WireSession } from '#contract/wire.ts'

const SOONEST_MS = 5_000
/** setTimeout counts in 31 bits. */
const LATEST_MS = 2 ** 31 - 1
const GRACE_MS = 1_000

/**
 * How long to wait before asking whether a session is over: a moment after its next end. A browser's clock may be fast,
 * so an end that seems past is asked for again only after a pause.
 */
export function waitUntilEnd(session: Pick<WireSession, 'idleEndsAt' | 'absoluteEndsAt'>, now: number): number {
  const left = Math.min(session.idleEndsAt, session.absoluteEndsAt) - now + GRACE_MS
  return Math.min(Math.max(left, SOONEST_MS), LATEST_MS)
}
