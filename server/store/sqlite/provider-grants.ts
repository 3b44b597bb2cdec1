import type { UnixMs } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import { positionOf } from '../cursors.ts'
import type { Cursor, ProviderGrantStore } from '../types.ts'
import type { Database } from './database.ts'
import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, lte, ne, type SQL, sql } from './drizzle.ts'
import { type ProviderGrantRow, providerGrants, sessions } from './schema.ts'

const VALUES_MAX = 500

export function providerGrantQueries(db: Database): Omit<ProviderGrantStore, 'endAtProvider'> {
  const byId = db.sql
    .select()
    .from(providerGrants)
    .where(eq(providerGrants.id, sql.placeholder('id')))
    .prepare()
  const living = db.sql
    .select()
    .from(providerGrants)
    .where(
      and(
        eq(providerGrants.sessionId, sql.placeholder('sessionId')),
        eq(providerGrants.provider, sql.placeholder('provider')),
        isNull(providerGrants.endedAt),
      ),
    )
    .prepare()
  const anyOfSession = db.sql
    .select()
    .from(providerGrants)
    .where(eq(providerGrants.sessionId, sql.placeholder('sessionId')))
    .prepare()
  const due = db.sql
    .select()
    .from(providerGrants)
    .where(
      and(
        isNotNull(providerGrants.recheckAt),
        isNull(providerGrants.endedAt),
        lte(providerGrants.recheckAt, sql.placeholder('now')),
      ),
    )
    .orderBy(asc(providerGrants.recheckAt))
    .limit(sql.placeholder('limit'))
    .prepare()
  const intend = db.sql
    .update(providerGrants)
    .set({ refreshingAt: sql`coalesce(${providerGrants.refreshingAt}, ${sql.placeholder('at')})` })
    .where(
      and(
        eq(providerGrants.id, sql.placeholder('id')),
        eq(providerGrants.refreshes, sql.placeholder('refreshes')),
        isNull(providerGrants.endedAt),
      ),
    )
    .prepare()
  const save = db.sql
    .update(providerGrants)
    .set({
      sealed: sql`${sql.placeholder('sealed')}`,
      accessEndsAt: sql`${sql.placeholder('accessEndsAt')}`,
      recheckAt: sql`${sql.placeholder('recheckAt')}`,
      refreshingAt: null,
      refreshes: sql`${providerGrants.refreshes} + 1`,
    })
    .where(
      and(eq(providerGrants.id, sql.placeholder('id')), eq(providerGrants.refreshes, sql.placeholder('refreshes'))),
    )
    .returning()
    .prepare()

  return {
    find: id => db.read(() => byId.get({ id }) ?? null),
    ofSession: (sessionId, provider) => db.read(() => living.get({ sessionId, provider }) ?? null),
    allOfSession: sessionId => db.read(() => anyOfSession.all({ sessionId })),

    park: grant => db.write(() => insertGrant(db, grant)),
    unpark: sessionId =>
      db.write(() => {
        const [parked] = db.sql
          .delete(providerGrants)
          .where(and(eq(providerGrants.sessionId, sessionId), isNull(providerGrants.endedAt)))
          .returning()
          .all()
        return parked ?? null
      }),

    intend: (id, refreshes, at) => db.write(() => intend.run({ id, refreshes, at }).changes === 1),
    withdraw: (id, refreshes) =>
      db.write(
        () =>
          void db.sql
            .update(providerGrants)
            .set({ refreshingAt: null })
            .where(and(eq(providerGrants.id, id), eq(providerGrants.refreshes, refreshes)))
            .run(),
      ),
    save: (id, refreshes, tokens) => db.write(() => save.get({ id, refreshes, ...tokens }) ?? null),
    amend: (id, refreshes, change) =>
      db.write(
        () =>
          db.sql
            .update(providerGrants)
            .set(change)
            .where(and(eq(providerGrants.id, id), eq(providerGrants.refreshes, refreshes)))
            .run().changes === 1,
      ),
    async takeDue(now, limit, putOffUntil) {
      // Usually nothing is due, and a write waits for the disk.
      const found = await db.read(() => due.all({ now, limit }))
      return found.length === 0
        ? []
        : db.write(() => {
            const rows = due.all({ now, limit })
            for (const row of rows)
              db.sql
                .update(providerGrants)
                .set({ recheckAt: putOffUntil(row) })
                .where(eq(providerGrants.id, row.id))
                .run()
            return rows
          })
    },
    stopRechecks: id =>
      db.write(
        () => void db.sql.update(providerGrants).set({ recheckAt: null }).where(eq(providerGrants.id, id)).run(),
      ),
    end: (id, at) =>
      db.write(
        () =>
          db.sql
            .update(providerGrants)
            .set({ endedAt: at })
            .where(and(eq(providerGrants.id, id), isNull(providerGrants.endedAt)))
            .run().changes === 1,
      ),

    isShared: row =>
      db.read(() => {
        // If a provider names its sessions, they show which grants belong together; otherwise that is unknown.
        const sameThere =
          row.providerSid === null
            ? isNull(providerGrants.providerSid)
            : eq(providerGrants.providerSid, row.providerSid)
        return (
          db.sql
            .select({ id: providerGrants.id })
            .from(providerGrants)
            .where(
              and(
                eq(providerGrants.issuer, row.issuer),
                eq(providerGrants.subject, row.subject),
                sameThere,
                ne(providerGrants.id, row.id),
                isNull(providerGrants.endedAt),
                sql`exists (select 1 from ${sessions} where ${sessions.publicId} = ${providerGrants.sessionId} and ${sessions.endedAt} is null)`,
              ),
            )
            .limit(1)
            .get() !== undefined
        )
      }),

    markRevoked: (id, sealed) =>
      db.write(
        () =>
          void (sealed === null
            ? db.sql.delete(providerGrants).where(eq(providerGrants.id, id)).run()
            : db.sql
                .update(providerGrants)
                .set({ sealed, accessEndsAt: null, refreshingAt: null })
                .where(eq(providerGrants.id, id))
                .run()),
      ),
    // Ordered by its index, which contains no active grant: by id, the search would cover all grants.
    over: (before, after, limit) =>
      db.read(() => {
        const found = db.sql
          .select({ row: providerGrants, place: sql<string>`ended_at || '.' || rowid` })
          .from(providerGrants)
          .where(
            and(
              isNotNull(providerGrants.endedAt),
              lt(providerGrants.endedAt, before),
              after === null ? undefined : isAfter(after),
            ),
          )
          .orderBy(asc(providerGrants.endedAt), sql`rowid`)
          .limit(limit)
          .all()
        const next = found.length < limit ? null : (found.at(-1)?.place ?? null)
        return { grants: found.map(({ row }) => row), next }
      }),
    remove: id => db.write(() => void db.sql.delete(providerGrants).where(eq(providerGrants.id, id)).run()),

    sealedGrants: (after, limit) =>
      db.read(() =>
        db.sql
          .select({ id: providerGrants.id, sealed: sql<string>`${providerGrants.sealed}` })
          .from(providerGrants)
          .where(and(gt(providerGrants.id, after), isNotNull(providerGrants.sealed)))
          .orderBy(asc(providerGrants.id))
          .limit(limit)
          .all(),
      ),
    replaceSealed: (before, sealed) =>
      db.write(
        () =>
          db.sql
            .update(providerGrants)
            .set({ sealed })
            .where(and(eq(providerGrants.id, before.id), eq(providerGrants.sealed, before.sealed)))
            .run().changes === 1,
      ),
  }
}

