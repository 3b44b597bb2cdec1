import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Account } from './account.ts'
import { unconfirmed } from '../base/peer.ts'
import { OPERATOR } from './actor.ts'
import { toTokenApi } from '../config/token-api-settings.ts'
import { CLIENT, GOOD_PASSWORD, testPeople, type TestPeople } from './accounts.testing.ts'
import { rawOf } from '../store/store.testing.ts'

const problem = (code: string) => expect.objectContaining({ name: 'Problem', code })
const HOUR = 3_600_000
const DAY = 24 * HOUR
const person = (name: string) => ({ email: `${name}@example.org`, name, password: GOOD_PASSWORD })
const won = (results: PromiseSettledResult<unknown>[]) => results.filter(one => one.status === 'fulfilled').length

let services: TestPeople
afterEach(() => services.close())

async function setUp(): Promise<Account> {
  const { href } = await services.people.registration.makeSetupLink()
  return services.people.registration.setUp({ ...person('root'), code: services.codeOf(href) }, CLIENT)
}
const as = (account: Account) => ({ userId: account.id, sessionId: null, client: CLIENT })
const open = (userId: string) =>
  services.sessions.open({
    userId,
    amr: ['pwd'],
    remember: true,
    client: CLIENT,
    replaces: null,
    newDevice: false,
    basis: null,
  })

describe('setup', () => {
  test('ASVS 6.3.2 the link creates the first administrator, once, and no one afterwards', async () => {
    services = testPeople()
    expect(await services.people.accounts.anybody()).toBe(false)
    const { href, endsAt } = await services.people.registration.makeSetupLink()
    expect(href).toMatch(/^https:\/\/porch\.example\/set-up#code=[\w-]{32}$/)
    expect(endsAt).toBe(services.wall() + HOUR)
    const code = services.codeOf(href)
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => services.people.registration.setUp({ ...person(`p${n}`), code }, CLIENT)),
    )
    expect(won(results)).toBe(1)
    expect(await services.people.accounts.list()).toEqual([
      expect.objectContaining({ roles: ['admin', 'user'], sessions: 0, lastSeenAt: null }),
    ])
    expect(await services.people.accounts.anybody()).toBe(true)
    await expect(services.people.registration.makeSetupLink()).rejects.toEqual(problem('already_set_up'))
  })

  test('a preset code works like a generated one; a wrong one costs no hash, and an expired one is refused', async () => {
    services = testPeople({ setupCode: 'preset-preset-preset-preset' })
    await services.people.registration.makeSetupLink()
    await expect(services.people.registration.setUp({ ...person('a'), code: 'guess' }, CLIENT)).rejects.toEqual(
      problem('invalid_code'),
    )
    expect(services.counts.hashes).toBe(0)
    services.pass(HOUR)
    await expect(
      services.people.registration.setUp({ ...person('a'), code: 'preset-preset-preset-preset' }, CLIENT),
    ).rejects.toEqual(problem('invalid_code'))
    await services.people.registration.makeSetupLink()
    expect(
      await services.people.registration.setUp({ ...person('a'), code: 'preset-preset-preset-preset' }, CLIENT),
    ).toMatchObject({ name: 'a' })
  })

  test('no code is stored in the database as it is', async () => {
    services = testPeople()
    const code = services.codeOf((await services.people.registration.makeSetupLink()).href)
    expect(JSON.stringify(rawOf(services.store).prepare('select * from codes').all())).not.toContain(code)
  })
})

