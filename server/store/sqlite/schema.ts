import type { EndReason } from '../../contract/end-reasons.ts'
import type { EventKind, Role } from '../../contract/wire.ts'
import { blob, index, integer, sql, sqliteTable, text, uniqueIndex } from './drizzle.ts'
import type {
  AccountRecord,
  CodeRecord,
  EventRecord,
  IdentityRecord,
  ProviderGrantRecord,
  SessionRecord,
  ThrottleRecord,
} from '../types.ts'

// The tables. Times are unix milliseconds. drizzle-kit generates drizzle/*.sql from this file (npm run db:generate);
// drizzle/strict.ts then makes every table STRICT, which drizzle cannot say.

export const accounts = sqliteTable(
  'accounts',
  {
    id: text().primaryKey(),
    /** null: made by a provider that vouched for no address. Always null together with `emailKey`. */
    email: text(),
    /** The address as it is compared: NFC, lower case. */
    emailKey: text().unique(),
    name: text().notNull(),
    roles: text({ mode: 'json' }).$type<Role[]>().notNull(),
    /** An argon2id string sealed under the `at-rest` purpose with the account's id; null: no password sign-in. */
    passwordSealed: text(),
    passwordChangedAt: integer(),
    createdAt: integer().notNull(),
    disabledAt: integer(),
  },
  t => [index('accounts_created').on(t.createdAt)],
)

