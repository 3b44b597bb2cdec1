import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../config/provider-config.ts'
import { toProviders } from '../config/resolve-providers.ts'
import { toTokenApi } from '../config/token-api-settings.ts'
import type { Registration, Role } from '../contract/wire.ts'
import type { Account } from '../accounts/account.ts'
import { type Actor, OPERATOR } from '../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD, testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import type { ProviderProfile } from '../providers/types.ts'
import { createProviderLogin, type ProviderLogin } from './provider-login.ts'
import { rawOf } from '../store/store.testing.ts'

const ADDRESS = 'carol@example.org'
let services: TestPeople
let ann: Account

async function open(registration: Registration = 'open'): Promise<void> {
  services = testPeople({ registration })
  const { people } = services
  ann = await people.registration.setUp(
    {
      email: 'ann@example.org',
      name: 'Ann',
      password: GOOD_PASSWORD,
      code: services.codeOf((await people.registration.makeSetupLink()).href),
    },
    CLIENT,
  )
}
beforeEach(() => open())
afterEach(() => services.close())

function loginWith(change: Partial<Provider> = {}, registration?: Registration): ProviderLogin {
  const providers = toProviders(
    [
      { id: 'main', kind: 'oidc', name: 'Main', issuer: 'https://main.example', clientId: 'x' },
      { id: 'other', kind: 'oidc', issuer: 'https://other.example', clientId: 'x' },
    ],
    [],
    { env: {}, folder: '/', nameOf: () => '' },
  ).map(provider => (provider.id === 'main' ? { ...provider, ...change } : provider))
  const { people, store, clock, log, config, sessions } = services
  return createProviderLogin({
    config: { registration: registration ?? config.registration, providers, tokenApi: null },
    accounts: people.accounts,
    identities: store.identities,
    sessions,
    clock,
    log,
  })
}

const person = (change: Partial<ProviderProfile> = {}): ProviderProfile => ({
  provider: 'main',
  issuer: 'https://main.example',
  subject: 'carol',
  email: ADDRESS,
  emailVerified: true,
  name: 'Carol',
  label: null,
  roles: null,
  authTime: null,
  amr: ['fed'],
  providerSid: null,
  ...change,
})
const by = (who: Partial<ProviderProfile> = {}, invite: string | null = null, login = loginWith()) =>
  login.authenticate(person(who), { invite, client: CLIENT })
const outcome = (work: Promise<{ account: Account }>) =>
  work.then(
    ({ account }) => account,
    (error: { code?: string }) => error.code ?? error,
  )
/** In an active session. */
function actorOf({ id }: Account): Actor & { userId: string; sessionId: string } {
  const sessionId = `session-of-${id}`
  rawOf(services.store)
    .prepare(
      `insert or replace into sessions (sid_hash, public_id, secret, user_id, created_at, auth_time, amr, remember, idle_ms, tag_key_id, generation, proven, proven_at, rotated_at, last_seen_at, absolute_ends_at, user_agent, network)
    values (?, ?, x'00', ?, 1, 1, '[]', 1, 1, 'k', 1, 1, 1, 1, 1, 9, 'ua', 'net')`,
    )
    .run(sessionId, sessionId, id)
  return { userId: id, sessionId, client: CLIENT }
}
const password = (email: string) =>
  services.people.accounts.create({ email, name: 'Somebody', roles: ['user'], password: GOOD_PASSWORD }, OPERATOR)
const invitation = async (more: { email?: string; roles?: Role[] } = {}) =>
  services.codeOf(
    (
      await services.people.registration.invite(
        { email: more.email ?? null, roles: more.roles ?? ['user'] },
        actorOf(ann),
      )
    ).href,
  )
const count = async () => (await services.people.accounts.list()).length

