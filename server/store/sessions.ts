import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Database } from './database.ts'
import { and, desc, eq, everyColumn, isNull, ne, sql } from './drizzle.ts'
import { endGrants, insertGrant, moveGrants } from './provider-grants.ts'
import { accounts, events, identities, type ProviderGrantRow, sessions, type SessionRow } from './schema.ts'
import { voidCodes, voidCodesExceptIn, voidMadeIn } from './voiding.ts'

/** A session that has just been ended, as everybody else needs to know it. */
export interface EndedSession { sidHash: string, publicId: string, userId: string, reason: EndReason, endedAt: UnixMs }

/** What a decision on a session row may do to it. */
export type SessionChange =
  /** `generation` g → g+1, with g proven: the client has shown it. */
  | { kind: 'rotate', at: UnixMs, lastSeenAt: UnixMs }
  | { kind: 'end', at: UnixMs, reason: EndReason, lastSeenAt: UnixMs }

/** What memory knows and the row does not yet. `proven` is written only where `generation` is still the same. */
export interface SessionProgress { sidHash: string, generation: number, proven: { at: UnixMs } | null, lastSeenAt: UnixMs }

export interface SessionStore {
  find(sidHash: string): Promise<SessionRow | null>
  findByPublicId(publicId: string): Promise<SessionRow | null>
  /** Inserts a session and ends the one it replaces, in one transaction, with their log rows. What providers granted to the
   * one that is replaced goes over to it, where it is the same person's.
   * @param grant what a provider granted with this sign-in @param judgedAt when the password was looked up @throws Problem `account_disabled`, `invalid_credentials` when that changed meanwhile, `login_expired` when the way in was removed */
  insert(row: SessionRow, replaces: string | null, judgedAt: UnixMs | null, grant: ProviderGrantRow | null): Promise<EndedSession[]>
  /** Hands the row as it is now to `decide` and does what it says, in one transaction: no decision rests on a cached row.
   * @returns the row afterwards, or null when there is none */
  change(sidHash: string, decide: (row: SessionRow) => SessionChange | null): Promise<SessionRow | null>
  end(publicId: string, why: { reason: EndReason, at: UnixMs, userId: string | null, byUserId: string | null }): Promise<EndedSession | null>
  endOf(userId: string, why: { reason: EndReason, at: UnixMs, except: string | null, byUserId: string | null }): Promise<EndedSession[]>
  endEvery(why: { reason: EndReason, at: UnixMs }): Promise<EndedSession[]>
  /** Living sessions of one person, newest first, without throwaway ones. One past its idle end is still listed until something judges it. */
  list(userId: string): Promise<SessionRow[]>
  saveProgress(batch: readonly SessionProgress[]): Promise<void>
  /** Calls back for sessions that ended with one that `end` or `change` ended: they came in by a way that was linked in it. */
  onEndedBeside(listener: (ended: EndedSession[]) => void): void
}

