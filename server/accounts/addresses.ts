import { type Clock, DAY, MINUTE } from '../base/clock.ts'
import { toEmailKey } from '../base/email-key.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Config } from '../config/types.ts'
import type { Language } from '../contract/languages.ts'
import type { EmailAnswer, RestoreEmailRequest } from '../contract/wire.ts'
import type { Letters } from '../mail/letters.ts'
import type { Client, Sessions } from '../session/types.ts'
import { emailKeyOf, emailNetworkKey } from '../store/throttle-keys.ts'
import type { AddressStore, CodeRecord, CodeStore, MailedCode, ThrottleStore } from '../store/types.ts'
import type { Account } from './account.ts'
import type { Accounts } from './account-service.ts'
import { type Actor, OPERATOR, originOf } from './actor.ts'
import { countedNetworks } from './client-network.ts'
import { countUnder, CROWD, NETWORK, type Policy } from './credential-throttle.ts'
import { codeLink, codeRow, hashOf, newCode } from './one-time-codes.ts'
import type { PasswordRules } from './password-rules.ts'
import type { Passwords } from './passwords.ts'

/** Confirms the addresses of accounts, changes them, and restores earlier ones. */
export interface Addresses {
  /** The account's address, and the one that it has asked for. */
  of(account: Pick<Account, 'id' | 'email' | 'emailVerified'>): Promise<EmailAnswer>
  /**
   * Mails a link to an address, the account's own or a new one, which confirms it; until then nothing changes. Nobody
   * learns here whether another account has that address (ASVS 6.3.8).
   * @param language of the mail, unless the account's is known
   * @throws Problem `mail_unavailable` without a mail server; `forbidden` if an API manages the accounts;
   * `slow_down`; `account_disabled`, `not_signed_in`, `session_replaced`
   */
  ask(account: Pick<Account, 'id'>, email: string, actor: Actor & { client: Client }, language: Language): Promise<void>
  /** @throws Problem `not_found` if there is nothing to withdraw */
  cancel(userId: string, actor: Actor): Promise<void>
  /**
   * The link proves the mailbox, the session the account. Either alone is not enough: somebody else could otherwise be
   * led to confirm that a stranger's account has their address.
   * @throws Problem `invalid_code`, `email_taken`, `limit_reached`, `slow_down`; otherwise as `ask`
   */
  confirm(userId: string, code: string, actor: Actor): Promise<Account>
  /**
   * Gives an account back to whoever has its earlier address: with a new password if it has one, and without the
   * sessions, codes and sign-in methods of the time since.
   * @throws Problem `invalid_code`, `account_disabled`, `email_taken`; one about the password, after which the link
   * still works: `invalid_body` if it is missing
   */
  restore(request: RestoreEmailRequest, client: Client): Promise<Account>
}

export interface AddressDeps {
  accounts: Accounts
  passwords: Passwords
  passwordRules: PasswordRules
  sessions: Pick<Sessions, 'trim'>
  store: { addresses: AddressStore; codes: CodeStore; throttles: ThrottleStore }
  /** null: no mail is configured. */
  letters: Letters | null
  clock: Clock
  config: Pick<Config, 'publicUrl'>
}

/** It opens nothing without a session, so that it may live until somebody has time for it. */
const CONFIRM_LIFE_MS = DAY
const RESTORE_LIFE_MS = 7 * DAY

/** Mails that one account asks for. */
const PER_ACCOUNT: Policy = { free: 5, forgetMs: 12 * MINUTE }

