import { LRUCache } from 'lru-cache'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Clock, Now, UnixMs } from '../base/clock.ts'
import { sha256 } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { EndedSession, SessionChange, SessionRecord, SessionStore } from '../store/types.ts'
import type { IssueKind, CookieIssuer } from './issue-cookies.ts'
import { idleEndsAt, judge, type Numbers, type Presented, type Verdict } from './judge.ts'
import type { Runtimes, TrackedRuntime } from './session-runtime.ts'
import { type AccessClaims, parseRefresh, type PresentedRefresh, type Tokens } from './session-tokens.ts'
import type { LiveSession, RequestTraits, Resolution, PresentedCookies } from './types.ts'

interface Deps {
  clock: Clock
  log: Log
  meter: Meter
  store: SessionStore
  memory: Runtimes
  tokens: Tokens
  grants: CookieIssuer
  numbers: Numbers
  announce: (ended: readonly EndedSession[]) => void
}

/** The session named by a request's cookies, and their claims. */
interface NamedSession {
  sid: string
  sidHash: string
  access: AccessClaims | null
  refresh: PresentedRefresh | null
}

const ANONYMOUS: Resolution = { state: 'anonymous', ended: null, duplicated: false }
const DUPLICATED: Resolution = { state: 'anonymous', ended: null, duplicated: true }
/** The number of cookie pairs whose parsed form is cached. */
const READ_MAX = 20_000
/** Each round waits for a concurrent decision; more than a few mean that the rules do not converge. */
const ROUNDS_MAX = 16

/**
 * Judges requests. Decisions that write are single-flight per session, and based on the row read inside the
 * transaction.
 */