describe('registration', () => {
  test('an invitation creates one account with its roles; of fifty concurrent uses, one succeeds', async () => {
    services = testPeople()
    const root = await setUp()
    const { href, invite } = await services.people.registration.invite({ email: null, roles: ['admin'] }, as(root))
    expect(invite).toMatchObject({ email: null, roles: ['admin', 'user'], by: 'root' })
    expect(await services.people.registration.invites(null)).toEqual({ invites: [invite], next: null })
    const code = services.codeOf(href)
    // Each from a network of its own, so that only the code decides.
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) =>
        services.people.registration.register(
          { ...person(`p${n}`), invite: code },
          { ...CLIENT, network: `198.51.100.${n}` },
        ),
      ),
    )
    expect(won(results)).toBe(1)
    expect(await services.people.accounts.list()).toHaveLength(2)
    expect(await services.people.registration.invites(null)).toEqual({ invites: [], next: null })
  })

  test('an invitation for one address only works for that address, in any case', async () => {
    services = testPeople()
    const root = await setUp()
    const { href } = await services.people.registration.invite({ email: 'Ann@Example.org', roles: ['user'] }, as(root))
    await expect(
      services.people.registration.register({ ...person('eve'), invite: services.codeOf(href) }, CLIENT),
    ).rejects.toEqual(problem('invalid_code'))
    expect(
      await services.people.registration.register({ ...person('ann'), invite: services.codeOf(href) }, CLIENT),
    ).toMatchObject({ roles: ['user'] })
    await expect(
      services.people.registration.invite({ email: 'ANN@example.org', roles: ['user'] }, as(root)),
    ).rejects.toEqual(problem('email_taken'))
  })

  test('thirty invited people on one network all succeed', async () => {
    services = testPeople()
    const root = await setUp()
    for (let n = 0; n < 30; n++) {
      const { href } = await services.people.registration.invite({ email: null, roles: ['user'] }, as(root))
      expect(
        await services.people.registration.register({ ...person(`p${n}`), invite: services.codeOf(href) }, CLIENT),
      ).toMatchObject({ name: `p${n}` })
    }
  })

  test('thirty people who accept invitations at once behind an untrusted proxy all get in', async () => {
    services = testPeople()
    const root = await setUp()
    const { registration } = services.people
    const client = { ...CLIENT, network: unconfirmed('10.0.0.1', '203.0.113.7') }
    const links = await Promise.all(
      Array.from({ length: 30 }, () => registration.invite({ email: null, roles: ['user'] }, as(root))),
    )
    const accounts = await Promise.all(
      links.map(({ href }, n) =>
        registration.register({ ...person(`p${n}`), invite: services.codeOf(href) }, client).then(
          ({ name }) => name,
          ({ code }: { code: string }) => code,
        ),
      ),
    )
    expect(accounts).toEqual(links.map((_, n) => `p${n}`))
  }, 60_000)

  test('a revoked invitation no longer works', async () => {
    services = testPeople()
    const root = await setUp()
    const { href, invite } = await services.people.registration.invite({ email: null, roles: ['user'] }, as(root))
    await services.people.registration.revoke(invite.id, as(root))
    await expect(services.people.registration.revoke(invite.id, as(root))).rejects.toEqual(problem('not_found'))
    await expect(
      services.people.registration.register({ ...person('ann'), invite: services.codeOf(href) }, CLIENT),
    ).rejects.toEqual(problem('invalid_code'))
  })

  test('who may register follows the setting', async () => {
    services = testPeople({ registration: 'invite' })
    await setUp()
    await expect(services.people.registration.register(person('ann'), CLIENT)).rejects.toEqual(
      problem('invite_required'),
    )
    await services.close()

    services = testPeople({ registration: 'closed' })
    const root = await setUp()
    await expect(services.people.registration.register(person('ann'), CLIENT)).rejects.toEqual(
      problem('registration_closed'),
    )
    await expect(services.people.registration.invite({ email: null, roles: ['user'] }, as(root))).rejects.toEqual(
      problem('registration_closed'),
    )
    await services.close()

    services = testPeople({ registration: 'open' })
    await expect(
      services.people.registration.register(person('eve'), CLIENT),
      'nobody slips in before set-up',
    ).rejects.toEqual(problem('registration_closed'))
    await setUp()
    expect(await services.people.registration.register(person('ann'), CLIENT)).toMatchObject({ roles: ['user'] })
    await expect(
      services.people.registration.register({ ...person('ann'), email: 'ANN@EXAMPLE.ORG' }, CLIENT),
    ).rejects.toEqual(problem('email_taken'))
  })

  test('ASVS 6.3.8 probing by registration whether an address is taken is throttled', async () => {
    services = testPeople({ registration: 'open' })
    await setUp()
    const codes: unknown[] = []
    for (let n = 0; n < 22; n++)
      codes.push(
        await services.people.registration
          .register(person('root'), CLIENT)
          .catch((error: { code: string }) => error.code),
      )
    expect(codes.filter(code => code === 'email_taken')).toHaveLength(20)
    expect(codes.slice(20)).toEqual(['slow_down', 'slow_down'])
  })

  test('inventing networks behind a peer that is not trusted does not bypass that', async () => {
    services = testPeople({ registration: 'open' })
    await setUp()
    const codes: unknown[] = []
    for (let n = 0; n < 205; n++) {
      const client = { ...CLIENT, network: unconfirmed('10.0.0.1', `203.0.113.${n}`) }
      codes.push(
        await services.people.registration
          .register(person('root'), client)
          .catch((error: { code: string }) => error.code),
      )
    }
    expect(codes.filter(code => code === 'email_taken')).toHaveLength(200)
    expect(codes.slice(200)).toEqual(Array(5).fill('slow_down'))
    await expect(
      services.people.registration.register(person('root'), CLIENT),
      'others are not slowed by it',
    ).rejects.toEqual(problem('email_taken'))
  }, 60_000)

  test('an address with an apostrophe or an internationalised domain is accepted, and equals its punycode form', async () => {
    services = testPeople({ registration: 'open' })
    await setUp()
    const { accounts, registration } = services.people
    const made = await registration.register({ ...person('conan'), email: "Conan.O'Brien@Bücher.example" }, CLIENT)
    expect(made.email).toBe("Conan.O'Brien@Bücher.example")
    for (const same of [
      "conan.o'brien@xn--bcher-kva.example",
      "CONAN.O'BRIEN@XN--BCHER-KVA.EXAMPLE",
      "conan.o'brien@bu\u0308cher.example",
      "conan.o'brien@BÜCHER。example".replace('。', '.'),
    ]) {
      expect((await accounts.findByEmail(same))?.id, same).toBe(made.id)
      await expect(registration.register({ ...person('eve'), email: same }, CLIENT)).rejects.toEqual(
        problem('email_taken'),
      )
    }
    for (const other of [
      "conan.o'brien@bucher.example",
      'conan.obrien@bücher.example',
      "conan.o'brien@bücher.example/x",
      "conan.o'brien@b%c3%bccher.example",
    ])
      expect(await accounts.findByEmail(other), other).toBeNull()
  })

  test('names with emoji, right-to-left letters or a lone surrogate are stored or repaired, never rejected by the store', async () => {
    services = testPeople({ registration: 'open' })
    const root = await setUp()
    for (const name of ['👩‍👩‍👧‍👦 Família', 'שירה כהן', '李明 🪔'])
      expect((await services.people.accounts.changeName(root.id, name, as(root))).name).toBe(name)
    await services.people.accounts.changeName(root.id, 'half \ud83d', as(root))
    expect((await services.people.accounts.find(root.id))?.name).toBe('half \ufffd')
  })
})