export function createAddresses({
  accounts,
  passwords,
  passwordRules,
  sessions,
  store,
  letters,
  clock,
  config,
}: AddressDeps): Addresses {
  const now = () => clock.now().wall

  function mailed(
    code: CodeRecord,
    letter: { kind: 'email_change' | 'email_changed'; address: string; language: Language | null; href: Secret },
  ): MailedCode {
    if (letters === null) throw new Problem('mail_unavailable')
    const { href, ...rest } = letter
    const contents = { href, lifeMs: code.endsAt - code.createdAt, by: '' }
    return { code, mail: letters.write({ ...rest, userId: code.userId, codeHash: code.codeHash }, contents) }
  }

  function confirmation(account: Pick<Account, 'id'>, email: string, actor: Actor, language: Language): MailedCode {
    const code = newCode()
    const what = { kind: 'email' as const, roles: [], email: toEmailKey(email), maker: actor }
    const row = { ...codeRow(code, what, now(), CONFIRM_LIFE_MS), userId: account.id, address: email }
    const href = new Secret(codeLink(config.publicUrl, '/verify-email', code))
    return mailed(row, { kind: 'email_change', address: email, language, href })
  }

  /** The address that it goes to is known once the code is used. */
  function wayBack({ id, hasPassword }: Pick<Account, 'id' | 'hasPassword'>): MailedCode {
    const code = newCode()
    const what = { kind: 'email_restore' as const, roles: [], email: null, maker: OPERATOR }
    const row = { ...codeRow(code, what, now(), RESTORE_LIFE_MS), userId: id }
    const page = hasPassword ? '/restore-email' : '/restore-email?without=password'
    return mailed(row, {
      kind: 'email_changed',
      address: '',
      language: null,
      href: new Secret(codeLink(config.publicUrl, page, code)),
    })
  }

  return {
    async of({ id, email, emailVerified }) {
      const asked = await store.addresses.pending(id, now())
      const pending =
        asked === null || asked.address === null
          ? null
          : { email: asked.address, endsAt: asked.endsAt, refused: asked.isRefused }
      return { email, verified: emailVerified, pending }
    },

    async ask(account, email, actor, language) {
      if (letters === null) throw new Problem('mail_unavailable')
      accounts.requireLocal('addresses')
      await countUnder(store.throttles, countsOf(account.id, actor.client.network), now())
      const asked = confirmation(account, email.toWellFormed(), actor, language)
      await store.addresses.ask(asked, originOf(actor, account.id, asked.code.createdAt))
    },

    async cancel(userId, actor) {
      if (!(await store.addresses.cancel(userId, originOf(actor, userId, now())))) throw new Problem('not_found')
    },

    async confirm(userId, code, actor) {
      accounts.requireLocal('addresses')
      const account = await accounts.find(userId)
      if (account === null) throw new Problem('not_signed_in')
      const by = { userId, sessionId: actor.sessionId }
      const origin = originOf(actor, userId, now())
      return accounts.changed(await store.addresses.confirm(hashOf(new Secret(code)), by, wayBack(account), origin))
    },

    async restore({ code, password }, client) {
      const codeHash = hashOf(new Secret(code))
      const found = await store.codes.find('email_restore', codeHash, now())
      const account = found === null || found.userId === null ? null : await accounts.find(found.userId)
      if (account === null) throw new Problem('invalid_code')
      if (letters === null) throw new Problem('mail_unavailable')
      const passwordSealed = account.hasPassword ? await sealNew(password, account, client) : null
      const origin = originOf({ userId: account.id, sessionId: null, client }, account.id, now())
      await sessions.trim(account.id)
      const letter = { kind: 'email_restored', userId: account.id, address: '', language: null } as const
      return accounts.changed(await store.addresses.restore(codeHash, passwordSealed, letters.tell(letter), origin))
    },
  }

  async function sealNew(password: string | undefined, account: Account, client: Client): Promise<string> {
    if (password === undefined) throw new Problem('invalid_body', { fields: { password: 'It is missing.' } })
    await passwordRules.check(password, account)
    return passwords.seal(password, account.id, client)
  }
}

/** Counted whether or not the address is known. */
function countsOf(userId: string, network: string): (readonly [key: string, policy: Policy])[] {
  const { own, crowd } = countedNetworks(network)
  return [
    [emailKeyOf(userId), PER_ACCOUNT],
    [emailNetworkKey(own), NETWORK],
    ...(crowd === null ? [] : [[emailNetworkKey(crowd), CROWD] as const]),
  ]
}
