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
import type { IdentityRecord, IdentityStore, Origin, ProviderGrantRecord, Seen } from '../store/types.ts'
import type { Proven } from './password-login.ts'

/**
 * From a person at a provider to an account here. The key is what the provider calls them, under its own name: an
 * address links nothing, however verified, since whoever made the account here first may not be its owner (OI-7).
 */
export interface ProviderLogin {
  /** Who signs in; an account is made at the first time, where that is allowed.
   * @param invite the code of an invitation, or null
   * @throws Problem `account_disabled`, `not_admitted`, `link_required`, `registration_closed`, `invite_required`,
   * `invalid_code` */
  authenticate(person: ProviderProfile, how: { invite: string | null; client: Client }): Promise<Proven>
  /**
   * That a person who is signed in is still themself.
   * @throws Problem `forbidden` when it is somebody else
   */
  confirm(person: ProviderProfile, how: { userId: string; client: Client }): Promise<Proven>
  /**
   * Adds a way in for somebody who is signed in, and keeps what came with it for their session.
   * @returns whether the grant was kept: a session that came by another account of that provider goes on with what it
   * has
   * @throws Problem `identity_taken`, `account_disabled`, `not_signed_in`: nothing was linked
   */
  link(person: ProviderProfile, grant: ProviderGrantRecord | null, actor: Actor & { userId: string }): Promise<boolean>
  /** The ways in that somebody has. */
  links(userId: string): Promise<WireLink[]>
  /** Takes a way in away; the other sessions that came by it are over.
   * @returns the sessions that go on without what the provider granted to them @throws Problem `not_found`,
   * `last_way_in` */
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

/** Where people have accounts that sign them in here. */
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
   * Somebody who was here before.
   * @returns null for a stranger
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

  /** A mapping does not let them in any more: what they could do here, and what they made with that, goes now. */
  async function putOut({ issuer, subject }: ProviderProfile, userId: string, origin: Origin): Promise<void> {
    const decided = await identities.decideRoles({ issuer, subject, userId }, [], origin)
    if (decided !== null) accounts.made(decided.account)
  }

  async function newcomer(person: ProviderProfile, invite: string | null, client: Client): Promise<Account> {
    admit(person, null)
    const registration = byId.get(person.provider)?.register ?? config.registration
    // A site whose people are kept by an API is never set up: the first of them is the first here.
    const mayBeFirst = person.provider === TOKEN_API
    if (registration === 'closed' || (!mayBeFirst && !(await accounts.anybody())))
      throw new Problem('registration_closed')
    // Only an address that the provider vouches for is the person's, and only one that nobody has here.
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

  /** A mapping that knows who may come in is asked every time. */
  function admit(person: ProviderProfile, accountId: string | null): void {
    if (person.roles?.length === 0) throw new Problem('not_admitted', { provider: person.provider }).about(accountId)
  }

  function nameFor({ email, label, provider }: ProviderProfile): string {
    return email?.split('@')[0] ?? label ?? byId.get(provider)?.name ?? provider
  }

  /** An address that the provider does not vouch for is kept nowhere: it may be somebody else's. */
  function seen(person: ProviderProfile): Seen {
    const { provider, emailVerified, name } = person
    const email = emailVerified ? person.email : null
    return { provider, email, emailVerified, label: person.label ?? email ?? name ?? nameFor(person), at: now() }
  }

  function identityOf(person: ProviderProfile, userId: string): IdentityRecord {
    const { issuer, subject } = person
    const { at, ...shown } = seen(person)
    return { id: randomId(), userId, issuer, subject, ...shown, linkedIn: null, createdAt: at, lastUsedAt: at }
  }

  return {
    async authenticate(person, { invite, client }) {
      const account =
        (await returning(person, client)) ??
        (await newcomer(person, invite, client).catch(async (error: unknown) => {
          // They may have been faster themself, in another tab: with the address, the invitation and all.
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

    link: (person, grant, actor) =>
      identities.link(identityOf(person, actor.userId), grant, originOf(actor, actor.userId, now())),

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