describe('accounts', () => {
  let root: Account
  beforeEach(async () => {
    services = testPeople({ registration: 'open' })
    root = await setUp()
  })

  test('a cached account changes with the next request', async () => {
    const { accounts } = services.people
    const ann = await services.people.registration.register(person('ann'), CLIENT)
    expect(await accounts.find(ann.id)).toMatchObject({ name: 'ann', disabledAt: null })
    await accounts.changeName(ann.id, 'Ann', as(ann))
    expect(await accounts.find(ann.id)).toMatchObject({ name: 'Ann' })
    await accounts.change(ann.id, { disabled: true }, as(root))
    expect(await accounts.find(ann.id)).toMatchObject({ disabledAt: services.wall() })
    await accounts.change(ann.id, { disabled: false, roles: ['admin'] }, as(root))
    expect(await accounts.find(ann.id)).toMatchObject({ disabledAt: null, roles: ['admin', 'user'] })
    expect(await accounts.find('nobody')).toBeNull()
  })

  test('a look-up in progress during a change leaves no stale account in the cache', async () => {
    const { accounts } = services.people
    const ann = await services.people.registration.register(person('ann'), CLIENT)
    await Promise.all([accounts.find(ann.id), accounts.changeName(ann.id, 'Ann', as(ann)), accounts.find(ann.id)])
    expect((await accounts.find(ann.id))?.name).toBe('Ann')
  })

  test("ASVS 7.4.2 a disabled account's sessions end at once, and the session room is notified", async () => {
    const ann = await services.people.registration.register(person('ann'), CLIENT)
    await open(ann.id)
    const ended: string[] = []
    services.sessions.onEnded(one => ended.push(one.reason))
    await services.people.accounts.change(ann.id, { disabled: true }, as(root))
    expect(ended).toEqual(['disabled'])
    expect(await services.sessions.list(ann.id)).toEqual([])
  })

  test("an operator's first account is an administrator, whatever was requested", async () => {
    await services.close()
    services = testPeople()
    expect(await services.people.accounts.create({ ...person('op'), roles: ['user'] }, OPERATOR)).toMatchObject({
      roles: ['admin', 'user'],
    })
    expect(await services.people.accounts.create({ ...person('two'), roles: ['user'] }, OPERATOR)).toMatchObject({
      roles: ['user'],
    })
  })

  test('OA-15 a password change ends every session, including the one that asked', async () => {
    await open(root.id)
    await open(root.id)
    const found = await services.people.accounts.findWithVerifier({ id: root.id })
    if (!found?.verifier) throw new Error('the account has no password')
    await expect(services.people.accounts.changePassword(found.verifier, 'short', as(root))).rejects.toEqual(
      problem('password_too_short'),
    )
    expect(await services.sessions.list(root.id)).toHaveLength(2)
    await services.people.accounts.changePassword(found.verifier, 'another lantern entirely', as(root))
    expect(await services.sessions.list(root.id)).toEqual([])
    await expect(
      services.people.accounts.changePassword(found.verifier, 'yet another lantern', as(root)),
      'that one is not the current password any more',
    ).rejects.toEqual(problem('invalid_credentials'))
  })
})

