import { LRUCache } from 'lru-cache'
import { MINUTE, type Now, type SteadyMs, type UnixMs } from '../base/clock.ts'
import type { SessionProgress, SessionRecord } from '../store/types.ts'
import type { Judgement, SessionRuntime } from './judge.ts'

export interface TrackedRuntime extends SessionRuntime {
  proven: { generation: number; at: SteadyMs; wall: UnixMs; saved: boolean } | null
  savedLastSeenAt: UnixMs
  /** The access token sealed last, so that concurrent requests share one. */
  sealed: SealedAccess | null
}

export interface SealedAccess {
  generation: number
  madeAt: SteadyMs
  endsAt: UnixMs
  token: string
}

const ROWS_MAX = 20_000
/** How often last seen is written while it changes. */
const SEEN_SAVED_EVERY_MS = MINUTE - 10_000

/**
 * A bounded cache of rows, and next to it, never evicted too early, the state that the rules need and the disk lacks.
 */
export function createRuntimes(deps: { graceMs: number; startedAt: SteadyMs }) {
  const rows = new LRUCache<string, SessionRecord>({ max: ROWS_MAX })
  const runtimes = new Map<string, TrackedRuntime>()
  /** Sessions that were just replaced, and their successors. */
  const successors = new LRUCache<string, { sidHash: string; at: SteadyMs }>({ max: ROWS_MAX })
  // Incremented by every change: a read that began before one must not be cached after it.
  let epoch = 0

  function fresh(row: SessionRecord, now: Now): TrackedRuntime {
    const rotatedAt = now.steady - Math.max(0, now.wall - row.rotatedAt)
    return {
      issuedAt: Math.max(rotatedAt, deps.startedAt),
      seen: null,
      proven: null,
      lastSeenAt: row.lastSeenAt,
      replacedAt: null,
      savedLastSeenAt: row.lastSeenAt,
      sealed: null,
    }
  }

  /** What is known of a session. Changes nothing: for use inside a transaction. */
  function peekRuntime(row: SessionRecord, now: Now): Readonly<TrackedRuntime> {
    return runtimes.get(row.sidHash) ?? fresh(row, now)
  }

  /** The same, remembered from now on. */
  function runtimeOf(row: SessionRecord, now: Now): TrackedRuntime {
    const known = runtimes.get(row.sidHash)
    if (known !== undefined) return known
    const created = fresh(row, now)
    runtimes.set(row.sidHash, created)
    return created
  }

  return {
    epoch: () => epoch,
    cached: (sidHash: string): SessionRecord | undefined => rows.get(sidHash),
    peekRuntime,
    runtimeOf,

    /** Caches a row if nothing has changed since the read began. */
    keepRead(row: SessionRecord, readAt: number) {
      if (readAt === epoch) rows.set(row.sidHash, row)
    },
    keepWritten(row: SessionRecord) {
      epoch++
      rows.set(row.sidHash, row)
    },
    drop(sidHash: string) {
      epoch++
      rows.delete(sidHash)
    },
    markEnded(sidHash: string, end: Pick<SessionRecord, 'endedAt' | 'endReason'>) {
      epoch++
      const row = rows.get(sidHash)
      if (row !== undefined) rows.set(sidHash, { ...row, ...end })
      runtimes.delete(sidHash)
    },

    /** Records that another session replaced this one. */
    replaced(sidHash: string, by: SessionRecord, now: Now) {
      successors.set(sidHash, { sidHash: by.sidHash, at: now.steady })
    },
    /**
     * When a session was replaced by one that is still active: whatever ended its successor (a sign-out, a new
     * password) was meant for its tokens, too.
     * @returns null also after a restart, when this is unknown
     */
    replacedAt(sidHash: string): SteadyMs | null {
      const first = successors.get(sidHash)
      if (first === undefined) return null
      let last = first
      for (let later = successors.get(last.sidHash); later !== undefined; later = successors.get(last.sidHash))
        last = later
      return rows.get(last.sidHash)?.endedAt === null ? first.at : null
    },

    /** When the session was last seen according to memory: 0 if unknown. */
    lastSeenAt: (sidHash: string): UnixMs => runtimes.get(sidHash)?.lastSeenAt ?? 0,

    /** A generation has just been sent, for the first time or again. */
    issued(of: TrackedRuntime, now: Now) {
      of.issuedAt = now.steady
    },
    rotated(of: TrackedRuntime, now: Now) {
      of.issuedAt = now.steady
      of.seen = null
      of.proven = null
    },
    note(of: TrackedRuntime, generation: number, judgement: Judgement, now: Now) {
      if (judgement.presents) of.seen = generation
      if (judgement.proves) of.proven = { generation, at: now.steady, wall: now.wall, saved: false }
    },
    active(of: TrackedRuntime, now: Now) {
      of.lastSeenAt = Math.max(of.lastSeenAt, now.wall)
    },

    /** What has to be written now; `all` at shutdown, or else a last-seen time only about once a minute. */
    unsaved(now: Now, all: boolean): SessionProgress[] {
      const batch: SessionProgress[] = []
      for (const [sidHash, of] of runtimes) {
        const proven = of.proven !== null && !of.proven.saved ? of.proven : null
        const seenMoved = of.lastSeenAt > of.savedLastSeenAt
        if (proven === null && !(seenMoved && (all || now.wall - of.savedLastSeenAt >= SEEN_SAVED_EVERY_MS))) continue
        batch.push({
          sidHash,
          generation: proven?.generation ?? 0,
          proven: proven === null ? null : { at: proven.wall },
          lastSeenAt: of.lastSeenAt,
        })
      }
      return batch
    },
    saved(batch: readonly SessionProgress[]) {
      for (const { sidHash, generation, proven, lastSeenAt } of batch) {
        const of = runtimes.get(sidHash)
        const row = rows.get(sidHash)
        if (row !== undefined) {
          const isProven = proven !== null && row.generation === generation
          rows.set(sidHash, { ...row, lastSeenAt, ...(isProven ? { proven: generation, provenAt: proven.at } : {}) })
        }
        if (of === undefined) continue
        of.savedLastSeenAt = Math.max(of.savedLastSeenAt, lastSeenAt)
        if (of.proven !== null && of.proven.generation === generation) of.proven.saved = true
      }
    },
    /** Drops what is on disk by now and no rule needs in memory any more. */
    sweep(now: Now) {
      for (const [sidHash, of] of runtimes) {
        const recent =
          now.steady - of.issuedAt <= deps.graceMs ||
          (of.proven !== null && (!of.proven.saved || now.steady - of.proven.at <= deps.graceMs))
        if (!recent && of.lastSeenAt <= of.savedLastSeenAt) runtimes.delete(sidHash)
      }
    },
    /** The number of sessions with state beyond their row. */
    size: () => runtimes.size,
  }
}

export type Runtimes = ReturnType<typeof createRuntimes>
