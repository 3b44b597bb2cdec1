import type { EndReason } from '../contract/end-reasons.ts'
import type { EventKind, Role } from '../contract/wire.ts'
import { blob, index, integer, sql, sqliteTable, text } from './drizzle.ts'

// The tables. Times are unix milliseconds. drizzle-kit generates drizzle/*.sql from this file (npm run db:generate);
// drizzle/strict.ts then makes every table STRICT, which drizzle cannot say.

export const accounts = sqliteTable('accounts', {
  id: text().primaryKey(),
  email: text().notNull(),
  /** The address as it is compared: NFC, lower case. */
  emailKey: text().notNull().unique(),
  name: text().notNull(),
  roles: text({ mode: 'json' }).$type<Role[]>().notNull(),
  /** An argon2id string sealed under the `at-rest` purpose with the account's id; null: no password sign-in. */
  passwordSealed: text(),
  passwordChangedAt: integer(),
  createdAt: integer().notNull(),
  disabledAt: integer(),
})

export const sessions = sqliteTable('sessions', {
  /** SHA-256 of the sid, base64url. The sid itself is only in the browser. */
  sidHash: text().primaryKey(),
  /** The id that lists, logs and upstream tokens show. */
  publicId: text().notNull().unique(),
  /** 32 random bytes that go into the refresh token's tag. */
  secret: blob({ mode: 'buffer' }).notNull(),
  userId: text().notNull().references(() => accounts.id, { onDelete: 'cascade' }),
  createdAt: integer().notNull(),
  authTime: integer().notNull(),
  amr: text({ mode: 'json' }).$type<string[]>().notNull(),
  remember: integer({ mode: 'boolean' }).notNull(),
  idleMs: integer().notNull(),
  /** The root key that this session's tags are made under, for its whole life. */
  tagKeyId: text().notNull(),
  /** For device-bound sessions: a JWK thumbprint. */
  boundKey: text(),
  /** Numbers of its own, which only a throwaway session of /proof has; null: the settings'. All three or none. */
  settleMs: integer(),
  lateMs: integer(),
  accessMs: integer(),
  generation: integer().notNull(),
  proven: integer().notNull(),
  provenAt: integer().notNull(),
  rotatedAt: integer().notNull(),
  lastSeenAt: integer().notNull(),
  absoluteEndsAt: integer().notNull(),
  endedAt: integer(),
  endReason: text().$type<EndReason>(),
  userAgent: text().notNull(),
  network: text().notNull(),
}, t => [
  index('sessions_user').on(t.userId, t.endedAt),
  // Housekeeping finds what is over by these two: an hourly look at every session would hold up everybody else.
  index('sessions_ended').on(t.endedAt).where(sql`ended_at is not null`),
  index('sessions_absolute').on(t.absoluteEndsAt).where(sql`ended_at is null`),
])

/** The security log. Rows are written inside the transaction that they record. */
export const events = sqliteTable('events', {
  /** Sorts by time: newest first is a walk backwards over the primary key. */
  id: integer().primaryKey({ autoIncrement: true }),
  at: integer().notNull(),
  kind: text().$type<EventKind>().notNull(),
  userId: text().notNull().references(() => accounts.id, { onDelete: 'cascade' }),
  /** Who did it, where that was another account. */
  byUserId: text(),
  sessionId: text(),
  reason: text().$type<EndReason>(),
  userAgent: text(),
  network: text(),
}, t => [index('events_user').on(t.userId, t.id), index('events_at').on(t.at)])

/** One-time codes: set-up, invitations, password resets. Used by one conditional UPDATE, so that one of many wins. */
export const codes = sqliteTable('codes', {
  id: text().primaryKey(),
  codeHash: text().notNull().unique(),
  kind: text({ enum: ['setup', 'invite', 'reset'] }).notNull(),
  /** reset: whose password. */
  userId: text().references(() => accounts.id, { onDelete: 'cascade' }),
  /** invite: the only address that may use it, or null. */
  email: text(),
  roles: text({ mode: 'json' }).$type<Role[]>().notNull(),
  byUserId: text(),
  createdAt: integer().notNull(),
  endsAt: integer().notNull(),
  usedAt: integer(),
}, t => [index('codes_ends').on(t.endsAt)])

/** Failed sign-ins, counted by account, by device and by network. */
export const throttles = sqliteTable('throttles', {
  key: text().primaryKey(),
  failures: integer().notNull(),
  lastFailureAt: integer().notNull(),
  /** No attempt is judged before this. */
  nextAt: integer().notNull(),
}, t => [index('throttles_last').on(t.lastFailureAt)])

/** Single values: `counter` (compared with the key file's), `write_check` (when the disk last took a write). */
export const meta = sqliteTable('meta', {
  key: text().primaryKey(),
  value: text().notNull(),
})

export type AccountRow = typeof accounts.$inferSelect
export type SessionRow = typeof sessions.$inferSelect
export type EventRow = typeof events.$inferSelect
export type CodeRow = typeof codes.$inferSelect
export type ThrottleRow = typeof throttles.$inferSelect