describe("OI-7 an address links nothing: the account that has it may not be its owner's", () => {
  // The provider's claims about the address, and who has it here already.
  const told: [string, Partial<ProviderProfile>][] = [
    ['verified', {}],
    ['in other letters, verified', { email: 'CAROL@Example.org' }],
    ['unverified', { emailVerified: false }],
    ['none', { email: null, emailVerified: false }],
  ]
  const here: [string, () => Promise<unknown>][] = [
    ['nobody', async () => {}],
    ['an account with a password', () => password(ADDRESS)],
    [
      'an account of another provider that vouched for it',
      () => by({ provider: 'other', issuer: 'https://other.example', subject: 'mallory' }),
    ],
    [
      'an account of another provider that did not',
      () => by({ provider: 'other', issuer: 'https://other.example', subject: 'mallory', emailVerified: false }),
    ],
    ['an account of another subject at the same provider', () => by({ subject: 'mallory' })],
    [
      'an account of the same subject at another issuer',
      () => by({ provider: 'other', issuer: 'https://other.example' }),
    ],
  ]
  const taken = new Set([
    'an account with a password',
    'an account of another provider that vouched for it',
    'an account of another subject at the same provider',
    'an account of the same subject at another issuer',
  ])

  test.each(told.flatMap(([said, who]) => here.map(([whose, arrange]) => ({ said, who, whose, arrange }))))(
    'the provider says $said; here the address belongs to $whose',
    async ({ said, who, whose, arrange }) => {
      await arrange()
      const before = await services.people.accounts.list()
      const verified = said.includes('verified') && said !== 'unverified'
      const result = await outcome(by(who))
      if (verified && taken.has(whose)) {
        expect(result).toBe('link_required')
        expect(await services.people.accounts.list()).toEqual(before)
        return
      }
      expect(result).toMatchObject({
        email: verified ? (who.email ?? ADDRESS) : null,
        roles: ['user'],
        hasPassword: false,
      })
      expect(before.map(one => one.id)).not.toContain((result as Account).id)
      expect(await count()).toBe(before.length + 1)
      // From now on it is this account, whatever happens to the address.
      expect(await outcome(by({ email: 'new@example.org', emailVerified: true, name: 'Renamed' }))).toMatchObject({
        id: (result as Account).id,
        email: (result as Account).email,
        name: 'Carol',
      })
    },
  )

  test("an address that was free at the first sign-in and is another account's now changes nothing", async () => {
    const made = (await outcome(by({ emailVerified: false }))) as Account
    await password(ADDRESS)
    expect(await outcome(by())).toMatchObject({ id: made.id, email: null })
  })

  test('subjects are compared exactly: another case is another user', async () => {
    const one = (await outcome(by({ email: null, subject: 'carol' }))) as Account
    const other = (await outcome(by({ email: null, subject: 'Carol' }))) as Account
    expect(one.id).not.toBe(other.id)
  })

  test('twenty concurrent first sign-ins of one user create one account', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => by()))
    expect(new Set(made.map(({ account }) => account.id)).size).toBe(1)
    expect(await count()).toBe(2)
  })
})

describe('OIDC Core §5.1 an address counts as verified', () => {
  const isVerified = async ({ id }: Account) => (await services.people.accounts.find(id))?.emailVerified

  test('if the provider that created the account vouched for it', async () => {
    const carol = (await outcome(by())) as Account
    expect(carol.emailVerified).toBe(true)
    const dave = (await outcome(by({ subject: 'dave', emailVerified: false }))) as Account
    expect([dave.email, await isVerified(dave)]).toEqual([null, false])
  })

  test('if a linked provider vouches for that very address, then or later, in whatever letters', async () => {
    const carol = await password(ADDRESS)
    const erin = await password('erin@example.org')
    expect([await isVerified(carol), await isVerified(erin)]).toEqual([false, false])
    await loginWith().link(person({ email: 'CAROL@Example.org' }), null, actorOf(carol))
    expect(await isVerified(carol)).toBe(true)
    const elsewhere = { subject: 'erin', email: 'erin@elsewhere.example' }
    await loginWith().link(person(elsewhere), null, actorOf(erin))
    await loginWith().link(
      person({ subject: 'erin2', email: 'erin@example.org', emailVerified: false }),
      null,
      actorOf(erin),
    )
    expect(await isVerified(erin), 'another address, or one that nobody vouches for').toBe(false)
    await by({ ...elsewhere, email: 'erin@example.org' })
    expect(await isVerified(erin)).toBe(true)
    await by(elsewhere)
    expect(await isVerified(erin), 'verification is a fact of the past').toBe(true)
  })
})

