import type { UnixMs } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import { positionOf } from '../cursors.ts'
import { chooseExcess, END_BATCH, ENDED_KEPT_MAX, refuseEnded, toEnded } from '../session-rules.ts'
import type { AccountRecord } from '../account-types.ts'
import type {
  EndedBatch,
  EndedSession,
  EventRecord,
  NewSession,
  SessionLimit,
  SessionRecord,
  SessionStore,
} from '../types.ts'

/** What decides whether a session may be opened for an account. */
export type SessionOwner = Pick<AccountRecord, 'roles' | 'disabledAt' | 'passwordChangedAt'>

interface Deps {
  accountOf: (userId: string) => SessionOwner | null
  records: Map<string, SessionRecord>
  record: (event: Omit<EventRecord, 'id'>) => void
}

interface Why {
  reason: EndReason
  at: UnixMs
  byUserId: string | null
  lastSeenAt?: UnixMs
}

/** The number of records kept in total: beyond it, ended ones are dropped, the oldest first. */
const KEPT_MAX = 10_000

export function memorySessions({ accountOf, records, record }: Deps): SessionStore {
  /** A session's position in order of creation. */
  const places = new Map<string, number>()
  let lastPlace = 0

  const all = () => [...records.values()]
  const get = (publicId: string) => all().find(one => one.publicId === publicId)
  const livingOf = (userId: string) => all().filter(one => one.userId === userId && one.endedAt === null)

  function end(sessions: readonly SessionRecord[], { reason, at, byUserId, ...seen }: Why): EndedSession[] {
    return sessions
      .filter(one => one.endedAt === null)
      .map(one => {
        const over: SessionRecord = { ...one, ...seen, endedAt: at, endReason: reason }
        records.set(one.sidHash, over)
        log(over, { kind: 'session_ended', at, byUserId, reason })
        return toEnded(over)
      })
  }

  function log(
    { userId, publicId: sessionId, userAgent, network }: SessionRecord,
    what: Pick<EventRecord, 'kind' | 'at' | 'byUserId' | 'reason'>,
  ): void {
    record({ ...what, userId, sessionId, userAgent, network })
  }

  function endExcess(userId: string, limit: SessionLimit): EndedBatch {
    const chosen = chooseExcess(livingOf(userId), limit)
    const over = chosen.slice(0, END_BATCH)
    const ended = over.flatMap(({ sidHash, reason }) =>
      end(
        [records.get(sidHash)].filter(one => one !== undefined),
        { reason, at: limit.at, byUserId: null },
      ),
    )
    return { ended, more: over.length < chosen.length }
  }

  function forget(sessions: readonly SessionRecord[]): void {
    for (const { sidHash } of sessions) {
      records.delete(sidHash)
      places.delete(sidHash)
    }
  }

  /** Keeps ended sessions within their bounds, per account and in total. */
  function forgetOld(userId: string, now: UnixMs): void {
    const ended = all().filter(one => one.userId === userId && one.endedAt !== null)
    if (ended.length > ENDED_KEPT_MAX)
      forget(ended.sort((a, b) => Number(b.endedAt) - Number(a.endedAt)).slice(ENDED_KEPT_MAX))
    const isOver = ({ endedAt, absoluteEndsAt }: SessionRecord) => endedAt !== null || absoluteEndsAt <= now
    if (records.size > KEPT_MAX)
      forget(
        all()
          .filter(isOver)
          .slice(0, records.size - KEPT_MAX),
      )
  }

  function insert({ session, replaces, passwordSetAt, grant, limit }: NewSession): EndedBatch {
    const account = accountOf(session.userId)
    if (account === null || account.disabledAt !== null) throw new Problem('account_disabled')
    if (passwordSetAt !== null && account.passwordChangedAt !== passwordSetAt) throw new Problem('invalid_credentials')
    if (grant !== null) throw new Problem('login_expired')
    const replaced = replaces === null ? undefined : get(replaces.publicId)
    if (replaces?.onlyLiving) refuseEnded(replaced)
    if (records.has(session.sidHash) || get(session.publicId) !== undefined) throw new Error('a session exists already')
    const at = session.createdAt
    const ended = replaced === undefined ? [] : end([replaced], { reason: 'replaced', at, byUserId: null })
    records.set(session.sidHash, copy(session))
    places.set(session.sidHash, ++lastPlace)
    log(session, { kind: 'signed_in', at, byUserId: null, reason: null })
    forgetOld(session.userId, at)
    const excess = limit === null ? { ended: [], more: false } : endExcess(session.userId, limit)
    return { ended: [...ended, ...excess.ended], more: excess.more }
  }

  const change: SessionStore['change'] = (sidHash, decide) =>
    inTurn(() => {
      const before = records.get(sidHash)
      if (before === undefined) return null
      const decided = decide(copy(before))
      const { change: wanted } = decided
      let ended: EndedSession[] = []
      if (wanted?.kind === 'end') {
        const { at, reason, lastSeenAt } = wanted
        ended = end([before], { reason, at, byUserId: null, lastSeenAt })
      } else if (wanted?.kind === 'rotate') {
        const { generation } = before
        const { at: rotatedAt, lastSeenAt } = wanted
        records.set(sidHash, { ...before, generation: generation + 1, proven: generation, rotatedAt, lastSeenAt })
      }
      return { session: copy(records.get(sidHash) ?? before), decided, ended }
    })

  return {
    find: async sidHash => copyOrNull(records.get(sidHash)),
    findByPublicId: async publicId => copyOrNull(get(publicId)),
    insert: opening => inTurn(() => insert(opening)),
    endExcess: (userId, limit) => inTurn(() => endExcess(userId, limit)),
    change,

    end: (publicId, { userId, from, reason, at, byUserId }) =>
      inTurn(() => {
        if (from !== undefined) refuseEnded(get(from))
        const found = get(publicId)
        const isTheirs = found !== undefined && (userId === null || found.userId === userId)
        return isTheirs ? end([found], { reason, at, byUserId }) : []
      }),

    endOf: (userId, { except, ...why }) =>
      inTurn(() => {
        if (except !== null) refuseEnded(get(except))
        if (why.byUserId !== null && !isAdministrator(accountOf(why.byUserId))) throw new Problem('forbidden')
        const others = livingOf(userId).filter(one => one.publicId !== except)
        const ended = end(others.slice(0, END_BATCH), why)
        return { ended, more: ended.length >= END_BATCH }
      }),

    async page(userId, after, limit) {
      const before = after === null ? Infinity : positionOf(after)
      const place = (one: SessionRecord) => places.get(one.sidHash) ?? 0
      const rest = livingOf(userId).filter(one => place(one) < before)
      const sessions = rest.reverse().slice(0, limit)
      const last = sessions.at(-1)
      const next = last === undefined || sessions.length === rest.length ? null : String(place(last))
      return { sessions: sessions.map(copy), next }
    },

    saveProgress: batch =>
      inTurn(() => {
        for (const { sidHash, generation, proven, lastSeenAt } of batch) {
          const one = records.get(sidHash)
          if (one === undefined) continue
          const isProven = proven !== null && one.generation === generation
          records.set(sidHash, {
            ...one,
            lastSeenAt: Math.max(one.lastSeenAt, lastSeenAt),
            ...(isProven ? { proven: generation, provenAt: proven.at } : {}),
          })
        }
      }),
  }
}

/**
 * Works in a later turn of the event loop, in call order, so that callers cannot rely on more than a disk would
 * guarantee.
 */
function inTurn<T>(work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(work())
      } catch (error) {
        reject(error)
      }
    })
  })
}

function copy(session: SessionRecord): SessionRecord {
  return { ...session, secret: Buffer.from(session.secret), amr: [...session.amr] }
}

function copyOrNull(session: SessionRecord | undefined): SessionRecord | null {
  return session === undefined ? null : copy(session)
}

function isAdministrator(account: SessionOwner | null): boolean {
  return account !== null && account.disabledAt === null && account.roles.includes('admin')
}
