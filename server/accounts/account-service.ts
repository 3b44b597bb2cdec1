import { LRUCache } from 'lru-cache'
import { toEmailKey } from '../base/email-key.ts'
import { mapMaybe, type MaybePromise } from '../base/maybe-promise.ts'
import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Language } from '../contract/languages.ts'
import type { PeopleAnswer, Role, WirePerson } from '../contract/wire.ts'
import type { Client, Sessions } from '../session/types.ts'
import type { AccountRecord } from '../store/account-types.ts'
import type { AccountStore, AccountWithSessions, Changed, Verifier } from '../store/types.ts'
import { isTestAccount, newTestAccountId } from '../store/test-account-ids.ts'
import { type Account, newAccountRow, normalRoles, toAccount } from './account.ts'
import { type Actor, OPERATOR, originOf } from './actor.ts'
import type { PasswordRules } from './password-rules.ts'
import type { Passwords } from './passwords.ts'

/** Who manages accounts and passwords: this site, or an external API. */
export type Authority = 'local' | 'external'

export interface Accounts {
  /** Decided once, by the configuration. */
  readonly authority: Authority
  /**
   * Guards what only a site with accounts of its own does.
   * @throws Problem if an API manages them: `registration_closed` for accounts, `forbidden` for the others
   */
  requireLocal(what: 'accounts' | 'passwords' | 'addresses'): void
  /** Whether the first administrator still has to be created here. */
  needsSetup(): Promise<boolean>
  /** Called for every request: answered from memory once it was read. */
  find(id: string): MaybePromise<Account | null>
  /** Remembers in which language its owner reads. A failure is no reason to refuse the request. */
  noteLanguage(account: Pick<Account, 'id' | 'language'>, language: Language): Promise<void>
  /** The same, unless it is disabled, or a test account where tests do not sign in. */
  findActive(id: string): MaybePromise<Account | null>
  /** Calls back after each change of an account. */
  onChanged(listener: (id: string) => void): void
  findByEmail(email: string): Promise<Account | null>
  /** Reads an account with its password verifier, in one query whether or not the account exists. */
  findWithVerifier(
    by: { id: string } | { email: string },
  ): Promise<{ account: Account; verifier: Verifier | null } | null>
  /** Whether any account exists, which means that setup is over. */
  anybody(): Promise<boolean>
  /** All accounts, oldest first, read page by page: for the command line. */
  list(): Promise<WirePerson[]>
  /**
   * One page of accounts.
   * @param cursor `next` of the previous page, or null
   */
  page(cursor: string | null): Promise<PeopleAnswer>
  /**
   * One account.
   * @throws Problem `not_found`
   */
  person(id: string): Promise<WirePerson>
  /**
   * Creates an account for the command line, whatever the registration setting. The very first one is an administrator.
   * @throws Problem `email_taken`, or one about the password
   */
  create(person: { email: string; name: string; roles: Role[]; password: string }, actor: Actor): Promise<Account>
  /**
   * Creates the account that a test signs in to, or changes it to this. It has no password.
   * @throws Problem `not_found` unless tests sign in here; `email_taken` if the account is not one of theirs
   */
  putTestAccount(person: { email: string; name: string; roles: Role[] }, client: Client): Promise<Account>
  /** @throws Problem `not_found` */
  changeName(id: string, name: string, actor: Actor): Promise<Account>
  /**
   * Disabling ends every session at once.
   * @throws Problem `not_found`, `last_admin`
   */
  change(
    id: string,
    change: { roles?: Role[] | undefined; disabled?: boolean | undefined },
    actor: Actor,
  ): Promise<Account>
  /**
   * Sets a password chosen by its owner. Every session ends, including the one that asked.
   * @param checked the verifier that the current password was just compared with
   * @throws Problem about the new password; `invalid_credentials` if the password has changed in the meantime
   */
  changePassword(checked: Verifier, next: string, actor: Actor): Promise<Account>
  /**
   * Sets a password for the command line.
   * @throws Problem `not_found`, or about the password
   */
  setPassword(id: string, next: string, actor: Actor): Promise<Account>
  /**
   * Stores a new hash of the same password.
   * @returns the current verifier
   */
  refreshVerifier(before: Verifier, password: string, client: Client): Promise<Verifier>
  /** Drops an account from memory after a transaction of another service in this room. */
  changed(change: Changed): Account
  made(row: AccountRecord): Account
}

export interface AccountDeps {
  store: AccountStore
  passwords: Passwords
  passwordRules: PasswordRules
  sessions: Pick<Sessions, 'announce' | 'trim'>
  clock: Clock
  /** The name of the API that manages the accounts; null: they are managed here. */
  keptBy: string | null
  /** Whether tests sign in here. If not, what earlier ones left in the data folder opens nothing. */
  testSignIn: boolean
  /** Whether the language of an account is of use. */
  sendsMail: boolean
}

const CACHED = 10_000
const PAGE = 100

