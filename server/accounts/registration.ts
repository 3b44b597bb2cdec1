import type { Clock } from '../base/clock.ts'
import { toEmailKey } from '../base/email-key.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Config } from '../config/types.ts'
import type { Language } from '../contract/languages.ts'
import type { InviteAnswer, InvitesAnswer, RegisterRequest, Role, SetupRequest, WireInvite } from '../contract/wire.ts'
import type { Letters } from '../mail/letters.ts'
import type { Client } from '../session/types.ts'
import { registerKey } from '../store/throttle-keys.ts'
import type { NewMail } from '../store/mail-types.ts'
import type { AccountRecord } from '../store/account-types.ts'
import type { AccountStore, CodeRecord, CodeStore, InviteRecord, ThrottleStore } from '../store/types.ts'
import { type Account, newAccountRow, normalRoles } from './account.ts'
import type { Accounts } from './account-service.ts'
import { type Actor, OPERATOR, originOf } from './actor.ts'
import { countedNetworks } from './client-network.ts'
import { codeLink, codeRow, hashOf, newCode, SETUP_LIFE_MS } from './one-time-codes.ts'
import type { PasswordRules } from './password-rules.ts'
import type { Passwords } from './passwords.ts'
import { createAttemptLine } from './attempt-line.ts'
import { countUnder, CROWD, NETWORK } from './credential-throttle.ts'

/** Creates accounts: by setup for the first administrator, by invitation, or by open registration. */
export interface RegistrationService {
  /**
   * Creates the link for the first administrator; an earlier one becomes void.
   * @throws Problem `already_set_up`; `registration_closed` if an API manages the accounts
   */
  makeSetupLink(): Promise<{ href: string; endsAt: number }>
  /** @throws Problem `already_set_up`, `invalid_code`, or one about the password */
  setUp(request: SetupRequest, client: Client): Promise<Account>
  /**
   * @throws Problem `registration_closed`, `invite_required`, `invalid_code`, `email_taken`, `slow_down`, or one about
   * the password
   */
  register(request: RegisterRequest, client: Client): Promise<Account>
  /**
   * @throws Problem `registration_closed`; `email_taken` if the address already has an account; `limit_reached`,
   * `forbidden`; `mail_unavailable`, or `invalid_body` without an address, if it is to be mailed
   * @param mailIn the language to mail it in; null: its maker hands the link over
   * @returns the link, unless it is mailed: nobody else has it then, so that it proves the address
   */
  invite(
    request: { email: string | null; roles: Role[] },
    actor: Actor,
    mailIn?: Language | null,
  ): Promise<InviteAnswer>
  /**
   * A page of the open invitations.
   * @param cursor `next` of the previous page, or null
   */
  invites(cursor: string | null): Promise<InvitesAnswer>
  /** @throws Problem `not_found` */
  revoke(id: string, actor: Actor): Promise<void>
}

export interface RegistrationDeps {
  accounts: Accounts
  passwords: Passwords
  passwordRules: PasswordRules
  store: { accounts: AccountStore; codes: CodeStore; throttles: ThrottleStore }
  /** null: no mail is configured. */
  letters: Letters | null
  clock: Clock
  config: Pick<Config, 'publicUrl' | 'registration' | 'setupCode' | 'linkLives'>
}

const PAGE = 100