describe('password resets', () => {
  beforeEach(() => {
    services = testPeople({ registration: 'open' })
  })

  test('a link sets one new password; of fifty concurrent uses, one succeeds; every session ends', async () => {
    const root = await setUp()
    const ann = await services.people.registration.register(person('ann'), CLIENT)
    await open(ann.id)
    const { href } = await services.people.resets.makeLink(ann.id, as(root))
    expect(href).toMatch(/^https:\/\/porch\.example\/reset#code=/)
    const code = services.codeOf(href)
    await expect(
      services.people.resets.use({ code, password: 'short' }, CLIENT),
      'a refused password leaves the link',
    ).rejects.toEqual(problem('password_too_short'))
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) =>
        services.people.resets.use({ code, password: `new lantern number ${n}` }, CLIENT),
      ),
    )
    expect(won(results)).toBe(1)
    expect(await services.sessions.list(ann.id)).toEqual([])
  })

  test('links live as many days as they are set to, invitations as well as those for a new password', async () => {
    await services.close()
    services = testPeople({ registration: 'open', linkDays: 30 })
    const root = await setUp()
    const ann = await services.people.registration.register(person('ann'), CLIENT)
    const { href, endsAt } = await services.people.resets.makeLink(ann.id, as(root))
    const { invite } = await services.people.registration.invite({ email: null, roles: ['user'] }, as(root))
    expect([endsAt, invite.endsAt].map(at => at - services.wall())).toEqual([30 * DAY, 30 * DAY])
    services.pass(30 * DAY - 1)
    await services.people.resets.use({ code: services.codeOf(href), password: GOOD_PASSWORD }, CLIENT)
  })

  test('a link expires after half an hour, and a disabled account gets none', async () => {
    const root = await setUp()
    const ann = await services.people.registration.register(person('ann'), CLIENT)
    const { href } = await services.people.resets.makeLink(ann.id, as(root))
    services.pass(HOUR / 2)
    await expect(
      services.people.resets.use({ code: services.codeOf(href), password: GOOD_PASSWORD }, CLIENT),
    ).rejects.toEqual(problem('invalid_code'))
    await services.people.accounts.change(ann.id, { disabled: true }, as(root))
    await expect(services.people.resets.makeLink(ann.id, as(root))).rejects.toEqual(problem('account_disabled'))
    await expect(services.people.resets.makeLink('nobody', as(root))).rejects.toEqual(problem('not_found'))
  })
})

