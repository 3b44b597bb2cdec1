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
  presents: boolean
  /** It shows so long enough after sending, which confirms the generation and invalidates the one before. */
  proves: boolean
}

/**
 * Decides one request against the session it names. A pure function: it reads no clock and writes nothing.
 * @param runtime ages on the steady clock; those read from the row are on the wall clock, where a negative age counts
 * as 0
 * @see RFC 9700 §4.14.2 · docs/decisions/002-refresh-rules.md
 */
export function judge(
  row: SessionRecord,
  runtime: SessionRuntime,
  presented: Presented,
  numbers: Numbers,
  now: Now,
): Judgement {
  const end = endOf(row, runtime, numbers, now)
  if (end !== null) return { verdict: end, presents: false, proves: false }

  const newest = row.generation
  const isOlder = presented.refresh !== null && presented.refresh.generation < newest
  const presents = (presented.access?.generation === newest && !isOlder) || presented.refresh?.generation === newest
  const issuedAge = now.steady - runtime.issuedAt
  const proven = Math.max(row.proven, runtime.proven?.generation ?? 0)
  return {
    verdict: decide(
      { newest, proven, seen: runtime.seen, issuedAge, provenAge: provenAge(row, runtime, now) },
      presented,
      numbers,
      now,
    ),
    presents,
    proves: presents && proven < newest && issuedAge > numbers.confirmMs,
  }
}

interface Position {
  newest: number
  proven: number
  seen: number | null
  issuedAge: number
  provenAge: number
}

function decide(at: Position, { access, refresh }: Presented, numbers: Numbers, now: Now): Verdict {
  if (access !== null && access.generation > at.newest) return 'rolled_back'
  if (access !== null && (refresh === null || !isDue(access, numbers, now))) {
    const isBeside = access.generation === at.newest && refresh?.generation === at.newest - 1 && at.proven < at.newest
    return isBeside ? 'beside' : 'pass'
  }
  // Unreachable by the resolver: without either token there is no session to judge.
  if (refresh === null) return 'ended'

  const presented = refresh.generation
  if (presented > at.newest) return 'rolled_back'
  if (presented === at.newest) return at.issuedAge <= numbers.graceMs ? 'access_only' : 'rotate'
  if (presented < at.newest - 1) return 'reuse'
  if (at.proven < at.newest) {
    const isUnconfirmed = at.seen === at.newest && at.issuedAge <= numbers.confirmMs
    return isUnconfirmed ? 'serve' : 'again'
  }
  return at.provenAge <= numbers.graceMs ? 'serve' : 'reuse'
}

/** A refresh is due a little before expiry, so that a page does not start with a token that is about to expire. */
function isDue(access: { endsAt: UnixMs }, numbers: Numbers, now: Now): boolean {
  return access.endsAt - now.wall <= Math.min(MINUTE, numbers.accessMs / 15)
}

export function idleEndsAt(row: SessionRecord, runtime: Pick<SessionRuntime, 'lastSeenAt'>): UnixMs {
  return Math.max(row.lastSeenAt, runtime.lastSeenAt) + row.idleMs
}

function endOf(row: SessionRecord, runtime: SessionRuntime, numbers: Numbers, now: Now): Verdict | null {
  if (row.endedAt !== null) {
    const replacedAge = runtime.replacedAt === null ? Infinity : now.steady - runtime.replacedAt
    return replacedAge <= Math.min(numbers.confirmMs, REPLACED_SERVED_MS) ? 'replaced' : 'ended'
  }
  const idleEnd = idleEndsAt(row, runtime)
  if (now.wall < Math.min(idleEnd, row.absoluteEndsAt)) return null
  return idleEnd <= row.absoluteEndsAt ? 'idle' : 'absolute'
}

/** How long ago the newest generation was confirmed, according to the disk or memory, whichever is more recent. */
function provenAge(row: SessionRecord, runtime: SessionRuntime, now: Now): number {
  const onDisk = row.proven === row.generation ? Math.max(0, now.wall - row.provenAt) : Infinity
  const inMemory = runtime.proven?.generation === row.generation ? now.steady - runtime.proven.at : Infinity
  return Math.min(onDisk, inMemory)
}
