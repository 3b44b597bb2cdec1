import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Database } from './database.ts'
import { and, eq, everyColumn, sql } from './drizzle.ts'
import { insertGrant, moveGrants } from './provider-grants.ts'
import { accounts, events, identities, type ProviderGrantRow, sessions, type SessionRow } from './schema.ts'
import { endBatchOf, type EndedSession, endRows, isLogged, toEnded } from './session-ends.ts'
import { type SessionLimit, sessionLimits } from './session-limit.ts'
import { moveMade, requireLiving } from './voiding.ts'

/** What a decision on a session row may do to it. */
export type SessionChange =
  /** `generation` g → g+1, with g proven: the client has shown it. */
  | { kind: 'rotate'; at: UnixMs; lastSeenAt: UnixMs }
  | { kind: 'end'; at: UnixMs; reason: EndReason; lastSeenAt: UnixMs }

/** What memory knows and the row does not yet. `proven` is written only where `generation` is still the same. */
export interface SessionProgress {
  sidHash: string
  generation: number
  proven: { at: UnixMs } | null
  lastSeenAt: UnixMs
}

/** The session whose place a new one takes. `onlyLiving`: not once it is over. */
interface Replaced {
  publicId: string
  onlyLiving: boolean
}

export interface SessionStore {
  find(sidHash: string): Promise<SessionRow | null>
  findByPublicId(publicId: string): Promise<SessionRow | null>
  /** Inserts a session and ends the one it replaces, in one transaction, with their log rows. What providers granted to
   * the
   * one that is replaced, and what was made in it, goes over to it, where it is the same person's.
   * @param limit what the person then has beyond it ends, too; null: no limit
   * @param grant what a provider granted with this sign-in @param passwordSetAt when the password that was shown was
   * set @throws Problem `account_disabled`, `invalid_credentials` when that changed meanwhile, `session_replaced` or
   * `not_signed_in` when what it replaces is over, `login_expired` when the way in was removed */
  insert(
    row: SessionRow,
    replaces: Replaced | null,
    passwordSetAt: UnixMs | null,
    grant: ProviderGrantRow | null,
    limit: SessionLimit | null,
  ): Promise<{ ended: EndedSession[]; more: boolean }>
  /**
   * Ends what a person has beyond the limit, throwaway sessions apart: those past their end first, then the ones idle
   * longest.
   * @returns those that it ended, a batch at most, and whether there may be more
   */
  endExcess(userId: string, limit: SessionLimit): Promise<{ ended: EndedSession[]; more: boolean }>
  /**
   * Hands the row as it is now to `decide` and does what it says, in one transaction: no decision rests on a cached
   * row.
   * @returns the row afterwards, or null when there is none
   */
  change(sidHash: string, decide: (row: SessionRow) => SessionChange | null): Promise<SessionRow | null>
  /**
   * @param why.from the session that asks for it, if any
   * @throws Problem `session_replaced`, `not_signed_in` when that one is over
   */
  end(
    publicId: string,
    why: { reason: EndReason; at: UnixMs; userId: string | null; byUserId: string | null; from?: string },
  ): Promise<EndedSession | null>
  /**
   * Ends a person's living sessions, a batch of them at most.
   * @returns what it ended, and whether there may be more
   */
  endOf(
    userId: string,
    why: { reason: EndReason; at: UnixMs; except: string | null; byUserId: string | null },
  ): Promise<{ ended: EndedSession[]; more: boolean }>
  /**
   * Living sessions of one person, newest first, without throwaway ones. One past its idle end is still listed until
   * something judges it.
   * @param before the `place` of the last one of the page before, or null for the first page
   */
  page(userId: string, before: number | null, limit: number): Promise<(SessionRow & { place: number })[]>
  saveProgress(batch: readonly SessionProgress[]): Promise<void>
  /**
   * Calls back for sessions that ended with one that `end` or `change` ended: they came in by a way that was linked in
   * it.
   */
  onEndedBeside(listener: (ended: EndedSession[]) => void): void
}

