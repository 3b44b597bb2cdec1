import { LRUCache } from 'lru-cache'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { type Clock, type Now, SECOND, type SteadyMs, type Timers, type UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { WireStream, WireUser } from '../contract/wire.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { endReasonFor } from './admission.ts'
import { createStreamSlots, type StreamLimits, tooManyStreams } from './stream-slots.ts'
import { type CloseReason, problemFor, type StreamKind, type UnderWay } from './under-way.ts'

interface Deps {
  clock: Clock
  timers: Timers
  log: Log
  /**
   * Ends a session that is past its idle or absolute end.
   * @returns when to look again; null: it is over
   */
  endIfOver: (sessionId: string) => Promise<UnixMs | null>
  /** @returns null for an account that is gone or disabled */
  findUser: (userId: string) => MaybePromise<WireUser | null>
  limits: StreamLimits
}

/** How long a stream has been open already, and how long it may be in all. */
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
type Members = Map<UnderWay, Stream | null>

/** What is under way for one session. */
interface Open {
  readonly sessionId: string
  readonly userId: string
  /** null: a call, which ends by itself. */
  readonly members: Members
  streams: number
  /** Something joined since its person was last looked at. */
  unjudged: boolean
  /** When to ask whether the session is over. */
  lookAt: UnixMs
  /** When the first of them will be too long after the sign-in. */
  maxAgeAt: UnixMs
  /** When the first of them will be as old as a stream may get. */
  expiresAt: SteadyMs
}

const LOOK_EVERY_MS = SECOND
/** A store that does not answer is asked again after this. */
const LOOK_AGAIN_MS = 5 * SECOND
/** Ended sessions that a call which began before may still name. */
const OVER_MAX = 50_000

/**
 * What is under way at upstreams: it ends with its session, and when its person may not reach the upstream any more.
 * Cookies were shown once, when it began, so a stream also has a longest life. None of it keeps a session alive.
 */
export function createStreams({ clock, timers, log, endIfOver, findUser, limits }: Deps) {
  const bySession = new Map<string, Open>()
  const strangers: Members = new Map()
  const over = new LRUCache<string, EndReason>({ max: OVER_MAX })
  const slots = createStreamSlots(limits)
  let isClosed = false

  /** @returns null while the session lives, as far as is known here */
  function refusalOf(sessionId: string): Problem | null {
    const reason = over.get(sessionId)
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
      lookAt: Infinity,
      maxAgeAt: Infinity,
      expiresAt: Infinity,
    }
    bySession.set(sessionId, open)
    return open
  }

  function leave(one: UnderWay): void {
    const open = one.caller === null ? null : bySession.get(one.caller.session.publicId)
    const members = open === null ? strangers : open?.members
    const stream = members?.get(one)
    if (stream === undefined) return
    members?.delete(one)
    if (stream === null) return
    stream.release()
    if (open) open.streams--
  }

  function end(one: UnderWay, reason: CloseReason): void {
    leave(one)
    one.end(reason)
  }

  /** Ends what its person may not go on with, by what is known of them now. */
  async function judge(open: Open): Promise<void> {
    open.unjudged = false
    try {
      const user = await findUser(open.userId)
      for (const one of [...open.members.keys()]) {
        const reason = user === null ? 'disabled' : endReasonFor(one, user, clock.now().wall)
        if (reason !== null) end(one, reason)
      }
    } catch (error) {
      open.unjudged = true
      log.warn(
        { event: 'stream_judgement_failed', error, session: open.sessionId },
        'failed to look up whose streams are open; will retry',
      )
    }
  }

  async function look(open: Open, now: UnixMs): Promise<void> {
    open.lookAt = now + LOOK_AGAIN_MS
    try {
      const next = await endIfOver(open.sessionId)
      if (next !== null) open.lookAt = next
      // It ended before, and whoever ended it has told us, or this was not open yet.
      else endAll(open.sessionId, over.get(open.sessionId) ?? 'idle')
    } catch (error) {
      log.warn(
        { event: 'stream_session_check_failed', error, session: open.sessionId },
        'failed to check a session with open streams; will retry',
      )
    }
  }

  function endAll(sessionId: string, reason: CloseReason): void {
    for (const one of [...(bySession.get(sessionId)?.members.keys() ?? [])]) end(one, reason)
    bySession.delete(sessionId)
  }

  function endOverdue(open: Open, now: Now): void {
    open.maxAgeAt = Infinity
    open.expiresAt = Infinity
    for (const [one, stream] of [...open.members]) {
      const isExpired = stream !== null && stream.endsAt <= now.steady
      const reason = isExpired ? 'stream_expired' : one.caller && endReasonFor(one, one.caller.user, now.wall)
      if (reason !== null) end(one, reason)
      else noteTimes(open, one, stream)
    }
  }

  function noteTimes(open: Open, { upstream, caller }: UnderWay, stream: Stream | null): void {
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
      if (open.lookAt <= now.wall) void look(open, now.wall)
    }
    for (const [one, stream] of strangers) {
      if (stream !== null && stream.endsAt <= now.steady) end(one, 'stream_expired')
    }
  }
  const stop = timers.every(LOOK_EVERY_MS, tick)

  function streamsOf(sessionId: string): [UnderWay, Stream][] {
    return [...(bySession.get(sessionId)?.members ?? [])].filter((pair): pair is [UnderWay, Stream] => pair[1] !== null)
  }

  return {
    /**
     * Files what begins under its session.
     * @throws Problem when the session has ended meanwhile
     */
    join(one: UnderWay): void {
      if (one.caller === null) return
      const { publicId, userId } = one.caller.session
      const refusal = refusalOf(publicId)
      if (refusal !== null) throw refusal
      const open = openFor(publicId, userId)
      open.members.set(one, null)
      open.unjudged = true
      open.lookAt = Math.min(open.lookAt, one.caller.session.idleEndsAt, one.caller.session.absoluteEndsAt)
      noteTimes(open, one, null)
    },

    /**
     * What has joined turns out to be a stream.
     * @throws Problem `too_many_streams`, `draining`, `not_signed_in`
     */
    stream(
      one: UnderWay,
      kind: StreamKind,
      { openMs, lifeMs }: Span = { openMs: 0, lifeMs: one.upstream.streamMaxMs },
    ): void {
      // A response is let finish, for as long as the server's end takes.
      if (isClosed && kind === 'response') return
      if (isClosed) throw new Problem('draining')
      const open = one.caller === null ? null : bySession.get(one.caller.session.publicId)
      if (open === undefined) throw new Problem('not_signed_in')
      if (open !== null && open.streams >= limits.perSession) throw tooManyStreams()
      const release = slots.take(one.network, open !== null)
      const now = clock.now()
      const stream = { kind, since: now.wall - openMs, endsAt: now.steady - openMs + lifeMs, release }
      if (open === null) return void strangers.set(one, stream)
      open.members.set(one, stream)
      open.streams++
      noteTimes(open, one, stream)
      // Many sessions may have ended while the upstream was dialled: the store has the last word.
      open.lookAt = now.wall
    },

    /** It has ended by itself. */
    leave,
    refusalOf,

    ended(sessionId: string, reason: EndReason): void {
      over.set(sessionId, reason)
      endAll(sessionId, reason)
    },

    /** Somebody's roles, name or standing changed. */
    accountChanged(userId: string): void {
      for (const open of bySession.values()) if (open.userId === userId) void judge(open)
    },

    /** A session has lost, or changed, what a provider granted to it. */
    grantChanged(sessionId: string): void {
      for (const one of [...(bySession.get(sessionId)?.members.keys() ?? [])]) {
        if (one.upstream.provider !== null) end(one, 'provider_sign_in_required')
      }
    },

    /** Ends a session's streams, though it lives on: whoever has its cookies connects again. */
    endStreamsOf(sessionId: string): void {
      for (const [one] of streamsOf(sessionId)) end(one, 'stream_expired')
    },

    /** The streams of a session, oldest first. */
    of: (sessionId: string): WireStream[] =>
      streamsOf(sessionId)
        .map(([{ upstream }, { kind, since }]) => ({ upstream: upstream.name, title: upstream.title, kind, since }))
        .sort((a, b) => a.since - b.since),

    /** How many are open, of all sessions and of nobody. */
    count: () => [...bySession.values()].reduce((sum, open) => sum + open.streams, 0) + strangers.size,

    /** Closes every stream and takes no more: for the end of the server. Calls and responses go on to their end. */
    close(): void {
      stop()
      isClosed = true
      for (const members of [strangers, ...[...bySession.values()].map(open => open.members)]) {
        for (const [one, stream] of [...members])
          if (stream !== null && stream.kind !== 'response') end(one, 'going_away')
      }
    },
  }
}

export type Streams = ReturnType<typeof createStreams>
