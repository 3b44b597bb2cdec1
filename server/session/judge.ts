import { MINUTE, type Now, SECOND, type SteadyMs, type UnixMs } from '../base/clock.ts'
import type { SessionRecord } from '../store/types.ts'

/** The numbers of the rules, in milliseconds. Start refuses settle ≥ late, and late > 7/8 of the access life. */
export interface Numbers {
  accessMs: number
  confirmMs: number
  graceMs: number
}

/**
 * A page that was asked for before a sign-in arrives within this time after it. Longer would only help whoever copied
 * the tokens.
 */
const REPLACED_SERVED_MS = 10 * SECOND

/** What only this process knows of a session. */
export interface SessionRuntime {
  /** When the newest generation was last sent. */
  issuedAt: SteadyMs
  /** The generation that the client has been seen to hold, or null. */
  seen: number | null
  /** A generation that the client has settled on, not necessarily saved yet. */
  proven: { generation: number; at: SteadyMs } | null
  lastSeenAt: UnixMs
  /** When another session took this one's place; null: none did, or that one is over too. */
  replacedAt: SteadyMs | null
}

/** What a request brought for this session: an access token that is valid now, a refresh token whose tag is right. */
export interface Presented {
  access: { generation: number; endsAt: UnixMs } | null
  refresh: { generation: number } | null
}

export type Verdict =
  /** Signed in; nothing is sent. */
  | 'pass'
  /**
   * The access token is of the newest generation, the refresh token one behind: send the newest refresh token again.
   */
  | 'beside'
  /** A new access token for the same generation; no rotation, no write. */
  | 'access_only'
  | 'rotate'
  /** Send the newest generation again: its first answer may never have arrived. */
  | 'again'
  /** A late request: signed in, nothing is sent. */
  | 'serve'
  /** A spent refresh token: the session ends. */
  | 'reuse'
  /** The client knows a generation that the store does not: the store is the older one. */
  | 'rolled_back'
  | 'idle'
  | 'absolute'
  | 'ended'
  /** Ended a moment ago because its browser signed in again. */
  | 'replaced'

export interface Judgement {
  verdict: Verdict
  /** The request shows that its browser holds the newest generation. */
  shows: boolean
  /** It shows it long enough after sending: the generation before may be forgotten. */
  proves: boolean
}

/**
 * Decides one request against the session it names. Reads no clock, writes nothing.
 * @param recollection on the steady clock; ages read from the row run on the wall clock, and a negative one counts as 0
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
  // Without either token there is no session to judge: the caller has asked about nobody.
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

/** Renewal is due a little before the end, so that a page does not begin with a token that dies under it. */
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

/** How long ago the newest generation was proven, by whichever of disk and memory knows it more recently. */
function provenAge(row: SessionRecord, recollection: SessionRuntime, now: Now): number {
  const onDisk = row.proven === row.generation ? Math.max(0, now.wall - row.provenAt) : Infinity
  const inMemory = recollection.proven?.generation === row.generation ? now.steady - recollection.proven.at : Infinity
  return Math.min(onDisk, inMemory)
}
