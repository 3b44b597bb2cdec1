import type { Clock } from '../base/clock.ts'
import { toEmailKey } from '../base/email-key.ts'
import type { Role } from '../contract/wire.ts'
import type { AccountStore } from '../store/types.ts'
import { newAccountRow } from './account.ts'
import type { Accounts } from './account-service.ts'
import { type Actor, originOf } from './actor.ts'
import { decoyOf, estimatedMs, type ForeignHash, parseForeignHash } from './foreign-hashes.ts'
import type { Passwords } from './passwords.ts'

/** Somebody who comes from another system. */
export interface ImportedPerson {
  email: string
  name: string
  roles: Role[]
  disabled: boolean
  /** As the other system stored it, and as `parseForeignHash` reads it; null: they need a link to choose a password. */
  passwordHash: string | null
}

/** `mayNeedLink`: the account has no password, so that a link is how its owner gets in. */
export interface ImportOutcome {
  outcome: 'imported' | 'exists'
  id: string | null
  mayNeedLink: boolean
}

/** Brings in accounts with the password hashes of another system. */
export interface AccountImports {
  /**
   * Creates all accounts that are not there yet, or none.
   * @param isTrial whether to only say what would happen
   * @returns one outcome for each person
   * @throws Problem `registration_closed` if an API manages the accounts; `last_admin` if the site would have accounts
   * and no administrator
   */
  importAll(people: readonly ImportedPerson[], isTrial: boolean, actor: Actor): Promise<ImportOutcome[]>
}

interface Deps {
  store: AccountStore
  accounts: Accounts
  passwords: Pick<Passwords, 'sealImported' | 'imported'>
  clock: Clock
}

export function createAccountImports({ store, accounts, passwords, clock }: Deps): AccountImports {
  function rowOf({ disabled, passwordHash, ...person }: ImportedPerson, at: number) {
    const row = newAccountRow(person, at)
    return {
      ...row,
      disabledAt: disabled ? at : null,
      passwordSealed: passwordHash === null ? null : passwords.sealImported(passwordHash, row.id),
      passwordChangedAt: passwordHash === null ? null : at,
    }
  }

  async function existing({ email }: ImportedPerson): Promise<ImportOutcome | null> {
    const row = await store.findByEmail(toEmailKey(email))
    return row === null
      ? null
      : { outcome: 'exists', id: row.id, mayNeedLink: row.passwordSealed === null && row.disabledAt === null }
  }

  return {
    async importAll(people, isTrial, actor) {
      accounts.requireLocal('accounts')
      const at = clock.now().wall
      const before = await Promise.all(people.map(existing))
      const rows = people.map((person, place) => (before[place] === null ? rowOf(person, at) : null))
      const decoy = slowerOf(people, await store.importDecoy())
      const made = isTrial
        ? []
        : await store.importAll(
            rows.filter(row => row !== null),
            decoy,
            originOf(actor, '', at),
          )
      if (decoy !== null) passwords.imported()
      for (const row of made) accounts.made(row)
      const ids = new Set(made.map(({ id }) => id))
      return rows.map((row, place) => {
        const found = before[place]
        if (row === null) return found ?? { outcome: 'exists', id: null, mayNeedLink: false }
        const isMade = isTrial || ids.has(row.id)
        return {
          outcome: isMade ? 'imported' : 'exists',
          id: ids.has(row.id) ? row.id : null,
          mayNeedLink: ids.has(row.id) && row.passwordSealed === null && row.disabledAt === null,
        }
      })
    },
  }
}

/** A decoy for the slowest hash, if one is slower than the present decoy. */
function slowerOf(people: readonly ImportedPerson[], present: string | null): string | null {
  let slowest: ForeignHash | null = null
  for (const text of [present, ...people.map(({ passwordHash }) => passwordHash)]) {
    const hash = text === null ? '' : parseForeignHash(text)
    if (typeof hash !== 'string' && (slowest === null || estimatedMs(hash) > estimatedMs(slowest))) slowest = hash
  }
  const decoy = slowest === null ? null : decoyOf(slowest)
  return decoy === present ? null : decoy
}