export function createAccounts({
  store,
  passwords,
  passwordRules,
  sessions,
  clock,
  keptBy,
  testSignIn,
  sendsMail,
}: AccountDeps): Accounts {
  const cache = new LRUCache<string, Account>({ max: CACHED })
  /** Incremented by each write: what was read before must not be cached afterwards. */
  let writes = 0
  let setUp = false
  const listeners: ((id: string) => void)[] = []

  const now = () => clock.now().wall
  const authority: Authority = keptBy === null ? 'local' : 'external'

  function made(row: AccountRecord): Account {
    writes++
    cache.delete(row.id)
    for (const listener of listeners) listener(row.id)
    return toAccount(row)
  }

  async function read(id: string): Promise<Account | null> {
    const before = writes
    const row = await store.find(id)
    if (row === null) return null
    const account = toAccount(row)
    if (before === writes) cache.set(id, account)
    return account
  }

  function find(id: string): MaybePromise<Account | null> {
    return cache.get(id) ?? read(id)
  }

  const isActive = ({ id, disabledAt }: Account) => disabledAt === null && (testSignIn || !isTestAccount(id))

  function changed(change: Changed): Account {
    const account = made(change.account)
    sessions.announce(change.ended)
    return account
  }

  async function page(cursor: string | null): Promise<PeopleAnswer> {
    const rows = await store.page(now(), cursor, PAGE + 1)
    const shown = rows.slice(0, PAGE)
    return {
      people: shown.map(toWirePerson),
      next: rows.length > PAGE ? (shown.at(-1)?.id ?? null) : null,
      total: await store.count(),
    }
  }

  async function anybody(): Promise<boolean> {
    setUp ||= await store.anybody()
    return setUp
  }

  return {
    authority,
    requireLocal(what) {
      if (keptBy === null) return
      if (what === 'addresses') throw new Problem('forbidden', { detail: `E-mail addresses are managed by ${keptBy}.` })
      if (what === 'passwords') throw new Problem('forbidden', { detail: `Passwords are managed by ${keptBy}.` })
      throw new Problem('registration_closed', {
        detail: `Accounts are managed by ${keptBy}. Sign in with one of those.`,
      })
    },
    needsSetup: async () => authority === 'local' && !(await anybody()),

    changed,
    made,

    find,
    findActive: id => mapMaybe(find(id), account => (account !== null && isActive(account) ? account : null)),
    onChanged: listener => void listeners.push(listener),

    async noteLanguage({ id, language: before }, language) {
      if (!sendsMail || before === language) return
      writes++
      await store.setLanguage(id, language).catch(() => {})
      cache.delete(id)
    },

    async findByEmail(email) {
      const row = await store.findByEmail(toEmailKey(email))
      return row === null ? null : toAccount(row)
    },

    async findWithVerifier(by) {
      const row = 'id' in by ? await store.find(by.id) : await store.findByEmail(toEmailKey(by.email))
      if (row === null) return null
      return {
        account: toAccount(row),
        verifier: row.passwordSealed === null ? null : { id: row.id, passwordSealed: row.passwordSealed },
      }
    },

    anybody,

    async list() {
      const everybody: WirePerson[] = []
      for (let cursor: string | null = null; ;) {
        const { people, next }: PeopleAnswer = await page(cursor)
        everybody.push(...people)
        if (next === null) return everybody
        cursor = next
      }
    },
    page,
    async person(id) {
      const row = await store.summary(id, now())
      if (row === null) throw new Problem('not_found')
      return toWirePerson(row)
    },

    async create({ password, ...person }, actor) {
      const at = now()
      const row = newAccountRow(person, at)
      await passwordRules.check(password, row)
      const passwordSealed = await passwords.seal(password, row.id, actor.client)
      return made(await store.create({ ...row, passwordSealed, passwordChangedAt: at }, originOf(actor, row.id, at)))
    },

    async putTestAccount(person, client) {
      if (!testSignIn) throw new Problem('not_found')
      const at = now()
      const row = { ...newAccountRow(person, at), id: newTestAccountId() }
      return made(await store.putTestAccount(row, originOf({ ...OPERATOR, client }, row.id, at)))
    },

    async changeName(id, name, actor) {
      return made(await store.changeName(id, name.toWellFormed(), originOf(actor, id, now())))
    },

    async change(id, { roles, disabled }, actor) {
      const change = { roles: roles === undefined ? null : normalRoles(roles), disabled: disabled ?? null }
      if (disabled === true) await sessions.trim(id)
      return changed(await store.change(id, change, actor, originOf(actor, id, now())))
    },

    async changePassword(checked, next, actor) {
      const row = await store.find(checked.id)
      await passwordRules.check(next, row ?? { email: null, name: '' })
      const passwordSealed = await passwords.seal(next, checked.id, actor.client)
      await sessions.trim(checked.id)
      return changed(
        await store.changePassword(
          checked.id,
          checked.passwordSealed,
          passwordSealed,
          originOf(actor, checked.id, now()),
        ),
      )
    },

    async setPassword(id, next, actor) {
      const row = await store.find(id)
      await passwordRules.check(next, row ?? { email: null, name: '' })
      const passwordSealed = await passwords.seal(next, id, actor.client)
      await sessions.trim(id)
      return changed(await store.setPassword(id, passwordSealed, originOf(actor, id, now())))
    },

    async refreshVerifier(before, password, client) {
      const passwordSealed = await passwords.seal(password, before.id, client)
      return (await store.replaceVerifier(before, passwordSealed)) ? { id: before.id, passwordSealed } : before
    },
  }
}

function toWirePerson({
  id,
  email,
  emailVerifiedAt,
  mailRefusedAt,
  name,
  roles,
  createdAt,
  disabledAt,
  lastSeenAt,
  sessions,
  secondFactorAt,
}: AccountWithSessions): WirePerson {
  const emailVerified = emailVerifiedAt !== null
  const secondFactor = secondFactorAt !== null
  return {
    id,
    email,
    emailVerified,
    mailRefusedAt,
    name,
    roles,
    secondFactor,
    createdAt,
    disabledAt,
    lastSeenAt,
    sessions,
  }
}
