import type { Clock } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Provider } from '../config/provider-config.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import type { Config } from '../config/types.ts'
import type { WireLink } from '../contract/wire.ts'
import { type Account, newAccountRow } from '../accounts/account.ts'
import type { Accounts } from '../accounts/account-service.ts'
import { type Actor, originOf } from '../accounts/actor.ts'
import { hashOf } from '../accounts/one-time-codes.ts'
import type { ProviderProfile } from '../providers/types.ts'
import type { Client, Sessions } from '../session/types.ts'
import type { Origin } from '../store/account-types.ts'
import type { IdentityRecord, IdentityStore, ProviderGrantRecord, Seen } from '../store/types.ts'
import type { Proven } from './password-login.ts'

/**
 * Maps a user of a provider to an account here, by the provider's issuer and subject. An e-mail address never links,
 * even if verified, because the account that has it here may not be its owner's (OI-7).
 */
export interface ProviderLogin {
  /**
   * Signs in, creating an account the first time where allowed.
   * @param invite an invitation's code, or null
   * @throws Problem `account_disabled`, `not_admitted`, `link_required`, `registration_closed`, `invite_required`,
   * `invalid_code`
   */
  authenticate(person: ProviderProfile, how: { invite: string | null; client: Client }): Promise<Proven>
  /**
   * Confirms the identity of a signed-in user.
   * @throws Problem `forbidden` if it is another user
   */
  confirm(person: ProviderProfile, how: { userId: string; client: Client }): Promise<Proven>
  /**
   * Links an identity to a signed-in account, and stores its grant for the session.
   * @returns whether the grant was stored: a session opened by another identity of that provider keeps its own
   * @throws Problem `identity_taken`, `account_disabled`, `not_signed_in`: nothing was linked
   */
  link(person: ProviderProfile, grant: ProviderGrantRecord | null, actor: Actor & { userId: string }): Promise<boolean>
  /** The identities linked to an account. */
  links(userId: string): Promise<WireLink[]>
  /**
   * Unlinks an identity and ends the other sessions that were opened by it.
   * @returns the sessions that continue without the provider's grant
   * @throws Problem `not_found`, `last_way_in`
   */
  unlink(id: string, actor: Actor & { userId: string; sessionId: string }): Promise<string[]>
}

export interface ProviderLoginDeps {
  config: Pick<Config, 'registration' | 'providers' | 'tokenApi'>
  accounts: Pick<Accounts, 'authority' | 'made' | 'findByEmail' | 'anybody'>
  identities: IdentityStore
  sessions: Pick<Sessions, 'announce'>
  clock: Clock
  log: Log
}

/** An identity provider, or the token API. */
type Source = Pick<Provider, 'id' | 'name' | 'icon' | 'register'>

