import type { EndReason } from '../../contract/end-reasons.ts'
import type { Language } from '../../contract/languages.ts'
import type { MailKind } from '../../contract/mail-kinds.ts'
import type { EventKind, Role } from '../../contract/wire.ts'
import type { PasskeyRecord, RecoveryCodeRecord, TotpRecord } from '../factor-types.ts'
import type { MailOutcome, MailRecord } from '../mail-types.ts'
import { blob, index, integer, sql, sqliteTable, text, uniqueIndex } from './drizzle.ts'
import type { AccountRecord } from '../account-types.ts'
import type {
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
    /** null: created by a provider that did not vouch for an address. Always null together with `emailKey`. */
    email: text(),
    /** The address in the form that is compared: NFC, lower case. */
    emailKey: text().unique(),
    /** When its owner, or a provider that vouches for it, first showed that `email` is theirs; null: nobody has. */
    emailVerifiedAt: integer(),
    /** When a mail server last refused mail to `email` for good; null: it has not, or has taken mail since. */
    mailRefusedAt: integer(),
    name: text().notNull(),
    roles: text({ mode: 'json' }).$type<Role[]>().notNull(),
    /** An argon2id string sealed under the `at-rest` purpose with the account's id; null: no password sign-in. */
    passwordSealed: text(),
    passwordChangedAt: integer(),
    createdAt: integer().notNull(),
    disabledAt: integer(),
    /** In which mail is written: of the pages at the latest sign-in; null: unknown. */
    language: text().$type<Language>(),
    /** Since when there is a second factor; null: there is none. */
    secondFactorAt: integer(),
    /** When a factor was last added or removed; null: never. */
    factorsChangedAt: integer(),
  },
  t => [index('accounts_created').on(t.createdAt)],
)