describe('the security log', () => {
  test('ASVS 6.3.7 contains what happened and who did it, but not where an administrator was', async () => {
    services = testPeople({ registration: 'open' })
    const root = await setUp()
    const ann = await services.people.registration.register(person('ann'), CLIENT)
    await open(ann.id)
    await services.people.resets.makeLink(ann.id, as(root))
    await services.people.accounts.change(ann.id, { roles: ['admin'] }, as(root))
    const { events, next } = await services.people.log.page(ann.id, null)
    expect(next).toBeNull()
    expect(
      events.map(({ kind, by, network, device }) => ({ kind, by, network, browser: device?.browser ?? null })),
    ).toEqual([
      { kind: 'roles_changed', by: 'root', network: null, browser: null },
      { kind: 'reset_link_made', by: 'root', network: null, browser: null },
      { kind: 'signed_in', by: null, network: CLIENT.network, browser: 'Firefox 143' },
      { kind: 'account_created', by: null, network: CLIENT.network, browser: 'Firefox 143' },
    ])
  })

  test('is read page by page, and rejects invalid cursors', async () => {
    services = testPeople()
    const root = await setUp()
    for (let n = 0; n < 60; n++) await services.people.accounts.changeName(root.id, `name ${n}`, as(root))
    const first = await services.people.log.page(root.id, null)
    const second = await services.people.log.page(root.id, first.next)
    expect([first.events.length, second.events.length, second.next]).toEqual([50, 11, null])
    for (const cursor of ['', '-1', '1e3', 'x', '1; drop table events', '9'.repeat(40)]) {
      await expect(services.people.log.page(root.id, cursor)).rejects.toEqual(problem('invalid_query'))
    }
  })
})

test('ASVS 7.4 a sign-in opens no session if the password changed or the account was disabled during the hashing', async () => {
  services = testPeople()
  const root = await setUp()
  services.pass(5)
  const { passwordChangedAt } = await services.people.accounts.setPassword(root.id, 'an entirely new lantern', OPERATOR)
  const late = (at: number | null) =>
    services.sessions.open({
      userId: root.id,
      amr: ['pwd'],
      remember: true,
      client: CLIENT,
      replaces: null,
      newDevice: false,
      basis: at === null ? null : { kind: 'password', setAt: at },
    })
  await expect(late(root.passwordChangedAt)).rejects.toEqual(problem('invalid_credentials'))
  await late(passwordChangedAt)
  const member = await services.people.accounts.create({ ...person('member'), roles: ['user'] }, OPERATOR)
  await services.people.accounts.change(member.id, { disabled: true }, OPERATOR)
  await expect(open(member.id)).rejects.toEqual(problem('account_disabled'))
})

test('an invitation becomes void when its creator loses authority', async () => {
  services = testPeople()
  const root = await setUp()
  const other = await services.people.accounts.create({ ...person('other'), roles: ['admin', 'user'] }, OPERATOR)
  const { href } = await services.people.registration.invite({ email: null, roles: ['admin'] }, as(other))
  await services.people.accounts.change(other.id, { disabled: true }, as(root))
  await expect(
    services.people.registration.register({ ...person('back'), invite: services.codeOf(href) }, CLIENT),
  ).rejects.toEqual(problem('invalid_code'))
})

describe('authority', () => {
  test('a site with accounts of its own is set up once, and manages passwords', async () => {
    services = testPeople()
    const { accounts } = services.people
    expect([accounts.authority, await accounts.needsSetup()]).toEqual(['local', true])
    await setUp()
    expect(await accounts.needsSetup()).toBe(false)
    expect(() => accounts.requireLocal('passwords')).not.toThrow()
  })

  test('if an API manages the accounts, none is created, no password is set, and the refusal names the API', async () => {
    services = testPeople({ tokenApi: toTokenApi({ name: 'Shop', url: 'https://shop.example' }), registration: 'open' })
    const { accounts, registration, resets } = services.people
    expect([accounts.authority, await accounts.needsSetup()]).toEqual(['external', false])
    const closed = { code: 'registration_closed', extras: { detail: expect.stringContaining('Shop') as string } }
    await expect(registration.makeSetupLink()).rejects.toMatchObject(closed)
    await expect(registration.setUp({ ...person('root'), code: 'any' }, CLIENT)).rejects.toMatchObject(closed)
    const before = await accounts.create({ ...person('old'), roles: ['user'] }, OPERATOR)
    await expect(resets.makeLink(before.id, OPERATOR)).rejects.toMatchObject({
      code: 'forbidden',
      extras: { detail: 'Passwords are managed by Shop.' },
    })
  })
})
