import { LRUCache } from 'lru-cache'
import { type Clock, SECOND, type Timers, type UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Log } from '../base/log.ts'
import type { LiveSession } from '../session/types.ts'

interface Deps {
  clock: Clock
  timers: Timers
  log: Log
  /** Ends a session that is past its idle or absolute end. @returns when to look again; null: it is over */
  endIfOver: (sessionId: string) => Promise<UnixMs | null>
}

/** Why a stream closes: its session's end, or the server's. */
export type CloseReason = EndReason | 'going_away'
type Close = (reason: CloseReason) => void
/** The streams of one session. */
interface Open { sessionId: string, streams: Set<Stream>, lookAt: UnixMs }
/** One stream, and where it is counted: with another session once that one has taken its own's place. */
interface Stream { close: Close, home: Open }

const LOOK_EVERY_MS = 5 * SECOND
/** Ended sessions that a stream which was being dialled meanwhile may still name. */
const OVER_MAX = 50_000

/** The live streams of each session: they end with it, and an open stream keeps no session alive. */
export function createStreams({ clock, timers, log, endIfOver }: Deps) {
  const bySession = new Map<string, Open>()
  const over = new LRUCache<string, { reason: CloseReason, successor: string | null }>({ max: OVER_MAX })
  /** Streams of nobody in particular: only the server's end closes them. */
  const unbound = new Set<Close>()
  let isClosed = false

  async function look(sessionId: string, open: Open): Promise<void> {
    const next = await endIfOver(sessionId)
    if (next !== null) open.lookAt = next
    // It is over already, and whoever ended it has told us, or will.
    else close(sessionId, 'idle')
  }

  function close(sessionId: string, reason: CloseReason): void {
    const open = bySession.get(sessionId)
    bySession.delete(sessionId)
    for (const stream of open?.streams ?? []) stream.close(reason)
  }

  function remove(stream: Stream): void {
    const { home } = stream
    home.streams.delete(stream)
    if (home.streams.size === 0 && bySession.get(home.sessionId) === home) bySession.delete(home.sessionId)
  }

  const stop = timers.every(LOOK_EVERY_MS, () => {
    const now = clock.now().wall
    for (const [sessionId, open] of bySession) {
      if (open.lookAt > now) continue
      open.lookAt = now + LOOK_EVERY_MS
      look(sessionId, open).catch((error: unknown) => log.warn({ error, session: sessionId }, 'could not look whether a session with open streams is over'))
    }
  })

  return {
    /** @param session null: nobody's @returns call it when the stream has ended by itself */
    add(session: LiveSession | null, closer: Close): () => void {
      if (isClosed) {
        closer('going_away')
        return () => {}
      }
      if (session === null) {
        unbound.add(closer)
        return () => unbound.delete(closer)
      }
      // The session may have ended, or been replaced, while the upstream was dialled.
      let id = session.publicId
      for (let end = over.get(id); end !== undefined; end = over.get(id)) {
        if (end.successor === null) {
          closer(end.reason)
          return () => {}
        }
        id = end.successor
      }
      const lookAt = id === session.publicId ? Math.min(session.idleEndsAt, session.absoluteEndsAt) : clock.now().wall
      const home = bySession.get(id) ?? { sessionId: id, streams: new Set<Stream>(), lookAt }
      bySession.set(id, home)
      const stream = { close: closer, home }
      home.streams.add(stream)
      return () => remove(stream)
    },
    /** A session has ended; with a successor, its streams go on as that one's. */
    ended(sessionId: string, reason: EndReason, successor: string | null): void {
      over.set(sessionId, { reason, successor })
      const open = bySession.get(sessionId)
      if (open === undefined) return
      if (successor === null) return close(sessionId, reason)
      bySession.delete(sessionId)
      const home = bySession.get(successor) ?? { sessionId: successor, streams: new Set<Stream>(), lookAt: clock.now().wall }
      bySession.set(successor, home)
      for (const stream of open.streams) {
        stream.home = home
        home.streams.add(stream)
      }
    },
    /** How many are open, of all sessions. */
    count: () => [...bySession.values()].reduce((sum, open) => sum + open.streams.size, 0),
    close(): void {
      stop()
      isClosed = true
      for (const closer of unbound) closer('going_away')
      unbound.clear()
      for (const sessionId of [...bySession.keys()]) close(sessionId, 'going_away')
    },
  }
}

export type Streams = ReturnType<typeof createStreams>