export const sessions = sqliteTable(
  'sessions',
  {
    /** SHA-256 of the sid, base64url. The sid itself is only in the browser. */
    sidHash: text().primaryKey(),
    /** The id that lists, logs and upstream tokens contain. */
    publicId: text().notNull().unique(),
    /** 32 random bytes that are part of the refresh token's tag. */
    secret: blob({ mode: 'buffer' }).notNull(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    createdAt: integer().notNull(),
    authTime: integer().notNull(),
    amr: text({ mode: 'json' }).$type<string[]>().notNull(),
    remember: integer({ mode: 'boolean' }).notNull(),
    idleMs: integer().notNull(),
    /** The root key that this session's tags are made with, for its whole lifetime. */
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
    // Housekeeping finds ended sessions by these two: an hourly scan of every session would block other requests.
    index('sessions_ended')
      .on(t.endedAt)
      .where(sql`ended_at is not null`),
    index('sessions_absolute')
      .on(t.absoluteEndsAt)
      .where(sql`ended_at is null`),
  ],
)

/**
 * The security log. Rows are written inside the transaction that they record. A trigger in the migrations keeps the
 * newest 200 of each kind per account, so that no kind can crowd out another.
 */
export const events = sqliteTable(
  'events',
  {
    /** Sorts by time: newest first is a backwards walk over the primary key. */
    id: integer().primaryKey({ autoIncrement: true }),
    at: integer().notNull(),
    kind: text().$type<EventKind>().notNull(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** The other account that did it, if any. */
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

/**
 * One-time codes: setup, invitations, password resets, addresses. Used by one conditional UPDATE, so that only one
 * concurrent use succeeds.
 */
export const codes = sqliteTable(
  'codes',
  {
    id: text().primaryKey(),
    codeHash: text().notNull().unique(),
    kind: text({ enum: ['setup', 'invite', 'reset', 'email', 'email_restore'] }).notNull(),
    /** reset: whose password. email, email_restore: whose address. */
    userId: text().references(() => accounts.id, { onDelete: 'cascade' }),
    /**
     * In the form that is compared. invite: the only address that may use it, or null. reset: the address that it was
     * mailed to, or null. email: the address to confirm. email_restore: the address to restore, which nobody else can
     * take until then.
     */
    email: text(),
    /** Where it was mailed, as typed: whoever uses it has that address. null: it was handed over. */
    address: text(),
    roles: text({ mode: 'json' }).$type<Role[]>().notNull(),
    /** The administrator who created it, and the public id of their session; null: the command line. */
    byUserId: text(),
    bySessionId: text(),
    createdAt: integer().notNull(),
    endsAt: integer().notNull(),
    /** When it was used or voided. */
    usedAt: integer(),
  },
  t => [
    index('codes_ends').on(t.endsAt),
    index('codes_user').on(t.userId),
    index('codes_by_user').on(t.byUserId),
    index('codes_held')
      .on(t.email)
      .where(sql`kind = 'email_restore'`),
  ],
)

/** Failed sign-ins, counted by account, by device and by network. */
export const throttles = sqliteTable(
  'throttles',
  {
    key: text().primaryKey(),
    failures: integer().notNull(),
    lastFailureAt: integer().notNull(),
    /** No attempt is judged before this time. */
    nextAt: integer().notNull(),
  },
  t => [index('throttles_last').on(t.lastFailureAt)],
)

/** Linked identities that sign users in here. Keyed by issuer and subject, never by e-mail (OIDC Core §5.7). */
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
    /** As last reported by the provider, if it vouches for it; never used for look-ups. */
    email: text(),
    emailVerified: integer({ mode: 'boolean' }).notNull(),
    /** How a user recognises it: a name or an address. */
    label: text().notNull(),
    /**
     * The public id of the session in which it was linked; null: the account was created with it, or the command line
     * linked it.
     */
    linkedIn: text(),
    createdAt: integer().notNull(),
    lastUsedAt: integer().notNull(),
  },
  t => [uniqueIndex('identities_subject').on(t.issuer, t.subject), index('identities_user').on(t.userId)],
)

/** What a provider granted: one row per session that was opened by a sign-in there, or linked with one. */
export const providerGrants = sqliteTable(
  'provider_grants',
  {
    id: text().primaryKey(),
    /**
     * The session's public id. Not a foreign key, because a grant outlives its session until it is revoked at the
     * provider.
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
    /** Whether the session depends on it, or only has it. */
    origin: text('birth', { enum: ['sign_in', 'link'] }).notNull(),
    /** The tokens as JSON, sealed under the `at-rest` purpose with the row's id; null: none are needed. */
    sealed: text(),
    accessEndsAt: integer(),
    /**
     * Written before a refresh token is sent to the provider, and cleared with its response: if still set after a
     * restart, the token may have been consumed.
     */
    refreshingAt: integer(),
    refreshes: integer().notNull(),
    createdAt: integer().notNull(),
    /** The algorithm of the session's ID token, which logout tokens must use, too. null: there is none */
    idTokenAlg: text(),
    /** When roles and account status are rechecked, whether or not a token is needed; null: never. */
    recheckAt: integer(),
    /** Set once the grant has ended: it waits for revocation and logout at the provider. */
    endedAt: integer(),
  },
  t => [
    uniqueIndex('provider_grants_session')
      .on(t.sessionId, t.provider)
      .where(sql`ended_at is null`),
    // Also covers ended grants, which the index above omits.
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

/** Mails that wait to be sent, written in the transaction of what they tell; those that were sent limit further ones. */
export const mails = sqliteTable(
  'mails',
  {
    id: text().primaryKey(),
    kind: text().$type<MailKind>().notNull(),
    userId: text().references(() => accounts.id, { onDelete: 'cascade' }),
    address: text().notNull(),
    addressKey: text().notNull(),
    language: text().$type<Language>(),
    /** Under the `at-rest` purpose with the row's id. */
    sealed: text(),
    codeHash: text(),
    byUserId: text(),
    userAgent: text(),
    network: text(),
    createdAt: integer().notNull(),
    nextAt: integer().notNull(),
    attempts: integer().notNull(),
    doubts: integer().notNull(),
    startedAt: integer(),
    endedAt: integer(),
    outcome: text().$type<MailOutcome>(),
  },
  t => [
    index('mails_address').on(t.addressKey, t.kind, t.createdAt),
    index('mails_user').on(t.userId),
    index('mails_due')
      .on(t.nextAt)
      .where(sql`ended_at is null`),
    index('mails_ended')
      .on(t.endedAt)
      .where(sql`ended_at is not null`),
  ],
)

/** Authenticator apps: at most one confirmed per account, and one that is being set up. */
export const totps = sqliteTable(
  'totps',
  {
    id: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** The shared secret, under the `at-rest` purpose with the row's id. */
    sealed: text().notNull(),
    /** The newest time step (RFC 6238 §4.2) whose code was used: neither it nor an earlier one is accepted again. */
    lastStep: integer().notNull(),
    createdAt: integer().notNull(),
    /** null: it is being set up, and cannot sign in. */
    confirmedAt: integer(),
  },
  t => [
    uniqueIndex('totps_confirmed')
      .on(t.userId)
      .where(sql`confirmed_at is not null`),
    uniqueIndex('totps_pending')
      .on(t.userId)
      .where(sql`confirmed_at is null`),
  ],
)

/** Recovery codes: a set is made at once, and replaces the one before. */
export const recoveryCodes = sqliteTable(
  'recovery_codes',
  {
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** An argon2id string; all of a set have the same salt, so that a code is compared with all of them by one hash. */
    codeHash: text().notNull(),
    createdAt: integer().notNull(),
    usedAt: integer(),
  },
  t => [uniqueIndex('recovery_codes_hash').on(t.userId, t.codeHash)],
)

/** WebAuthn credentials. */
export const passkeys = sqliteTable(
  'passkeys',
  {
    id: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' }),
    /** base64url */
    credentialId: text().notNull().unique(),
    /** A COSE key (RFC 9052 §7). */
    publicKey: blob({ mode: 'buffer' }).notNull(),
    /** The signature counter of the last use (WebAuthn L3 §6.1.1); 0 where the authenticator has none. */
    counter: integer().notNull(),
    transports: text({ mode: 'json' }).$type<string[]>().notNull(),
    deviceType: text({ enum: ['singleDevice', 'multiDevice'] }).notNull(),
    backedUp: integer({ mode: 'boolean' }).notNull(),
    aaguid: text().notNull(),
    name: text().notNull(),
    createdAt: integer().notNull(),
    lastUsedAt: integer(),
  },
  t => [index('passkeys_user').on(t.userId, t.createdAt)],
)

/** The random handle by which authenticators know an account (WebAuthn L3 §14.6.1). */
export const userHandles = sqliteTable('user_handles', {
  userId: text()
    .primaryKey()
    .references(() => accounts.id, { onDelete: 'cascade' }),
  /** 32 random bytes, base64url. */
  handle: text().notNull().unique(),
})

/** Names that may be used once until they expire: sign-in transactions, ids of logout tokens. */
export const singleUses = sqliteTable(
  'single_uses',
  {
    key: text().primaryKey(),
    endsAt: integer().notNull(),
  },
  t => [index('single_uses_ends').on(t.endsAt)],
)

/** Single values: `counter` (compared with the key file's), `write_check` (when the disk last took a write),
 * `backup_at` (when the last backup was written). */
export const meta = sqliteTable('meta', {
  key: text().primaryKey(),
  value: text().notNull(),
})

/** A row type with exactly the fields of its record: if they differ, this is `never` and nothing compiles. */
type RowOf<R, Row> = [R, Row] extends [Row, R] ? Row : never

export type AccountRow = RowOf<AccountRecord, typeof accounts.$inferSelect>
export type SessionRow = RowOf<SessionRecord, typeof sessions.$inferSelect>
export type EventRow = RowOf<EventRecord, typeof events.$inferSelect>
export type IdentityRow = RowOf<IdentityRecord, typeof identities.$inferSelect>
export type ProviderGrantRow = RowOf<ProviderGrantRecord, typeof providerGrants.$inferSelect>
export type CodeRow = RowOf<CodeRecord, typeof codes.$inferSelect>
export type MailRow = RowOf<MailRecord, typeof mails.$inferSelect>
export type ThrottleRow = RowOf<ThrottleRecord, typeof throttles.$inferSelect>
export type TotpRow = RowOf<TotpRecord, typeof totps.$inferSelect>
export type RecoveryCodeRow = RowOf<RecoveryCodeRecord, typeof recoveryCodes.$inferSelect>
export type PasskeyRow = RowOf<PasskeyRecord, typeof passkeys.$inferSelect>
