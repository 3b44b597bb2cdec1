import { MINUTE, type Now, SECOND, type SteadyMs, type UnixMs } from '../base/clock.ts'
import type { SessionRecord } from '../store/types.ts'

/** The numbers of the rules, in milliseconds. The configuration guarantees confirmMs < graceMs ≤ 7/8 accessMs. */
export interface Numbers {
  accessMs: number
  confirmMs: number
  graceMs: number
}

/**
 * How long after a sign-in a page requested before it is still served. Longer would only help a thief with copied
 * tokens.
 */
const REPLACED_SERVED_MS = 10 * SECOND

/** What only this process knows about a session. */
export interface SessionRuntime {
  /** When the newest generation was last sent. */
  issuedAt: SteadyMs
  /** The latest generation that the client was seen to have, or null. */
  seen: number | null
  /** A generation that the client has confirmed, not necessarily stored yet. */
  proven: { generation: number; at: SteadyMs } | null
  lastSeenAt: UnixMs
  /** When another session replaced this one; null: none did, or that one has ended too. */
  replacedAt: SteadyMs | null
}

/**
 * What a request presented for this session: a currently valid access token, and a refresh token with a genuine tag.
 */
export interface Presented {
  access: { generation: number; endsAt: UnixMs } | null
  refresh: { generation: number } | null
}

export type Verdict =
  /** Signed in; nothing is sent. */
  | 'pass'
  /**
   * The access token is of the newest generation, the refresh token of the one before: send the newest refresh token
   * again.
   */
  | 'beside'
  /** A new access token for the same generation; no rotation, no write. */
  | 'access_only'
  | 'rotate'
  /** Send the newest generation again: its first response may have been lost. */
  | 'again'
  /** A late request: signed in, nothing is sent. */
  | 'serve'
  /** A refresh token that was rotated out: the session ends. */
  | 'reuse'
  /** The client has a generation that the store does not know: an older store was restored. */
  | 'rolled_back'
  | 'idle'
  | 'absolute'
  | 'ended'
  /** Just replaced, because its browser signed in again. */
  | 'replaced'

export interface Judgement {
  verdict: Verdict
  /** The request shows that its browser has the newest generation. */
  shows: boolean
  /** It shows so long enough after sending, which confirms the generation and invalidates the one before. */
  proves: boolean
}

/**
 * Decides one request against the session it names. A pure function: it reads no clock and writes nothing.
 * @param recollection ages on the steady clock; those read from the row are on the wall clock, where a negative age
 * counts as 0
 * @see RFC 9700 §4.14.2 · docs/decisions/002-refresh-rules.md
 */
export function judge(
  row: SessionRecord,
  recollection: SessionRuntime,
  shown: Presented,
  numbers: Numbers,
  now: Now,
): Judgement {
  const over = endOf(row, recollection, numbers, now)
  if (over !== null) return { verdict: over, shows: false, proves: false }

  const newest = row.generation
  const behind = shown.refresh !== null && shown.refresh.generation < newest
  const shows = (shown.access?.generation === newest && !behind) || shown.refresh?.generation === newest
  const issuedAge = now.steady - recollection.issuedAt
  const proven = Math.max(row.proven, recollection.proven?.generation ?? 0)
  return {
    verdict: decide(
      { newest, proven, seen: recollection.seen, issuedAge, provenAge: provenAge(row, recollection, now) },
      shown,
      numbers,
      now,
    ),
    shows,
    proves: shows && proven < newest && issuedAge > numbers.confirmMs,
  }
}

interface Standing {
  newest: number
  proven: number
  seen: number | null
  issuedAge: number
  provenAge: number
}

function decide(at: Standing, { access, refresh }: Presented, numbers: Numbers, now: Now): Verdict {
  if (access !== null && access.generation > at.newest) return 'rolled_back'
  if (access !== null && (refresh === null || !isDue(access, numbers, now))) {
    const besides = access.generation === at.newest && refresh?.generation === at.newest - 1 && at.proven < at.newest
    return besides ? 'beside' : 'pass'
  }
  // Unreachable by the resolver: without either token there is no session to judge.
  if (refresh === null) return 'ended'

  const presented = refresh.generation
  if (presented > at.newest) return 'rolled_back'
  if (presented === at.newest) return at.issuedAge <= numbers.graceMs ? 'access_only' : 'rotate'
  if (presented < at.newest - 1) return 'reuse'
  if (at.proven < at.newest) {
    const settling = at.seen === at.newest && at.issuedAge <= numbers.confirmMs
    return settling ? 'serve' : 'again'
  }
  return at.provenAge <= numbers.graceMs ? 'serve' : 'reuse'
}

/** A refresh is due a little before expiry, so that a page does not start with a token that is about to expire. */
function isDue(access: { endsAt: UnixMs }, numbers: Numbers, now: Now): boolean {
  return access.endsAt - now.wall <= Math.min(MINUTE, numbers.accessMs / 15)
}

export function idleEndsAt(row: SessionRecord, recollection: Pick<SessionRuntime, 'lastSeenAt'>): UnixMs {
  return Math.max(row.lastSeenAt, recollection.lastSeenAt) + row.idleMs
}

function endOf(row: SessionRecord, recollection: SessionRuntime, numbers: Numbers, now: Now): Verdict | null {
  if (row.endedAt !== null) {
    const replacedAge = recollection.replacedAt === null ? Infinity : now.steady - recollection.replacedAt
    return replacedAge <= Math.min(numbers.confirmMs, REPLACED_SERVED_MS) ? 'replaced' : 'ended'
  }
  const idleEnd = idleEndsAt(row, recollection)
  if (now.wall < Math.min(idleEnd, row.absoluteEndsAt)) return null
  return idleEnd <= row.absoluteEndsAt ? 'idle' : 'absolute'
}

/** How long ago the newest generation was confirmed, according to the disk or memory, whichever is more recent. */
function provenAge(row: SessionRecord, recollection: SessionRuntime, now: Now): number {
  const onDisk = row.proven === row.generation ? Math.max(0, now.wall - row.provenAt) : Infinity
  const inMemory = recollection.proven?.generation === row.generation ? now.steady - recollection.proven.at : Infinity
  return Math.min(onDisk, inMemory)
}
