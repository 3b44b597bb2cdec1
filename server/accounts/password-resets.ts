import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Config } from '../config/types.ts'
import type { Language } from '../contract/languages.ts'
import type { ResetLinkAnswer, ResetRequest } from '../contract/wire.ts'
import type { Letters } from '../mail/letters.ts'
import type { Client, Sessions } from '../session/types.ts'
import type { CodeStore, ThrottleStore } from '../store/types.ts'
import type { Account } from './account.ts'
import type { Accounts } from './account-service.ts'
import { type Actor, OPERATOR, originOf } from './actor.ts'
import { toEmailKey } from '../base/email-key.ts'
import { forgotKey } from '../store/throttle-keys.ts'
import { countedNetworks } from './client-network.ts'
import { countUnder, CROWD, NETWORK, type Policy } from './credential-throttle.ts'
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
   * Mails a link to the account with that address, if there is one. Takes as long for an unknown address, and neither
   * the answer nor an error tells the two apart (ASVS 6.3.8).
   * @throws Problem `mail_unavailable` without a mail server; `forbidden` if an API manages the passwords; `slow_down`
   */
  mailLink(email: string, client: Client, language: Language): Promise<void>
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
  store: { codes: CodeStore; throttles: ThrottleStore }
  /** null: no mail is configured. */
  letters: Letters | null
  clock: Clock
  config: Pick<Config, 'publicUrl' | 'linkLives'>
}

export function createResets({
  accounts,
  passwords,
  passwordRules,
  sessions,
  store,
  letters,
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
      await store.codes.createReset({ ...row, userId }, originOf(actor, userId, row.createdAt))
      return { href: codeLink(config.publicUrl, '/reset', code), endsAt: row.endsAt }
    },

    async mailLink(email, client, language) {
      if (letters === null) throw new Problem('mail_unavailable')
      accounts.requireLocal('passwords')
      const emailKey = toEmailKey(email)
      await countUnder(store.throttles, forgotCounts(client.network), now())
      const code = newCode()
      const lifeMs = config.linkLives.resetMs
      const row = codeRow(code, { kind: 'reset', roles: [], email: emailKey, maker: OPERATOR }, now(), lifeMs)
      const href = new Secret(codeLink(config.publicUrl, '/reset', code))
      const letter = letters.write(
        { kind: 'reset', userId: null, address: email, language, codeHash: row.codeHash },
        { href, lifeMs, by: '' },
      )
      await store.codes.mailReset(row, letter, originOf({ userId: null, sessionId: null, client }, '', row.createdAt))
    },

    async use({ code, password }, client) {
      const codeHash = hashOf(new Secret(code))
      const found = await store.codes.find('reset', codeHash, now())
      const account = found === null || found.userId === null ? null : await accounts.find(found.userId)
      if (account === null) throw new Problem('invalid_code')
      await passwordRules.check(password, account)
      const passwordSealed = await passwords.seal(password, account.id, client)
      const origin = originOf({ userId: account.id, sessionId: null, client }, account.id, now())
      await sessions.trim(account.id)
      return accounts.changed(await store.codes.useReset(codeHash, passwordSealed, origin))
    },
  }
}

/** Requests are counted whether or not the address is known. */
function forgotCounts(network: string): (readonly [key: string, policy: Policy])[] {
  const { own, crowd } = countedNetworks(network)
  return [[forgotKey(own), NETWORK], ...(crowd === null ? [] : [[forgotKey(crowd), CROWD] as const])]
}