describe('whether an account may be created', () => {
  test('nobody can before setup', async () => {
    await services.close()
    services = testPeople({ registration: 'open' })
    expect(await outcome(by())).toBe('registration_closed')
    expect(await services.people.accounts.anybody()).toBe(false)
  })

  test('closed: not even with an invitation; invite: with one; open: always', async () => {
    const code = await invitation()
    expect(await outcome(by({}, code, loginWith({}, 'closed')))).toBe('registration_closed')
    expect(await outcome(by({}, null, loginWith({}, 'invite')))).toBe('invite_required')
    expect(await outcome(by({}, 'no such code', loginWith({}, 'invite')))).toBe('invalid_code')
    expect(await outcome(by({}, code, loginWith({}, 'invite')))).toMatchObject({ email: ADDRESS })
    expect(await outcome(by({ subject: 'dave', email: null }, code, loginWith({}, 'invite'))), 'once').toBe(
      'invalid_code',
    )
    expect(await outcome(by({ subject: 'erin', email: null }, null, loginWith({}, 'open')))).toMatchObject({
      email: null,
    })
  })

  test('where an invitation is required, a user whose address has an account is told to link it, not to get an invitation', async () => {
    await password(ADDRESS)
    expect(await outcome(by({}, null, loginWith({}, 'invite')))).toBe('link_required')
    expect(await outcome(by({ emailVerified: false }, null, loginWith({}, 'invite')))).toBe('invite_required')
  })

  test('a provider may have a setting of its own', async () => {
    expect(await outcome(by({}, null, loginWith({ register: 'closed' }, 'open')))).toBe('registration_closed')
    expect(await outcome(by({}, null, loginWith({ register: 'open' }, 'closed')))).toMatchObject({ email: ADDRESS })
  })

  test('an existing account may sign in whatever the registration setting', async () => {
    const { account } = await by()
    expect(await outcome(by({}, null, loginWith({}, 'closed')))).toMatchObject({ id: account.id })
  })

  test('an invitation for one address requires the provider to vouch for it', async () => {
    const code = await invitation({ email: 'Carol@example.org', roles: ['admin'] })
    const login = loginWith({}, 'invite')
    expect(await outcome(by({ emailVerified: false }, code, login))).toBe('invalid_code')
    expect(await outcome(by({ email: 'mallory@example.org' }, code, login))).toBe('invalid_code')
    expect(await outcome(by({ email: null }, code, login))).toBe('invalid_code')
    expect(await count()).toBe(1)
    expect(await outcome(by({}, code, login))).toMatchObject({ email: ADDRESS, roles: ['admin', 'user'] })
  })

  test('an invitation by an administrator who was removed since is void', async () => {
    const code = await invitation()
    const other = await services.people.accounts.create(
      { email: 'root@example.org', name: 'Root', roles: ['admin'], password: GOOD_PASSWORD },
      OPERATOR,
    )
    await services.people.accounts.change(ann.id, { disabled: true }, actorOf(other))
    expect(await outcome(by({}, code, loginWith({}, 'invite')))).toBe('invalid_code')
  })
})

describe('mapped roles', () => {
  test('are applied at each sign-in, overriding those of an invitation or an administrator', async () => {
    const { account } = await by({ roles: ['user'] }, await invitation({ roles: ['admin'] }))
    expect(account.roles).toEqual(['user'])
    await services.people.accounts.change(account.id, { roles: ['admin'] }, actorOf(ann))
    expect((await by({ roles: ['user'] })).account.roles).toEqual(['user'])
    expect((await by({ roles: ['admin', 'user'] })).account.roles).toEqual(['admin', 'user'])
    expect((await by()).account.roles, 'no mapping').toEqual(['admin', 'user'])
    expect((await services.people.accounts.find(account.id))?.roles).toEqual(['admin', 'user'])
  })

  test('that are empty refuse the sign-in, to new and existing users', async () => {
    expect(await outcome(by({ roles: [] }))).toBe('not_admitted')
    expect(await count()).toBe(1)
    await by()
    expect(await outcome(by({ roles: [] }))).toBe('not_admitted')
  })

  test('never remove the last administrator', async () => {
    const { account } = await by({ roles: ['admin', 'user'] })
    await services.people.accounts.change(ann.id, { disabled: true }, actorOf(account))
    expect((await by({ roles: ['user'] })).account.roles).toEqual(['admin', 'user'])
    await services.people.accounts.change(ann.id, { disabled: false }, actorOf(account))
    expect((await by({ roles: ['user'] })).account.roles).toEqual(['user'])
  })
})