function isAfter(cursor: Cursor): SQL {
  const [endedAt = '', rowid = ''] = cursor.split('.')
  return sql`(ended_at, rowid) > (${positionOf(endedAt)}, ${positionOf(rowid)})`
}

/** Inserts the grant that a session is opened with. Synchronous: part of that transaction. */
export function insertGrant(db: Database, row: ProviderGrantRow): void {
  db.sql.insert(providerGrants).values(row).run()
}

/**
 * Stores a grant for a session that is signed in already. An earlier grant of that provider ends, unless the session
 * was opened by it and it is another identity's: then the session keeps that one, and ends with it. Synchronous: part
 * of the transaction that links the identity.
 * @returns whether it was stored
 * @throws Problem `not_signed_in` if the session has ended
 */
export function linkGrant(db: Database, row: ProviderGrantRow): boolean {
  const session = db.sql
    .select({ endedAt: sessions.endedAt })
    .from(sessions)
    .where(and(eq(sessions.publicId, row.sessionId), eq(sessions.userId, row.userId)))
    .get()
  if (session?.endedAt !== null) throw new Problem('not_signed_in')
  const ofProvider = and(
    eq(providerGrants.sessionId, row.sessionId),
    eq(providerGrants.provider, row.provider),
    isNull(providerGrants.endedAt),
  )
  const earlier = db.sql.select().from(providerGrants).where(ofProvider).get()
  const isSame = earlier?.issuer === row.issuer && earlier.subject === row.subject
  if (earlier?.origin === 'sign_in' && !isSame) return false
  db.sql.update(providerGrants).set({ endedAt: row.createdAt }).where(ofProvider).run()
  // A session opened by this identity depends on it, however often it is linked again.
  insertGrant(db, isSame ? { ...row, origin: earlier.origin } : row)
  return true
}

/**
 * Moves the grants of a session to its successor, except one of the provider that the successor has just signed in
 * with, which ends. Synchronous.
 * @param provider null: every grant moves
 */
export function moveGrants(
  db: Database,
  from: string,
  to: { sessionId: string; userId: string; provider: string | null },
): void {
  db.sql
    .update(providerGrants)
    .set({ sessionId: to.sessionId })
    .where(
      and(
        eq(providerGrants.sessionId, from),
        eq(providerGrants.userId, to.userId),
        isNull(providerGrants.endedAt),
        to.provider === null ? undefined : ne(providerGrants.provider, to.provider),
      ),
    )
    .run()
}

/** Ends the grants of ended sessions: they wait for revocation and logout at the provider. Synchronous. */
export function endGrants(db: Database, sessionIds: readonly string[], at: UnixMs): void {
  // The number of values in a statement is limited.
  for (let start = 0; start < sessionIds.length; start += VALUES_MAX) {
    db.sql
      .update(providerGrants)
      .set({ endedAt: at })
      .where(
        and(
          inArray(providerGrants.sessionId, sessionIds.slice(start, start + VALUES_MAX)),
          isNull(providerGrants.endedAt),
        ),
      )
      .run()
  }
}