export function createResolver({ clock, log, meter, store, memory, tokens, grants, numbers, announce }: Deps) {
  const flights = new Map<string, Promise<unknown>>()
  const read = new LRUCache<string, NamedSession>({ max: READ_MAX })
  const byObject = new WeakMap<PresentedCookies, NamedSession>()

  async function load(sidHash: string): Promise<SessionRecord | null> {
    const cached = memory.cached(sidHash)
    if (cached !== undefined) return cached
    const readAt = memory.epoch()
    const row = await store.find(sidHash)
    if (row !== null) memory.keepRead(row, readAt)
    return row
  }

  /** The refresh token names the session. Without a genuine one, a valid access token alone does. */
  async function readCookies(presented: PresentedCookies): Promise<NamedSession | null> {
    const refresh = presented.refresh === null ? null : parseRefresh(presented.refresh)
    const access = presented.access === null ? null : await tokens.openAccess(presented.access)
    if (refresh !== null) {
      const sidHash = sha256(refresh.sid)
      const row = await load(sidHash)
      // A tag of a withdrawn key cannot be verified, but the end reason may be revealed to a client that knows the sid.
      const withdrawn = row?.endReason === 'keys_compromised'
      if (row !== null && (withdrawn || tokens.isGenuine(refresh, row))) {
        return { sid: refresh.sid, sidHash, refresh, access: access?.sid === refresh.sid ? access : null }
      }
    }
    if (access === null || !isCurrent(access, clock.now())) return null
    return { sid: access.sid, sidHash: sha256(access.sid), access, refresh: null }
  }

  /** A token dated in the future was issued before the clock was set back: it counts as expired and is refreshed. */
  function isCurrent(access: AccessClaims, now: Now): boolean {
    return access.endsAt > now.wall && access.issuedAt - now.wall <= numbers.confirmMs
  }

  function presentedOf(named: NamedSession, now: Now): Presented {
    return {
      access: named.access !== null && isCurrent(named.access, now) ? named.access : null,
      refresh: named.refresh,
    }
  }

  /** Synchronous if cookies and session are cached and nothing has to be written. */
  function resolve(presented: PresentedCookies, traits: RequestTraits): MaybePromise<Resolution> {
    if (presented.duplicated) return DUPLICATED
    if (presented.access === null && presented.refresh === null) return ANONYMOUS
    const named = cachedSession(presented)
    if (named === undefined) return resolveUnread(presented, traits)
    const row = memory.cached(named.sidHash)
    if (row === undefined) return judgeUntilDecided(named, traits)
    const answer = judgeOnce(named, row, traits)
    return answer instanceof Promise ? answer.then(later => later ?? judgeUntilDecided(named, traits)) : answer
  }

  /**
   * Browsers present the same two cookies for minutes: their claims are parsed once, and found again by object identity
   * or by hash. Nothing that can change is cached with them.
   */
  function cachedSession(presented: PresentedCookies): NamedSession | undefined {
    const seenBefore = byObject.get(presented)
    if (seenBefore !== undefined) return seenBefore
    const named = read.get(keyOf(presented))
    if (named !== undefined) byObject.set(presented, named)
    return named
  }

  async function resolveUnread(presented: PresentedCookies, traits: RequestTraits): Promise<Resolution> {
    const named = await readCookies(presented)
    if (named === null) return ANONYMOUS
    read.set(keyOf(presented), named)
    byObject.set(presented, named)
    return judgeUntilDecided(named, traits)
  }

  function noteActivity(runtime: TrackedRuntime, traits: RequestTraits, now: Now): void {
    if (traits.foreground) memory.active(runtime, now)
  }

  /** Judges until there is an outcome. */
  async function judgeUntilDecided(named: NamedSession, traits: RequestTraits): Promise<Resolution> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const row = await load(named.sidHash)
      if (row === null) return ANONYMOUS
      const answer = await judgeOnce(named, row, traits)
      if (answer !== null) return answer
    }
    throw new Error('a session was judged again and again without an outcome')
  }

  /**
   * One round.
   * @returns null (never synchronously) if the row has changed in the meantime and has to be judged again
   */
  function judgeOnce(
    named: NamedSession,
    row: SessionRecord,
    traits: RequestTraits,
  ): Resolution | Promise<Resolution | null> {
    const now = clock.now()
    const presented = presentedOf(named, now)
    const runtime = memory.runtimeOf(row, now)
    if (row.endReason === 'replaced') runtime.replacedAt = memory.replacedAt(row.sidHash)
    const judgement = judge(row, runtime, presented, numbers, now)
    const { verdict } = judgement

    const writes = endReason(verdict) !== null || (verdict === 'rotate' && traits.renews)
    if (writes) return decideOnDisk(named, row, presented, verdict, traits)

    meter.count('session_verdicts_total', { verdict })
    if (verdict === 'ended') return { state: 'anonymous', ended: row.endReason, duplicated: false }
    if (verdict === 'replaced')
      return {
        state: 'replaced',
        session: live(row, runtime.lastSeenAt, presented.access?.endsAt ?? null),
        issued: null,
      }

    memory.note(runtime, row.generation, judgement, now)
    noteActivity(runtime, traits, now)
    const sends = traits.renews ? sendsFor(verdict) : null
    if (sends === null)
      return { state: 'live', session: live(row, runtime.lastSeenAt, presented.access?.endsAt ?? null), issued: null }

    if (verdict !== 'access_only') memory.issued(runtime, now)
    const { issued, accessEndsAt } = grants.make(sends, named.sid, row, runtime, now)
    return {
      state: 'live',
      session: live(row, runtime.lastSeenAt, accessEndsAt ?? presented.access?.endsAt ?? null),
      issued,
    }
  }

  /**
   * Makes the decision for this session, or awaits one in progress. Waiting requests are judged again afterwards, or
   * share its failure.
   */
  async function decideOnDisk(
    named: NamedSession,
    row: SessionRecord,
    presented: Presented,
    verdict: Verdict,
    traits: RequestTraits,
  ): Promise<Resolution | null> {
    const inFlight = flights.get(named.sidHash)
    try {
      if (inFlight !== undefined) {
        await inFlight
        return null
      }
      const flight = decideInTransaction(named, traits)
      flights.set(named.sidHash, flight)
      return await flight
    } catch (error) {
      memory.drop(named.sidHash)
      if (verdict !== 'rotate' || presented.access === null || !(error instanceof Problem)) throw error
      // The access token is still valid: the next request retries the refresh.
      log.warn({ event: 'session_refresh_not_stored', error }, 'failed to store a renewal; skipped')
      const now = clock.now()
      noteActivity(memory.runtimeOf(row, now), traits, now)
      return { state: 'live', session: live(row, row.lastSeenAt, presented.access.endsAt), issued: null }
    } finally {
      if (inFlight === undefined) flights.delete(named.sidHash)
    }
  }

  async function decideInTransaction(named: NamedSession, traits: RequestTraits): Promise<Resolution | null> {
    const now = clock.now()
    const changed = await store.change(named.sidHash, current => decide(current, presentedOf(named, now), traits, now))
    if (changed === null) return ANONYMOUS
    const { session: row, decided, ended } = changed
    memory.keepWritten(row)
    return conclude(named, row, decided.verdict, ended, traits, now)
  }

  /** The judgement on the row inside the transaction. Pure: a store may ask again. */
  function decide(current: SessionRecord, presented: Presented, traits: RequestTraits, now: Now) {
    const runtime = memory.peekRuntime(current, now)
    const { verdict } = judge(current, runtime, presented, numbers, now)
    const isActive = verdict === 'rotate' && traits.foreground
    const lastSeenAt = isActive ? Math.max(runtime.lastSeenAt, now.wall) : runtime.lastSeenAt
    return { verdict, change: changeFor(verdict, traits, lastSeenAt, now) }
  }

  /** Applies a decision that has just been committed. */
  function conclude(
    named: NamedSession,
    row: SessionRecord,
    verdict: Verdict,
    ended: readonly EndedSession[],
    traits: RequestTraits,
    now: Now,
  ): Resolution | null {
    announce(ended)
    const reason = endReason(verdict)
    if (reason !== null && row.endedAt !== null) {
      meter.count('session_verdicts_total', { verdict })
      if (verdict === 'reuse' || verdict === 'rolled_back')
        log.warn({ event: 'session_refresh_rejected', session: row.publicId, reason }, 'ended a session')
      return { state: 'anonymous', ended: reason, duplicated: false }
    }
    if (verdict !== 'rotate') return null
    meter.count('session_verdicts_total', { verdict })
    const runtime = memory.runtimeOf(row, now)
    noteActivity(runtime, traits, now)
    memory.rotated(runtime, now)
    const { issued, accessEndsAt } = grants.make('both', named.sid, row, runtime, now)
    return { state: 'live', session: live(row, runtime.lastSeenAt, accessEndsAt), issued }
  }

  /**
   * Ends a session that is past its end without a request.
   * @returns null: it has ended; otherwise when it will
   */
  async function expire(sidHash: string): Promise<UnixMs | null> {
    const now = clock.now()
    const noTraits = { renews: false, foreground: false }
    const changed = await store.change(sidHash, current =>
      decide(current, { access: null, refresh: null }, noTraits, now),
    )
    if (changed === null) return null
    const { session: row, ended } = changed
    if (row.endedAt === null)
      return Math.min(idleEndsAt(row, { lastSeenAt: memory.lastSeenAt(sidHash) }), row.absoluteEndsAt)
    memory.keepWritten(row)
    announce(ended)
    return null
  }

  return { resolve, expire }
}

