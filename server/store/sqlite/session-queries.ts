import { Problem } from '../../base/problem.ts'
import type { Database } from './database.ts'
import { and, eq, everyColumn, sql } from './drizzle.ts'
import { insertGrant, moveGrants } from './provider-grants.ts'
import { queueNotice } from './mails.ts'
import { accounts, events, identities, sessions, type SessionRow } from './schema.ts'
import { endBatchOf, endRows } from './session-ends.ts'
import { sessionLimits } from './session-limit.ts'
import { positionOf } from '../cursors.ts'
import { toEnded } from '../session-rules.ts'
import type { EndedSession, SessionChange, SessionStore } from '../types.ts'
import { moveMade, requireLiving } from './voiding.ts'

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
  // Uses the index of an account's sessions, which is in order of creation.
  const page = db.sql
    .select({ row: sessions, place: sql<number>`rowid` })
    .from(sessions)
    .where(
      and(
        sql`${sessions.userId} = ${sql.placeholder('userId')} and ${sessions.endedAt} is null`,
        sql`rowid < ${sql.placeholder('before')}`,
      ),
    )
    .orderBy(sql`rowid desc`)
    .limit(sql.placeholder('limit'))
    .prepare()
  const limits = sessionLimits(db)

  function apply(row: SessionRow, change: SessionChange): { session: SessionRow; ended: EndedSession[] } {
    const { sidHash, generation } = row
    const { at, lastSeenAt } = change
    if (change.kind === 'rotate')
      return { session: rotate.get({ sidHash, generation, at, lastSeenAt }) ?? row, ended: [] }
    const why = { reason: change.reason, at, byUserId: null, lastSeenAt }
    const ended = endRows(db, eq(sessions.sidHash, sidHash), why)
    return { session: ended[0] ?? row, ended: ended.map(toEnded) }
  }

  return {
    find: sidHash => db.read(() => byHash.get({ sidHash }) ?? null),
    findByPublicId: publicId => db.read(() => byPublicId.get({ publicId }) ?? null),

    insert: ({ session: row, replaces, passwordSetAt, grant, limit, newDevice }) =>
      db.writePatiently(() => {
        // Hashing takes a while, so what it proved may no longer be true.
        const account = ownerOf.get({ userId: row.userId })
        if (account === undefined || account.disabledAt !== null) throw new Problem('account_disabled')
        // Compared for equality, because a clock that was ahead at the time may have been set back since.
        if (passwordSetAt !== null && account.changedAt !== passwordSetAt) throw new Problem('invalid_credentials')
        if (grant !== null && stillLinked.get({ ...grant }) === undefined) throw new Problem('login_expired')
        if (replaces?.onlyLiving) requireLiving(db, replaces.publicId)
        if (replaces !== null) {
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
        if (newDevice) tellOfNewDevice(db, row)
        insert.run({ ...row })
        if (grant !== null) insertGrant(db, { ...grant, sessionId: row.publicId })
        logSignIn.run({ ...row })
        limits.forgetOld(row.userId)
        const excess = limit === null ? { ended: [], more: false } : limits.endExcess(row.userId, limit)
        return { ended: [...ended.map(toEnded), ...excess.ended], more: excess.more }
      }),

    change: (sidHash, decide) =>
      db.write(() => {
        const row = byHash.get({ sidHash })
        if (row === undefined) return null
        const decided = decide(row)
        const { change } = decided
        return { decided, ...(change === null ? { session: row, ended: [] } : apply(row, change)) }
      }),

    end: (publicId, why) =>
      db.write(() => {
        requireLiving(db, why.from ?? null)
        const owner = why.userId === null ? undefined : eq(sessions.userId, why.userId)
        return endRows(db, and(eq(sessions.publicId, publicId), owner), why).map(toEnded)
      }),

    endExcess: (userId, limit) => db.write(() => limits.endExcess(userId, limit)),
    endOf: (userId, why) => db.write(() => endBatchOf(db, { userId, ...why })),
    page: (userId, after, limit) =>
      db.read(() => {
        const before = after === null ? Number.MAX_SAFE_INTEGER : positionOf(after)
        const found = page.all({ userId, before, limit: limit + 1 })
        const shown = found.slice(0, limit)
        const next = found.length > limit ? String(shown.at(-1)?.place) : null
        return { sessions: shown.map(({ row }) => row), next }
      }),

    saveProgress: batch =>
      db.write(() => {
        for (const { sidHash, generation, proven, lastSeenAt } of batch) {
          if (proven !== null) prove.run({ sidHash, generation, at: proven.at })
          see.run({ sidHash, lastSeenAt })
        }
      }),
  }
}

/** Not about the first sign-in of all, nor in a browser that shares its cookie with another account. */
function tellOfNewDevice(db: Database, { userId, userAgent, network, createdAt }: SessionRow): void {
  const { isSame = null } =
    db.sql
      .select({
        isSame: sql<number | null>`max(${sessions.userAgent} = ${userAgent} and ${sessions.network} = ${network})`,
      })
      .from(sessions)
      .where(eq(sessions.userId, userId))
      .get() ?? {}
  const isFirst = isSame === null
  if (isFirst || isSame === 1) return
  queueNotice(db, 'new_device', userId, { at: createdAt, byUserId: null, userAgent, network })
}
