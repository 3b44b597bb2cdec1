import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Config } from '../config/types.ts'
import type { ResetLinkAnswer, ResetRequest } from '../contract/wire.ts'
import type { Client, Sessions } from '../session/types.ts'
import type { CodeStore } from '../store/types.ts'
import type { Account } from './account.ts'
import type { Accounts } from './account-service.ts'
import { type Actor, originOf } from './actor.ts'
import { codeLink, codeRow, hashOf, newCode } from './one-time-codes.ts'
import type { PasswordRules } from './password-rules.ts'
import type { Passwords } from './passwords.ts'

/** Sets new passwords by one-time links, for people who have lost theirs. */
export interface Resets {
  /**
   * Creates a link; earlier ones for the same account become void. The password works until the link is used.
   * @throws Problem `not_found`, `account_disabled`; `forbidden` for an account without an address, or if an API
   * manages the passwords
   */
  makeLink(userId: string, actor: Actor): Promise<ResetLinkAnswer>
  /**
   * Sets the new password and ends every session.
   * @throws Problem `invalid_code`, `account_disabled`, or one about the password, after which the link still works
   */
  use(request: ResetRequest, client: Client): Promise<Account>
}

export interface ResetDeps {
  accounts: Accounts
  passwords: Passwords
  passwordRules: PasswordRules
  sessions: Pick<Sessions, 'trim'>
  store: CodeStore
  clock: Clock
  config: Pick<Config, 'publicUrl' | 'linkLives'>
}

export function createResets({
  accounts,
  passwords,
  passwordRules,
  sessions,
  store,
  clock,
  config,
}: ResetDeps): Resets {
  const now = () => clock.now().wall

  return {
    async makeLink(userId, actor) {
      const account = await accounts.find(userId)
      if (account === null) throw new Problem('not_found')
      if (account.disabledAt !== null) throw new Problem('account_disabled')
      if (account.email === null)
        throw new Problem('forbidden', {
          detail:
            'This account has no e-mail address, so it cannot have a password; its owner signs in with a provider.',
        })
      accounts.requireLocal('passwords')
      const code = newCode()
      const row = codeRow(
        code,
        { kind: 'reset', roles: [], email: null, maker: actor },
        now(),
        config.linkLives.resetMs,
      )
      await store.createReset({ ...row, userId }, originOf(actor, userId, row.createdAt))
      return { href: codeLink(config.publicUrl, '/reset', code), endsAt: row.endsAt }
    },

    async use({ code, password }, client) {
      const codeHash = hashOf(new Secret(code))
      const found = await store.find('reset', codeHash, now())
      const account = found === null || found.userId === null ? null : await accounts.find(found.userId)
      if (account === null) throw new Problem('invalid_code')
      await passwordRules.check(password, account)
      const passwordSealed = await passwords.seal(password, account.id, client)
      const origin = originOf({ userId: account.id, sessionId: null, client }, account.id, now())
      await sessions.trim(account.id)
      return accounts.changed(await store.useReset(codeHash, passwordSealed, origin))
    },
  }
}