export function createRegistration({
  accounts,
  passwords,
  passwordRules,
  store,
  letters,
  clock,
  config,
}: RegistrationDeps): RegistrationService {
  const now = () => clock.now().wall
  const line = createAttemptLine()

  async function withPassword(row: AccountRecord, password: string, client: Client): Promise<AccountRecord> {
    return { ...row, passwordSealed: await passwords.seal(password, row.id, client), passwordChangedAt: row.createdAt }
  }

  /** Checks the code first, so that a wrong one costs no hash; what counts is decided when it is used. */
  async function mustFind(kind: 'setup' | 'invite', codeHash: string): Promise<void> {
    if ((await store.codes.find(kind, codeHash, now())) === null) throw new Problem('invalid_code')
  }

  /** @throws Problem `slow_down` */
  function admit(network: string) {
    const { own, crowd } = countedNetworks(network)
    const counts = [
      [registerKey(own), NETWORK] as const,
      ...(crowd === null ? [] : [[registerKey(crowd), CROWD] as const]),
    ]
    return line.admit(
      counts.map(([key]) => key),
      () => countUnder(store.throttles, counts, now()),
    )
  }

  /** @throws Problem `mail_unavailable`, `invalid_body` */
  function invitationMail(
    { codeHash, createdAt, endsAt }: CodeRecord,
    { address, language, href, by }: { address: string | null; language: Language; href: string; by: string },
  ): NewMail {
    if (letters === null) throw new Problem('mail_unavailable')
    if (address === null) throw new Problem('invalid_body', { fields: { email: 'An address is needed to send to.' } })
    const letter = { kind: 'invitation', userId: null, address, language, codeHash } as const
    return letters.write(letter, { href: new Secret(href), lifeMs: endsAt - createdAt, by })
  }

  const originFor = (row: AccountRecord, client: Client) =>
    originOf({ userId: row.id, sessionId: null, client }, row.id, now())

  return {
    async makeSetupLink() {
      // The password set with it would never be checked.
      accounts.requireLocal('accounts')
      const code = config.setupCode ?? newCode()
      const row = codeRow(
        code,
        { kind: 'setup', roles: ['admin', 'user'], email: null, maker: OPERATOR },
        now(),
        SETUP_LIFE_MS,
      )
      await store.codes.createSetup(row)
      return { href: codeLink(config.publicUrl, '/set-up', code), endsAt: row.endsAt }
    },

    async setUp({ code, password, ...person }, client) {
      accounts.requireLocal('accounts')
      if (await accounts.anybody()) throw new Problem('already_set_up')
      const codeHash = hashOf(new Secret(code))
      await mustFind('setup', codeHash)
      const row = newAccountRow({ ...person, roles: ['admin', 'user'] }, now())
      await passwordRules.check(password, row)
      return accounts.made(
        await store.codes.useSetup(codeHash, await withPassword(row, password, client), originFor(row, client)),
      )
    },

    async register({ invite, password, ...person }, client) {
      if (config.registration === 'closed') throw new Problem('registration_closed')
      if (config.registration === 'invite' && invite === undefined) throw new Problem('invite_required')
      const codeHash = invite === undefined ? null : hashOf(new Secret(invite))
      if (codeHash !== null) await mustFind('invite', codeHash)
      const row = newAccountRow({ ...person, roles: ['user'] }, now())
      await passwordRules.check(password, row)
      // Registration inevitably reveals whether an address is taken, so it is throttled.
      const { counted, judged } = await admit(client.network)
      try {
        const complete = await withPassword(row, password, client)
        if (codeHash === null) return accounts.made(await store.accounts.register(complete, originFor(row, client)))
        const account = accounts.made(await store.codes.useInvite(codeHash, complete, originFor(row, client)))
        // A room full of invited people shares one network; each has used an invitation, so none of them was guessing.
        await store.throttles.recordOutcome({ forget: [], refund: counted })
        return account
      } catch (error) {
        // Nothing was created, and nothing was revealed about the address.
        if (error instanceof Problem && error.code === 'busy')
          await store.throttles.recordOutcome({ forget: [], refund: counted })
        throw error
      } finally {
        judged()
      }
    },

    async invite({ email, roles }, actor, mailIn = null) {
      if (config.registration === 'closed') throw new Problem('registration_closed')
      const emailKey = email === null ? null : toEmailKey(email)
      if (emailKey !== null && (await store.accounts.findByEmail(emailKey)) !== null) throw new Problem('email_taken')
      const code = newCode()
      const row = codeRow(
        code,
        { kind: 'invite', roles: normalRoles(roles), email: emailKey, maker: actor },
        now(),
        config.linkLives.inviteMs,
      )
      const by = actor.userId === null ? null : await accounts.find(actor.userId)
      const href = codeLink(config.publicUrl, '/sign-up', code)
      const mail =
        mailIn === null ? null : invitationMail(row, { address: email, language: mailIn, href, by: by?.name ?? '' })
      const sent = await store.codes.createInvite(row, originOf(actor, '', row.createdAt), mail)
      const made = { ...row, address: sent ? email : null, byName: by?.name ?? null, isRefused: false }
      return { invite: toInvite(made), href: sent ? null : href, sent }
    },

    async invites(cursor) {
      const rows = await store.codes.invites(now(), cursor, PAGE + 1)
      const shown = rows.slice(0, PAGE)
      return { invites: shown.map(toInvite), next: rows.length > PAGE ? (shown.at(-1)?.id ?? null) : null }
    },

    async revoke(id, actor) {
      if (!(await store.codes.revokeInvite(id, actor, originOf(actor, '', now())))) throw new Problem('not_found')
    },
  }
}

function toInvite({ id, email, address, roles, createdAt, endsAt, byName, isRefused }: InviteRecord): WireInvite {
  const mailed = address === null ? null : isRefused ? 'refused' : 'accepted'
  return { id, email, roles, createdAt, endsAt, by: byName, mailed }
}