export function createProviderLogin({
  config,
  accounts,
  identities,
  sessions,
  clock,
  log,
}: ProviderLoginDeps): ProviderLogin {
  const now = () => clock.now().wall
  const sources: Source[] = [
    ...config.providers,
    ...(config.tokenApi === null ? [] : [{ ...config.tokenApi, id: TOKEN_API, icon: 'key-round' }]),
  ]
  const byId = new Map(sources.map(source => [source.id, source]))

  /**
   * The account of a user who has signed in before.
   * @returns null for a new user
   */
  async function returning(person: ProviderProfile, client: Client): Promise<Account | null> {
    const found = await identities.find(person.issuer, person.subject)
    if (found === null) return null
    const { id } = found.account
    if (found.account.disabledAt !== null) throw new Problem('account_disabled').about(id)
    const origin = originOf({ userId: id, sessionId: null, client }, id, now())
    if (person.roles?.length === 0) await putOut(person, id, origin)
    admit(person, id)
    const used = await identities.used(found.identity.id, seen(person), person.roles, origin)
    if (used === null) throw new Problem('login_expired').about(id)
    if (used.kept)
      log.warn(
        { event: 'last_admin_kept', provider: person.provider, accountId: used.account.id },
        'the roles mapping would remove the last administrator; the role stays',
      )
    return accounts.made(used.account)
  }

  /** The mapping no longer admits the user: their roles, and what they created with them, become void. */
  async function putOut({ issuer, subject }: ProviderProfile, userId: string, origin: Origin): Promise<void> {
    const decided = await identities.decideRoles({ issuer, subject, userId }, [], origin)
    if (decided !== null) accounts.made(decided.account)
  }

  async function newcomer(person: ProviderProfile, invite: string | null, client: Client): Promise<Account> {
    admit(person, null)
    const registration = byId.get(person.provider)?.register ?? config.registration
    // With a token API there is no setup: the first user to sign in is the first account.
    const mayBeFirst = person.provider === TOKEN_API
    if (registration === 'closed' || (!mayBeFirst && !(await accounts.anybody())))
      throw new Problem('registration_closed')
    // An address is only stored if the provider vouches for it, and if no account here has it.
    const email = person.emailVerified ? person.email : null
    if (email !== null && (await accounts.findByEmail(email)) !== null)
      throw new Problem('link_required', { provider: person.provider })
    if (registration === 'invite' && invite === null) throw new Problem('invite_required')
    const at = now()
    const row = newAccountRow({ email, name: person.name ?? nameFor(person), roles: person.roles ?? ['user'] }, at)
    const origin = originOf({ userId: row.id, sessionId: null, client }, row.id, at)
    const how = {
      invite: invite === null ? null : hashOf(new Secret(invite)),
      rolesDecided: person.roles !== null,
      mayBeFirst,
    }
    try {
      return accounts.made(await identities.create(row, identityOf(person, row.id), how, origin))
    } catch (error) {
      throw error instanceof Problem && error.code === 'email_taken'
        ? new Problem('link_required', { provider: person.provider }, error)
        : error
    }
  }

  /** Admission by the role mapping is checked at every sign-in. */
  function admit(person: ProviderProfile, accountId: string | null): void {
    if (person.roles?.length === 0) throw new Problem('not_admitted', { provider: person.provider }).about(accountId)
  }

  function nameFor({ email, label, provider }: ProviderProfile): string {
    return email?.split('@')[0] ?? label ?? byId.get(provider)?.name ?? provider
  }

  /** An address that the provider does not vouch for is not stored, since it may be another person's. */
  function seen(person: ProviderProfile): Seen {
    const { provider, emailVerified, name } = person
    const email = emailVerified ? person.email : null
    return { provider, email, emailVerified, label: person.label ?? email ?? name ?? nameFor(person), at: now() }
  }

  function identityOf(person: ProviderProfile, userId: string): IdentityRecord {
    const { issuer, subject } = person
    const { at, ...display } = seen(person)
    return { id: randomId(), userId, issuer, subject, ...display, linkedIn: null, createdAt: at, lastUsedAt: at }
  }

  return {
    async authenticate(person, { invite, client }) {
      const account =
        (await returning(person, client)) ??
        (await newcomer(person, invite, client).catch(async (error: unknown) => {
          // The same user may have registered concurrently, in another tab, and taken the address and the invitation.
          const other = error instanceof Problem && error.status < 500 ? await returning(person, client) : null
          if (other === null) throw error
          return other
        }))
      return { account, amr: person.amr }
    },

    async confirm(person, { userId, client }) {
      const found = await identities.find(person.issuer, person.subject)
      const account = found?.account.id === userId ? await returning(person, client) : null
      if (account === null) throw new Problem('forbidden')
      return { account, amr: person.amr }
    },

    async link(person, grant, actor) {
      const origin = originOf(actor, actor.userId, now())
      const { account, granted } = await identities.link(identityOf(person, actor.userId), grant, origin)
      accounts.made(account)
      return granted
    },

    async links(userId) {
      const rows = await identities.list(userId)
      return rows.map(({ id, provider, label, email, createdAt, lastUsedAt }) => {
        const known = byId.get(provider)
        return {
          id,
          provider,
          name: known?.name ?? provider,
          icon: known?.icon ?? 'log-in',
          label,
          email,
          createdAt,
          lastUsedAt,
        }
      })
    },

    async unlink(id, actor) {
      const of = {
        userId: actor.userId,
        keep: actor.sessionId,
        providers: sources.map(source => source.id),
        passwords: accounts.authority === 'local',
      }
      const { ended, unlinked } = await identities.unlink(id, of, originOf(actor, actor.userId, now()))
      sessions.announce(ended)
      return unlinked
    },
  }
}