export const sessions = sqliteTable(
  'sessions',
  {
    /** SHA-256 of the sid, base64url. The sid itself is only in the browser. */
    sidHash: text().primaryKey(),
    /** The id that lists, logs and upstream tokens show. */
    publicId: text().notNull().unique(),
    /** 32 random bytes that go into the refresh token's tag. */
    secret: blob({ mode: 'buffer' }).notNull(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    createdAt: integer().notNull(),
    authTime: integer().notNull(),
    amr: text({ mode: 'json' }).$type<string[]>().notNull(),
    remember: integer({ mode: 'boolean' }).notNull(),
    idleMs: integer().notNull(),
    /** The root key that this session's tags are made under, for its whole life. */
    tagKeyId: text().notNull(),
    /** For device-bound sessions: a JWK thumbprint. */
    boundKey: text(),
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
  },
  t => [
    index('sessions_user').on(t.userId, t.endedAt),
    // Housekeeping finds what is over by these two: an hourly look at every session would hold up everybody else.
    index('sessions_ended')
      .on(t.endedAt)
      .where(sql`ended_at is not null`),
    index('sessions_absolute')
      .on(t.absoluteEndsAt)
      .where(sql`ended_at is null`),
  ],
)

/**
 * The security log. Rows are written inside the transaction that they record. A trigger of the migrations keeps the
 * newest 200 of each kind for an account: one kind that somebody makes grow pushes out no other.
 */
export const events = sqliteTable(
  'events',
  {
    /** Sorts by time: newest first is a walk backwards over the primary key. */
    id: integer().primaryKey({ autoIncrement: true }),
    at: integer().notNull(),
    kind: text().$type<EventKind>().notNull(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** Who did it, where that was another account. */
    byUserId: text(),
    sessionId: text(),
    reason: text().$type<EndReason>(),
    userAgent: text(),
    network: text(),
  },
  t => [
    index('events_user').on(t.userId, t.id),
    index('events_user_kind').on(t.userId, t.kind, t.id),
    index('events_at').on(t.at),
  ],
)

/** One-time codes: set-up, invitations, password resets. Used by one conditional UPDATE, so that one of many wins. */
export const codes = sqliteTable(
  'codes',
  {
    id: text().primaryKey(),
    codeHash: text().notNull().unique(),
    kind: text({ enum: ['setup', 'invite', 'reset'] }).notNull(),
    /** reset: whose password. */
    userId: text().references(() => accounts.id, { onDelete: 'cascade' }),
    /** invite: the only address that may use it, or null. */
    email: text(),
    roles: text({ mode: 'json' }).$type<Role[]>().notNull(),
    /** Which administrator made it, and in which session (its public id); null: the command line. */
    byUserId: text(),
    bySessionId: text(),
    createdAt: integer().notNull(),
    endsAt: integer().notNull(),
    /** When it was used, or voided. */
    usedAt: integer(),
  },
  t => [index('codes_ends').on(t.endsAt), index('codes_user').on(t.userId), index('codes_by_user').on(t.byUserId)],
)

/** Failed sign-ins, counted by account, by device and by network. */
export const throttles = sqliteTable(
  'throttles',
  {
    key: text().primaryKey(),
    failures: integer().notNull(),
    lastFailureAt: integer().notNull(),
    /** No attempt is judged before this. */
    nextAt: integer().notNull(),
  },
  t => [index('throttles_last').on(t.lastFailureAt)],
)

/**
 * Accounts elsewhere that sign people in here. Keyed by what the provider calls them, never by e-mail (OIDC Core §5.7).
 */
export const identities = sqliteTable(
  'identities',
  {
    id: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** The id of the provider in the configuration. */
    provider: text().notNull(),
    issuer: text().notNull(),
    subject: text().notNull(),
    /** As the provider said it last, if it vouches for it; never looked up by. */
    email: text(),
    emailVerified: integer({ mode: 'boolean' }).notNull(),
    /** What a person recognises it by: a name or an address. */
    label: text().notNull(),
    /**
     * The public id of the session in which it was linked; null: the account was made with it, or the command line
     * linked it.
     */
    linkedIn: text(),
    createdAt: integer().notNull(),
    lastUsedAt: integer().notNull(),
  },
  t => [uniqueIndex('identities_subject').on(t.issuer, t.subject), index('identities_user').on(t.userId)],
)

/** What a provider granted: one row for each session that was born of a sign-in there, or linked with one. */
export const providerGrants = sqliteTable(
  'provider_grants',
  {
    id: text().primaryKey(),
    /**
     * The session's public id. A grant outlives its session until it is revoked at the provider, so this is no
     * reference.
     */
    sessionId: text().notNull(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    provider: text().notNull(),
    issuer: text().notNull(),
    subject: text().notNull(),
    /** The provider's own session (`sid`, OIDC Back-Channel Logout §2.1). */
    providerSid: text(),
    /** Whether the session rests on it, or only has it. */
    origin: text('birth', { enum: ['sign_in', 'link'] }).notNull(),
    /** The tokens as JSON, sealed under the `at-rest` purpose with the row's id; null: nothing here needs them. */
    sealed: text(),
    accessEndsAt: integer(),
    /**
     * Written before a refresh token is shown to the provider and cleared with its answer: one that is still there
     * after a restart tells of a token that may have been used up.
     */
    refreshingAt: integer(),
    refreshes: integer().notNull(),
    createdAt: integer().notNull(),
    /** What the session's ID token is signed with: a logout token is signed alike. null: there is none */
    idTokenAlg: text(),
    /** When roles and standing are looked at again, whether or not anybody needs a token; null: never. */
    recheckAt: integer(),
    /** The session is over: the grant waits for revocation and logout at the provider. */
    endedAt: integer(),
  },
  t => [
    uniqueIndex('provider_grants_session')
      .on(t.sessionId, t.provider)
      .where(sql`ended_at is null`),
    // Also for what ended sessions left, which the one above leaves out.
    index('provider_grants_any_session').on(t.sessionId),
    index('provider_grants_sid').on(t.issuer, t.providerSid),
    index('provider_grants_subject').on(t.issuer, t.subject),
    index('provider_grants_recheck')
      .on(t.recheckAt)
      .where(sql`recheck_at is not null and ended_at is null`),
    index('provider_grants_ended')
      .on(t.endedAt)
      .where(sql`ended_at is not null`),
  ],
)

/** Names that may be used once until they run out: transactions of a sign-in, ids of logout tokens. */
export const singleUses = sqliteTable(
  'single_uses',
  {
    key: text().primaryKey(),
    endsAt: integer().notNull(),
  },
  t => [index('single_uses_ends').on(t.endsAt)],
)

/** Single values: `counter` (compared with the key file's), `write_check` (when the disk last took a write). */
export const meta = sqliteTable('meta', {
  key: text().primaryKey(),
  value: text().notNull(),
})

/** A row, which has the fields of its record and no others: where they differ this is `never`, and nothing compiles. */
type RowOf<R, Row> = [R, Row] extends [Row, R] ? Row : never

export type AccountRow = RowOf<AccountRecord, typeof accounts.$inferSelect>
export type SessionRow = RowOf<SessionRecord, typeof sessions.$inferSelect>
export type EventRow = RowOf<EventRecord, typeof events.$inferSelect>
export type IdentityRow = RowOf<IdentityRecord, typeof identities.$inferSelect>
export type ProviderGrantRow = RowOf<ProviderGrantRecord, typeof providerGrants.$inferSelect>
export type CodeRow = RowOf<CodeRecord, typeof codes.$inferSelect>
export type ThrottleRow = RowOf<ThrottleRecord, typeof throttles.$inferSelect>