function keyOf({ access, refresh }: PresentedCookies): string {
  return sha256(`${access ?? ''} ${refresh ?? ''}`)
}

function sendsFor(verdict: Verdict): IssueKind | null {
  switch (verdict) {
    case 'beside':
      return 'refresh'
    case 'access_only':
      return 'access'
    case 'again':
      return 'both'
    default:
      return null
  }
}

function endReason(verdict: Verdict): EndReason | null {
  switch (verdict) {
    case 'reuse':
      return 'refresh_reuse'
    case 'rolled_back':
      return 'store_rolled_back'
    case 'idle':
      return 'idle'
    case 'absolute':
      return 'absolute'
    case 'pass':
    case 'beside':
    case 'access_only':
    case 'rotate':
    case 'again':
    case 'serve':
    case 'ended':
    case 'replaced':
      return null
    default:
      return verdict satisfies never
  }
}

function changeFor(verdict: Verdict, traits: RequestTraits, lastSeenAt: number, now: Now): SessionChange | null {
  const reason = endReason(verdict)
  if (reason !== null) return { kind: 'end', at: now.wall, reason, lastSeenAt }
  return verdict === 'rotate' && traits.renews ? { kind: 'rotate', at: now.wall, lastSeenAt } : null
}

export function live(row: SessionRecord, lastSeenAt: number, accessEndsAt: number | null): LiveSession {
  return {
    publicId: row.publicId,
    userId: row.userId,
    createdAt: row.createdAt,
    authTime: row.authTime,
    amr: row.amr,
    remember: row.remember,
    accessEndsAt,
    idleEndsAt: idleEndsAt(row, { lastSeenAt }),
    absoluteEndsAt: row.absoluteEndsAt,
  }
}
