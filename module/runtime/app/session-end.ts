import type { WireSession } from '../../../server/contract/wire.ts'

const SOONEST_MS = 5_000
/** The limit of setTimeout: 31 bits. */
const LATEST_MS = 2 ** 31 - 1
const GRACE_MS = 1_000

/**
 * How long to wait before asking whether a session has ended: until just after its next end. The browser's clock may be
 * fast, so an end that seems past is checked again only after a pause.
 */
export function waitUntilEnd(session: Pick<WireSession, 'idleEndsAt' | 'absoluteEndsAt'>, now: number): number {
  const left = Math.min(session.idleEndsAt, session.absoluteEndsAt) - now + GRACE_MS
  return Math.min(Math.max(left, SOONEST_MS), LATEST_MS)
}
