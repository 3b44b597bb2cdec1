import { LRUCache } from 'lru-cache'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { type Clock, type Now, SECOND, type SteadyMs, type Timers, type UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { WireStream } from '../contract/wire.ts'
import type { AccountUser } from '../accounts/account.ts'
import { knowsCallers } from '../config/upstream-config.ts'
import type { LiveSession } from '../session/types.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { endReasonFor } from './admission.ts'
import { createStreamSlots, type StreamLimits, tooManyStreams } from './stream-slots.ts'
import { type CloseReason, problemFor, type StreamKind, type InFlight } from './in-flight.ts'

interface Deps {
  clock: Clock
  timers: Timers
  log: Log
  /**
   * Ends a session that is past its idle or absolute end.
   * @returns when to check again; null: it has ended
   */
  endIfOver: (sessionId: string) => Promise<UnixMs | null>
  /** @returns null for an account that was deleted or disabled */
  findUser: (userId: string) => MaybePromise<AccountUser | null>
  /** Whether this person can do nothing until they have enrolled a second factor. */
  mustEnrol: (user: AccountUser, session: Pick<LiveSession, 'amr'>) => boolean
  limits: StreamLimits
}

/** How long a stream has been open, and how long it may be in total. */
export interface Span {
  openMs: number
  lifeMs: number
}
interface Stream {
  kind: StreamKind
  since: UnixMs
  endsAt: SteadyMs
  release: () => void
}
type Members = Map<InFlight, Stream | null>

/** The calls and streams in progress for one session. */
interface Open {
  readonly sessionId: string
  readonly userId: string
  /** null: a call, which ends by itself. */
  readonly members: Members
  streams: number
  /** Something joined since the account was last checked. */
  unjudged: boolean
  /** When to check whether the session has ended. */
  checkAt: UnixMs
  /** When the first of them exceeds the maximum authentication age of its upstream. */
  maxAgeAt: UnixMs
  /** When the first stream reaches its maximum lifetime. */
  expiresAt: SteadyMs
}

const CHECK_EVERY_MS = SECOND
/** When to retry after the store failed. */
const CHECK_RETRY_MS = 5 * SECOND
/** The number of ended sessions remembered for calls that began before. */
const ENDED_MAX = 50_000

/**
 * Tracks the calls and streams in progress: they end with their session, or when their user may no longer reach the
 * upstream. Cookies are only checked when a stream opens, so it also has a maximum lifetime. None of them extends the
 * session.
 */
export function createStreams({ clock, timers, log, endIfOver, findUser, mustEnrol, limits }: Deps) {
  /** Somebody who was made an administrator may have to enrol a second factor first. */
  const endReasonOf = (call: InFlight, user: AccountUser, now: UnixMs): CloseReason | null =>
    call.caller !== null && knowsCallers(call.upstream) && mustEnrol(user, call.caller.session)
      ? 'forbidden'
      : endReasonFor(call, user, now)

  const bySession = new Map<string, Open>()
  const anonymous: Members = new Map()
  const endedSessions = new LRUCache<string, EndReason>({ max: ENDED_MAX })
  const slots = createStreamSlots(limits)
  let isClosed = false

  /** @returns null unless the session is known to have ended */
  function refusalOf(sessionId: string): Problem | null {
    const reason = endedSessions.get(sessionId)
    return reason === undefined ? null : problemFor(reason)
  }

  function openFor(sessionId: string, userId: string): Open {
    const known = bySession.get(sessionId)
    if (known !== undefined) return known
    const open: Open = {
      sessionId,
      userId,
      members: new Map(),
      streams: 0,
      unjudged: true,
      checkAt: Infinity,
      maxAgeAt: Infinity,
      expiresAt: Infinity,
    }
    bySession.set(sessionId, open)
    return open
  }

  function leave(call: InFlight): void {
    const open = call.caller === null ? null : bySession.get(call.caller.session.publicId)
    const members = open === null ? anonymous : open?.members
    const stream = members?.get(call)
    if (stream === undefined) return
    members?.delete(call)
    if (stream === null) return
    stream.release()
    if (open) open.streams--
  }

  function end(call: InFlight, reason: CloseReason): void {
    leave(call)
    call.end(reason)
  }

  /** Ends everything that the session's account is no longer allowed to do. */
  async function judge(open: Open): Promise<void> {
    open.unjudged = false
    try {
      const user = await findUser(open.userId)
      for (const call of [...open.members.keys()]) {
        const reason = user === null ? 'disabled' : endReasonOf(call, user, clock.now().wall)
        if (reason !== null) end(call, reason)
      }
    } catch (error) {
      open.unjudged = true
      log.warn(
        { event: 'stream_judgement_failed', error, session: open.sessionId },
        'failed to look up whose streams are open; will retry',
      )
    }
  }

  async function check(open: Open, now: UnixMs): Promise<void> {
    open.checkAt = now + CHECK_RETRY_MS
    try {
      const next = await endIfOver(open.sessionId)
      if (next !== null) open.checkAt = next
      // It had ended before: either we were notified, or this stream was not open yet.
      else endAll(open.sessionId, endedSessions.get(open.sessionId) ?? 'idle')
    } catch (error) {
      log.warn(
        { event: 'stream_session_check_failed', error, session: open.sessionId },
        'failed to check a session with open streams; will retry',
      )
    }
  }

  function endAll(sessionId: string, reason: CloseReason): void {
    for (const call of [...(bySession.get(sessionId)?.members.keys() ?? [])]) end(call, reason)
    bySession.delete(sessionId)
  }

  function endOverdue(open: Open, now: Now): void {
    open.maxAgeAt = Infinity
    open.expiresAt = Infinity
    for (const [call, stream] of [...open.members]) {
      const isExpired = stream !== null && stream.endsAt <= now.steady
      const reason = isExpired ? 'stream_expired' : call.caller && endReasonFor(call, call.caller.user, now.wall)
      if (reason !== null) end(call, reason)
      else noteTimes(open, call, stream)
    }
  }

  function noteTimes(open: Open, { upstream, caller }: InFlight, stream: Stream | null): void {
    const { maxAgeMs } = upstream.requires
    if (maxAgeMs !== null && caller !== null)
      open.maxAgeAt = Math.min(open.maxAgeAt, caller.session.authTime + maxAgeMs)
    if (stream !== null) open.expiresAt = Math.min(open.expiresAt, stream.endsAt)
  }

  function tick(): void {
    const now = clock.now()
    for (const open of bySession.values()) {
      if (open.members.size === 0) {
        bySession.delete(open.sessionId)
        continue
      }
      if (open.maxAgeAt < now.wall || open.expiresAt <= now.steady) endOverdue(open, now)
      if (open.unjudged) void judge(open)
      if (open.checkAt <= now.wall) void check(open, now.wall)
    }
    for (const [call, stream] of anonymous) {
      if (stream !== null && stream.endsAt <= now.steady) end(call, 'stream_expired')
    }
  }
  const stop = timers.every(CHECK_EVERY_MS, tick)

  function streamsOf(sessionId: string): [InFlight, Stream][] {
    return [...(bySession.get(sessionId)?.members ?? [])].filter((pair): pair is [InFlight, Stream] => pair[1] !== null)
  }

  return {
    /**
     * Registers a call under its session.
     * @throws Problem if the session has ended in the meantime
     */
    join(call: InFlight): void {
      if (call.caller === null) return
      const { publicId, userId } = call.caller.session
      const refusal = refusalOf(publicId)
      if (refusal !== null) throw refusal
      const open = openFor(publicId, userId)
      open.members.set(call, null)
      open.unjudged = true
      open.checkAt = Math.min(open.checkAt, call.caller.session.idleEndsAt, call.caller.session.absoluteEndsAt)
      noteTimes(open, call, null)
    },

    /**
     * Promotes a registered call to a stream.
     * @throws Problem `too_many_streams`, `draining`, `not_signed_in`
     */
    stream(
      call: InFlight,
      kind: StreamKind,
      { openMs, lifeMs }: Span = { openMs: 0, lifeMs: call.upstream.streamMaxMs },
    ): void {
      // Responses may finish until the shutdown completes.
      if (isClosed && kind === 'response') return
      if (isClosed) throw new Problem('draining')
      const open = call.caller === null ? null : bySession.get(call.caller.session.publicId)
      if (open === undefined) throw new Problem('not_signed_in')
      if (open !== null && open.streams >= limits.perSession) throw tooManyStreams()
      const release = slots.take(call.network, open !== null)
      const now = clock.now()
      const stream = { kind, since: now.wall - openMs, endsAt: now.steady - openMs + lifeMs, release }
      if (open === null) return void anonymous.set(call, stream)
      open.members.set(call, stream)
      open.streams++
      noteTimes(open, call, stream)
      // Many sessions may have ended while the upstream was connecting, so the store decides.
      open.checkAt = now.wall
    },

    /** Unregisters a call or stream that has ended by itself. */
    leave,
    refusalOf,

    ended(sessionId: string, reason: EndReason): void {
      endedSessions.set(sessionId, reason)
      endAll(sessionId, reason)
    },

    /** An account's roles, name or status changed. */
    accountChanged(userId: string): void {
      for (const open of bySession.values()) if (open.userId === userId) void judge(open)
    },

    /** A session lost or replaced what a provider granted to it. */
    grantChanged(sessionId: string): void {
      for (const call of [...(bySession.get(sessionId)?.members.keys() ?? [])]) {
        if (call.upstream.provider !== null) end(call, 'provider_sign_in_required')
      }
    },

    /** Ends a session's streams although the session continues: a client with its cookies can reconnect. */
    endStreamsOf(sessionId: string): void {
      for (const [call] of streamsOf(sessionId)) end(call, 'stream_expired')
    },

    /** The streams of a session, oldest first. */
    of: (sessionId: string): WireStream[] =>
      streamsOf(sessionId)
        .map(([{ upstream }, { kind, since }]) => ({ upstream: upstream.name, title: upstream.title, kind, since }))
        .sort((a, b) => a.since - b.since),

    /** The number of open streams, including anonymous ones. */
    count: () => [...bySession.values()].reduce((sum, open) => sum + open.streams, 0) + anonymous.size,

    /** The same, by kind. */
    countKinds(): Record<StreamKind, number> {
      const counts = { websocket: 0, events: 0, response: 0 }
      for (const members of [anonymous, ...[...bySession.values()].map(open => open.members)])
        for (const stream of members.values()) if (stream !== null) counts[stream.kind]++
      return counts
    },

    /** For shutdown: closes all streams and accepts no new ones. Calls and long responses run to their end. */
    close(): void {
      stop()
      isClosed = true
      for (const members of [anonymous, ...[...bySession.values()].map(open => open.members)]) {
        for (const [call, stream] of [...members])
          if (stream !== null && stream.kind !== 'response') end(call, 'going_away')
      }
    },
  }
}

export type Streams = ReturnType<typeof createStreams>