export function sessionQueries(db: Database): SessionStore {
  const byHash = db.sql.select().from(sessions).where(eq(sessions.sidHash, sql.placeholder('sidHash'))).prepare()
  const byPublicId = db.sql.select().from(sessions).where(eq(sessions.publicId, sql.placeholder('publicId'))).prepare()
  const ownerOf = db.sql.select({ disabledAt: accounts.disabledAt, changedAt: accounts.passwordChangedAt }).from(accounts)
    .where(eq(accounts.id, sql.placeholder('userId'))).prepare()
  const stillLinked = db.sql.select({ id: identities.id }).from(identities)
    .where(and(eq(identities.issuer, sql.placeholder('issuer')), eq(identities.subject, sql.placeholder('subject')), eq(identities.userId, sql.placeholder('userId')))).prepare()
  const insert = db.sql.insert(sessions).values(everyColumn(sessions)).prepare()
  const logSignIn = db.sql.insert(events).values({
    at: sql.placeholder('createdAt'), kind: 'signed_in', userId: sql.placeholder('userId'), sessionId: sql.placeholder('publicId'),
    userAgent: sql.placeholder('userAgent'), network: sql.placeholder('network'),
  }).prepare()
  const rotate = db.sql.update(sessions)
    .set({
      generation: sql`${sessions.generation} + 1`,
      proven: sql`${sessions.generation}`,
      rotatedAt: sql`${sql.placeholder('at')}`,
      lastSeenAt: sql`${sql.placeholder('lastSeenAt')}`,
    })
    .where(and(eq(sessions.sidHash, sql.placeholder('sidHash')), eq(sessions.generation, sql.placeholder('generation'))))
    .returning().prepare()
  const prove = db.sql.update(sessions)
    .set({ proven: sql`${sessions.generation}`, provenAt: sql`${sql.placeholder('at')}` })
    .where(and(eq(sessions.sidHash, sql.placeholder('sidHash')), eq(sessions.generation, sql.placeholder('generation'))))
    .prepare()
  const see = db.sql.update(sessions)
    .set({ lastSeenAt: sql`max(${sessions.lastSeenAt}, ${sql.placeholder('lastSeenAt')})` })
    .where(eq(sessions.sidHash, sql.placeholder('sidHash')))
    .prepare()
  const listed = db.sql.select().from(sessions)
    .where(and(eq(sessions.userId, sql.placeholder('userId')), isNull(sessions.endedAt), isNull(sessions.accessMs)))
    .orderBy(desc(sessions.createdAt)).prepare()

  let endedBeside: (ended: EndedSession[]) => void = () => {}
  function first([ended, ...beside]: SessionRow[]): SessionRow | undefined {
    if (beside.length > 0) db.after(() => endedBeside(beside.map(toEnded)))
    return ended
  }

  function applyEnd(row: SessionRow, change: Extract<SessionChange, { kind: 'end' }>): SessionRow {
    const ended = first(endRows(db, eq(sessions.sidHash, row.sidHash), { reason: change.reason, at: change.at, byUserId: null, lastSeenAt: change.lastSeenAt }))
    return ended ?? row
  }

  return {
    find: sidHash => db.read(() => byHash.get({ sidHash }) ?? null),
    findByPublicId: publicId => db.read(() => byPublicId.get({ publicId }) ?? null),

    insert: (row, replaces, judgedAt, grant) => db.write(() => {
      // Hashing takes a while: what it proved may not be true any more.
      const account = ownerOf.get({ userId: row.userId })
      if (account === undefined || account.disabledAt !== null) throw new Problem('account_disabled')
      if (judgedAt !== null && (account.changedAt ?? 0) > judgedAt) throw new Problem('invalid_credentials')
      if (grant !== null && stillLinked.get(grant) === undefined) throw new Problem('login_expired')
      if (replaces !== null && isLogged(row)) moveGrants(db, replaces, { sessionId: row.publicId, userId: row.userId, provider: grant?.provider ?? null })
      const ended = replaces === null
        ? []
        : endRows(db, eq(sessions.publicId, replaces), { reason: 'replaced', at: row.createdAt, byUserId: null })
      insert.run(row)
      if (grant !== null) insertGrant(db, { ...grant, sessionId: row.publicId })
      if (isLogged(row)) logSignIn.run(row)
      return ended.map(toEnded)
    }),

    change: (sidHash, decide) => db.write(() => {
      const row = byHash.get({ sidHash })
      if (row === undefined) return null
      const change = decide(row)
      if (change === null) return row
      if (change.kind === 'end') return applyEnd(row, change)
      return rotate.get({ sidHash, generation: row.generation, at: change.at, lastSeenAt: change.lastSeenAt }) ?? row
    }),

    end: (publicId, why) => db.write(() => {
      const owner = why.userId === null ? undefined : eq(sessions.userId, why.userId)
      const ended = first(endRows(db, and(eq(sessions.publicId, publicId), owner), why))
      return ended === undefined ? null : toEnded(ended)
    }),

    endOf: (userId, why) => db.write(() => endSessionsOf(db, { userId, ...why })),
    endEvery: why => db.write(() => endEverySession(db, why)),
    list: userId => db.read(() => listed.all({ userId })),

    saveProgress: batch => db.write(() => {
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

/** Ends a person's living sessions and writes their log rows. Synchronous: for use inside a `db.write` of any store file. */
export function endSessionsOf(db: Database, which: { userId: string, except: string | null, reason: EndReason, at: UnixMs, byUserId: string | null }): EndedSession[] {
  if (which.except === null) voidCodes(db, which.userId, { ...which, network: null })
  else voidCodesExceptIn(db, which.userId, which.except, { ...which, network: null })
  const except = which.except === null ? undefined : ne(sessions.publicId, which.except)
  return endRows(db, and(eq(sessions.userId, which.userId), except), which).map(toEnded)
}

/** The same for sessions by their public ids. */
export function endSessionsNamed(db: Database, publicIds: readonly string[], why: { reason: EndReason, at: UnixMs }): EndedSession[] {
  return publicIds.flatMap(publicId => endRows(db, eq(sessions.publicId, publicId), { ...why, byUserId: null })).map(toEnded)
}

/** The same for everybody's: after a restore, or when keys were compromised. */
export function endEverySession(db: Database, why: { reason: EndReason, at: UnixMs }): EndedSession[] {
  return endRows(db, undefined, { ...why, byUserId: null }).map(toEnded)
}

function endRows(db: Database, where: ReturnType<typeof and>, why: { reason: EndReason, at: UnixMs, byUserId: string | null, lastSeenAt?: UnixMs | undefined }): SessionRow[] {
  const ended = db.sql.update(sessions)
    .set({ endedAt: why.at, endReason: why.reason, ...(why.lastSeenAt === undefined ? {} : { lastSeenAt: why.lastSeenAt }) })
    .where(and(where, isNull(sessions.endedAt)))
    .returning().all()
  endGrants(db, ended.map(row => row.publicId), why.at)
  const beside = ended.filter(isLogged).flatMap(row => voidMadeIn(db, row, why))
  for (const row of ended.filter(isLogged)) {
    db.sql.insert(events).values({
      at: why.at, kind: 'session_ended', userId: row.userId, byUserId: why.byUserId, sessionId: row.publicId,
      reason: why.reason, userAgent: row.userAgent, network: row.network,
    }).run()
  }
  return [...ended, ...beside.flatMap(publicId => endRows(db, eq(sessions.publicId, publicId), { ...why, reason: 'signed_out_elsewhere', lastSeenAt: undefined }))]
}

/** A throwaway session is nobody's sign-in: a theft that was staged must not alarm whoever watched it. */
function isLogged(row: SessionRow): boolean {
  return row.accessMs === null
}

function toEnded(row: SessionRow): EndedSession {
  if (row.endedAt === null || row.endReason === null) throw new Error('a session that was to be ended is not')
  return { sidHash: row.sidHash, publicId: row.publicId, userId: row.userId, reason: row.endReason, endedAt: row.endedAt }
}