describe('a disabled account', () => {
  test('cannot sign in by a provider, nor is it created again', async () => {
    const { account } = await by()
    await services.people.accounts.change(account.id, { disabled: true }, actorOf(ann))
    expect(await outcome(by())).toBe('account_disabled')
    expect(await outcome(by({ subject: 'another subject' }))).toBe('link_required')
    const login = loginWith()
    await expect(login.link(person({ subject: 'second' }), null, actorOf(account))).rejects.toMatchObject({
      code: 'account_disabled',
    })
  })
})

describe('linked identities', () => {
  test("an identity of another account cannot be linked; one's own is linked once", async () => {
    const { account } = await by()
    const login = loginWith()
    await expect(login.link(person(), null, actorOf(ann))).rejects.toMatchObject({ code: 'identity_taken' })
    await login.link(person(), null, actorOf(account))
    await login.link(person({ subject: 'ann-there', email: ADDRESS }), null, actorOf(ann))
    await login.link(person({ subject: 'ann-there', email: ADDRESS }), null, actorOf(ann))
    expect(await login.links(ann.id)).toMatchObject([{ provider: 'main', name: 'Main', label: ADDRESS }])
    expect((await by({ subject: 'ann-there' })).account.id).toBe(ann.id)
    const kinds = (await services.people.log.page(ann.id, null)).events.map(event => event.kind)
    expect(kinds.filter(kind => kind === 'identity_linked')).toHaveLength(1)
  })

  test('the last sign-in method stays; a password only counts with an e-mail address', async () => {
    const { account } = await by({ email: null })
    const login = loginWith()
    const [only] = await login.links(account.id)
    await expect(login.unlink(only?.id ?? '', actorOf(account))).rejects.toMatchObject({ code: 'last_way_in' })
    await services.people.accounts.setPassword(account.id, GOOD_PASSWORD, OPERATOR)
    await expect(login.unlink(only?.id ?? '', actorOf(account))).rejects.toMatchObject({ code: 'last_way_in' })
    await login.link(person({ subject: 'second', email: null }), null, actorOf(account))
    await expect(login.unlink(only?.id ?? '', actorOf(ann))).rejects.toMatchObject({ code: 'not_found' })
    await login.unlink(only?.id ?? '', actorOf(account))
    expect(await outcome(by({ email: null })), 'is somebody new').not.toMatchObject({ id: account.id })
  })

  test('a password only counts where passwords are accepted', async () => {
    const login = loginWith()
    await login.link(person({ subject: 'ann-there' }), null, actorOf(ann))
    const [only] = await login.links(ann.id)
    const { people, store, clock, log, config, sessions } = services
    const moved = createProviderLogin({
      config: { ...config, providers: [], tokenApi: toTokenApi({ url: 'https://shop.example' }) },
      accounts: { ...people.accounts, authority: 'external' },
      identities: store.identities,
      sessions,
      clock,
      log,
    })
    await expect(moved.unlink(only?.id ?? '', actorOf(ann))).rejects.toMatchObject({ code: 'last_way_in' })
    await login.unlink(only?.id ?? '', actorOf(ann))
  })

  test('a provider whose id has changed is listed, and counts, by its new id', async () => {
    const { account } = await by({ email: null })
    await by({ provider: 'other', email: null })
    const login = loginWith()
    const [mine] = await login.links(account.id)
    expect(mine).toMatchObject({ provider: 'other', name: 'other' })
    await login.link(person({ subject: 'second', email: null }), null, actorOf(account))
    const second = (await login.links(account.id)).find(one => one.id !== mine?.id)
    await login.unlink(second?.id ?? '', actorOf(account))
    await login.link(person({ email: null }), null, actorOf(account))
    expect(await login.links(account.id), 'linking it once more says so, too').toMatchObject([{ provider: 'main' }])
  })

  test('confirming requires the same user', async () => {
    const { account } = await by()
    await by({ subject: 'dave', email: null })
    const login = loginWith()
    expect(await outcome(login.confirm(person(), { userId: account.id, client: CLIENT }))).toMatchObject({
      id: account.id,
    })
    expect(await outcome(login.confirm(person({ subject: 'dave' }), { userId: account.id, client: CLIENT }))).toBe(
      'forbidden',
    )
    expect(await outcome(login.confirm(person({ subject: 'nobody' }), { userId: account.id, client: CLIENT }))).toBe(
      'forbidden',
    )
  })
})
