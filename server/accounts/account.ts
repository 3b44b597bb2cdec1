import type { UnixMs } from '../base/clock.ts'
import { toEmailKey } from '../base/email-key.ts'
import { Problem } from '../base/problem.ts'
import { randomId } from '../base/ids.ts'
import type { Role, WireUser } from '../contract/wire.ts'
import type { AccountRecord } from '../store/types.ts'

/** The account of a request's caller. */
export interface AccountUser extends WireUser {
  /** Whether someone who checks addresses vouches for `email`. */
  emailVerified: boolean
}

/** An account as other rooms see it: without the password. */
export interface Account extends AccountUser {
  createdAt: UnixMs
  disabledAt: UnixMs | null
  hasPassword: boolean
  passwordChangedAt: UnixMs | null
}

export function toAccount(row: AccountRecord): Account {
  const { id, email, name, roles, createdAt, disabledAt, passwordChangedAt } = row
  const emailVerified = row.emailVerifiedAt !== null
  const hasPassword = row.passwordSealed !== null
  return { id, email, emailVerified, name, roles, createdAt, disabledAt, passwordChangedAt, hasPassword }
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
    name: person.name.toWellFormed(),
    roles: normalRoles(person.roles),
    passwordSealed: null,
    passwordChangedAt: null,
    createdAt: at,
    disabledAt: null,
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