export function sessionQueries(db: Database): SessionStore {
  const byHash = db.sql
    .select()
    .from(sessions)
    .where(eq(sessions.sidHash, sql.placeholder('sidHash')))
    .prepare()
  const byPublicId = db.sql
    .select()
    .from(sessions)
    .where(eq(sessions.publicId, sql.placeholder('publicId')))
    .prepare()
  const ownerOf = db.sql
    .select({ disabledAt: accounts.disabledAt, changedAt: accounts.passwordChangedAt })
    .from(accounts)
    .where(eq(accounts.id, sql.placeholder('userId')))
    .prepare()
  const stillLinked = db.sql
    .select({ id: identities.id })
    .from(identities)
    .where(
      and(
        eq(identities.issuer, sql.placeholder('issuer')),
        eq(identities.subject, sql.placeholder('subject')),
        eq(identities.userId, sql.placeholder('userId')),
      ),
    )
    .prepare()
  const insert = db.sql.insert(sessions).values(everyColumn(sessions)).prepare()
  const logSignIn = db.sql
    .insert(events)
    .values({
      at: sql.placeholder('createdAt'),
      kind: 'signed_in',
      userId: sql.placeholder('userId'),
      sessionId: sql.placeholder('publicId'),
      userAgent: sql.placeholder('userAgent'),
      network: sql.placeholder('network'),
    })
    .prepare()
  const rotate = db.sql
    .update(sessions)
    .set({
      generation: sql`${sessions.generation} + 1`,
      proven: sql`${sessions.generation}`,
      rotatedAt: sql`${sql.placeholder('at')}`,
      lastSeenAt: sql`${sql.placeholder('lastSeenAt')}`,
    })
    .where(
      and(eq(sessions.sidHash, sql.placeholder('sidHash')), eq(sessions.generation, sql.placeholder('generation'))),
    )
    .returning()
    .prepare()
  const prove = db.sql
    .update(sessions)
    .set({ proven: sql`${sessions.generation}`, provenAt: sql`${sql.placeholder('at')}` })
    .where(
      and(eq(sessions.sidHash, sql.placeholder('sidHash')), eq(sessions.generation, sql.placeholder('generation'))),
    )
    .prepare()
  const see = db.sql
    .update(sessions)
    .set({ lastSeenAt: sql`max(${sessions.lastSeenAt}, ${sql.placeholder('lastSeenAt')})` })
    .where(eq(sessions.sidHash, sql.placeholder('sidHash')))
    .prepare()
  // By the index of a person's sessions, which is in the order of their making.
  const page = db.sql
    .select({ row: sessions, place: sql<number>`rowid` })
    .from(sessions)
    .where(
      and(
        sql`${sessions.userId} = ${sql.placeholder('userId')} and ${sessions.endedAt} is null and ${sessions.accessMs} is null`,
        sql`rowid < ${sql.placeholder('before')}`,
      ),
    )
    .orderBy(sql`rowid desc`)
    .limit(sql.placeholder('limit'))
    .prepare()
  const limits = sessionLimits(db)

  let endedBeside: (ended: EndedSession[]) => void = () => {}
  function first([ended, ...beside]: SessionRow[]): SessionRow | undefined {
    if (beside.length > 0) db.after(() => endedBeside(beside.map(toEnded)))
    return ended
  }

  function applyEnd(row: SessionRow, change: Extract<SessionChange, { kind: 'end' }>): SessionRow {
    const ended = first(
      endRows(db, eq(sessions.sidHash, row.sidHash), {
        reason: change.reason,
        at: change.at,
        byUserId: null,
        lastSeenAt: change.lastSeenAt,
      }),
    )
    return ended ?? row
  }

  return {
    find: sidHash => db.read(() => byHash.get({ sidHash }) ?? null),
    findByPublicId: publicId => db.read(() => byPublicId.get({ publicId }) ?? null),

    insert: (row, replaces, passwordSetAt, grant, limit) =>
      db.write(() => {
        // Hashing takes a while: what it proved may not be true any more.
        const account = ownerOf.get({ userId: row.userId })
        if (account === undefined || account.disabledAt !== null) throw new Problem('account_disabled')
        // Another time, not a later one: a clock that was ahead when it was set has come back since.
        if (passwordSetAt !== null && account.changedAt !== passwordSetAt) throw new Problem('invalid_credentials')
        if (grant !== null && stillLinked.get(grant) === undefined) throw new Problem('login_expired')
        if (replaces?.onlyLiving) requireLiving(db, replaces.publicId)
        if (replaces !== null && isLogged(row)) {
          moveMade(db, replaces.publicId, row)
          moveGrants(db, replaces.publicId, {
            sessionId: row.publicId,
            userId: row.userId,
            provider: grant?.provider ?? null,
          })
        }
        const ended =
          replaces === null
            ? []
            : endRows(db, eq(sessions.publicId, replaces.publicId), {
                reason: 'replaced',
                at: row.createdAt,
                byUserId: null,
              })
        insert.run(row)
        if (grant !== null) insertGrant(db, { ...grant, sessionId: row.publicId })
        if (isLogged(row)) logSignIn.run(row)
        limits.forgetOld(row.userId)
        const excess = limit === null ? { ended: [], more: false } : limits.endExcess(row.userId, limit)
        return { ended: [...ended.map(toEnded), ...excess.ended], more: excess.more }
      }),

    change: (sidHash, decide) =>
      db.write(() => {
        const row = byHash.get({ sidHash })
        if (row === undefined) return null
        const change = decide(row)
        if (change === null) return row
        if (change.kind === 'end') return applyEnd(row, change)
        return rotate.get({ sidHash, generation: row.generation, at: change.at, lastSeenAt: change.lastSeenAt }) ?? row
      }),

    end: (publicId, why) =>
      db.write(() => {
        requireLiving(db, why.from ?? null)
        const owner = why.userId === null ? undefined : eq(sessions.userId, why.userId)
        const ended = first(endRows(db, and(eq(sessions.publicId, publicId), owner), why))
        return ended === undefined ? null : toEnded(ended)
      }),

    endExcess: (userId, limit) => db.write(() => limits.endExcess(userId, limit)),
    endOf: (userId, why) => db.write(() => endBatchOf(db, { userId, ...why })),
    page: (userId, before, limit) =>
      db.read(() =>
        page
          .all({ userId, before: before ?? Number.MAX_SAFE_INTEGER, limit })
          .map(({ row, place }) => ({ ...row, place })),
      ),

    saveProgress: batch =>
      db.write(() => {
        for (const { sidHash, generation, proven, lastSeenAt } of batch) {
          if (proven !== null) prove.run({ sidHash, generation, at: proven.at })
          see.run({ sidHash, lastSeenAt })
        }
      }),

    onEndedBeside(listener) {
      endedBeside = listener
    },
  }
}
