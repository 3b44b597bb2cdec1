import type { UnixMs } from '../base/clock.ts'
import { toEmailKey } from '../base/email-key.ts'
import { Problem } from '../base/problem.ts'
import { randomId } from '../base/ids.ts'
import type { Language } from '../contract/languages.ts'
import type { Role, WireUser } from '../contract/wire.ts'
import type { AccountRecord } from '../store/account-types.ts'

/** The account of a request's caller. */
export interface AccountUser extends WireUser {
  /** Since when there is a second factor; null: there is none. */
  secondFactorAt: UnixMs | null
}

/** An account as other rooms see it: without the password. */
export interface Account extends AccountUser {
  createdAt: UnixMs
  disabledAt: UnixMs | null
  hasPassword: boolean
  passwordChangedAt: UnixMs | null
  /** When a factor was last added or removed; null: never. */
  factorsChangedAt: UnixMs | null
  /** In which mail is written; null: unknown. */
  language: Language | null
}

export function toAccount(row: AccountRecord): Account {
  const { id, email, name, roles, createdAt, disabledAt, passwordChangedAt, language } = row
  const { secondFactorAt, factorsChangedAt } = row
  const emailVerified = row.emailVerifiedAt !== null
  const hasPassword = row.passwordSealed !== null
  return {
    id,
    email,
    emailVerified,
    name,
    roles,
    createdAt,
    disabledAt,
    passwordChangedAt,
    hasPassword,
    language,
    secondFactorAt,
    factorsChangedAt,
  }
}

/** The record of a new account, without a password yet. Lone surrogates, which databases do not store, are replaced. */
export function newAccountRow(
  person: { email: string | null; name: string; roles: Role[] },
  at: UnixMs,
): AccountRecord {
  const email = person.email?.toWellFormed() ?? null
  return {
    id: randomId(),
    email,
    emailKey: email === null ? null : toEmailKey(email),
    emailVerifiedAt: null,
    mailRefusedAt: null,
    name: person.name.toWellFormed(),
    roles: normalRoles(person.roles),
    passwordSealed: null,
    passwordChangedAt: null,
    createdAt: at,
    disabledAt: null,
    language: null,
    secondFactorAt: null,
    factorsChangedAt: null,
  }
}

/**
 * Each role once, in a fixed order; every account is a user.
 * @throws Problem `invalid_body` if there is none
 */
export function normalRoles(roles: readonly Role[]): Role[] {
  if (roles.length === 0) throw new Problem('invalid_body', { fields: { roles: 'At least one role is needed.' } })
  return roles.includes('admin') ? ['admin', 'user'] : ['user']
}
