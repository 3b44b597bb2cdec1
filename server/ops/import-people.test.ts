import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OPERATOR } from '../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD, testPeople, type TestPeople } from '../accounts/accounts.testing.ts'
import { toTokenApi } from '../config/token-api-settings.ts'
import { createPasswordLogin } from '../login/password-login.ts'
import { type CommandOutput, runCommand } from './commands.ts'
import type { OperationServices } from './operation-services.ts'

/** Made with the tools themselves; see server/accounts/foreign-hashes.test.ts. */
const VECTORS = JSON.parse(
  readFileSync(new URL('../accounts/foreign-hashes.vectors.json', import.meta.url), 'utf8'),
) as { by: string; password: string; hash: string }[]
const [BCRYPT, DJANGO] = ["PHP 8.2.36, PASSWORD_BCRYPT (Laravel's default)", 'pbkdf2_sha256'].map(name => {
  const found = VECTORS.find(({ by }) => by.includes(name))
  if (found === undefined) throw new Error(`no vector of ${name}`)
  return found
}) as [(typeof VECTORS)[number], (typeof VECTORS)[number]]

const ROOT = { email: 'root@example.org', name: 'Root', roles: ['admin'] }
const ANN = { email: 'Ann@Example.org', name: 'Ann', passwordHash: BCRYPT.hash }
const BOB = { email: 'bob@example.org', passwordHash: DJANGO.hash }

let services: TestPeople
beforeEach(() => {
  services = testPeople()
})
afterEach(() => services.close())

const works = () => services as unknown as OperationServices
const importAll = (people: unknown[], how: { dryRun?: boolean; links?: boolean } = {}) =>
  runCommand(works(), 'user.import', { people, dryRun: false, links: false, ...how }) as Promise<
    CommandOutput<'user.import'>
  >
const outcomes = async (people: unknown[], how: { dryRun?: boolean; links?: boolean } = {}) =>
  (await importAll(people, how)).results.map(({ outcome, why }) => (why === null ? outcome : `${outcome}: ${why}`))
const accountOf = (email: string) => services.people.accounts.findByEmail(email)
const signIn = (email: string, password: string) =>
  createPasswordLogin({
    ...services,
    accounts: services.people.accounts,
    passwords: services.people.passwords,
    throttles: services.store.throttles,
  }).authenticate({
    email,
    password,
    device: null,
    client: CLIENT,
  })

test('people come with their names, roles and passwords; the first sign-in replaces the old hash by one of ours', async () => {
  expect(await outcomes([ROOT, ANN, BOB])).toEqual(['imported', 'imported', 'imported'])
  expect(await accountOf('root@example.org')).toMatchObject({ roles: ['admin', 'user'], hasPassword: false })
  expect(await accountOf('bob@example.org')).toMatchObject({ name: 'bob', roles: ['user'], hasPassword: true })
  for (const { email, passwordHash } of [ANN, BOB]) {
    const { password } = passwordHash === BCRYPT.hash ? BCRYPT : DJANGO
    const before = await services.store.accounts.findByEmail(email.toLowerCase())
    await expect(signIn(email, `${password}!`)).rejects.toMatchObject({ code: 'invalid_credentials' })
    expect((await signIn(email, password)).account.email).toBe(email)
    const after = await services.store.accounts.findByEmail(email.toLowerCase())
    expect(after?.passwordSealed).not.toBe(before?.passwordSealed)
    const opened = await services.keyring.open('at-rest', after?.passwordSealed ?? '', after?.id)
    expect(opened).toEqual({ hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/) as string })
    expect((await signIn(email, password)).account.email).toBe(email)
    expect((await services.store.accounts.findByEmail(email.toLowerCase()))?.passwordSealed).toBe(after?.passwordSealed)
  }
  const ann = await accountOf('ann@example.org')
  expect((await services.people.log.page(ann?.id ?? '', null)).events.map(({ kind }) => kind)).toContain(
    'account_imported',
  )
  const told = services.lines.join('\n')
  expect(told).toContain('"event":"account_imported","outcome":"success"')
  expect(told).not.toMatch(/pbkdf2|\$2y|ann@/i)
})

test('an imported password can be changed, and the old hash is then gone', async () => {
  await importAll([ROOT, ANN])
  const { people } = services
  const found = await people.accounts.findWithVerifier({ email: ANN.email })
  if (found === null || found.verifier === null) throw new Error('no password')
  await people.accounts.changePassword(found.verifier, GOOD_PASSWORD, { ...OPERATOR, userId: found.account.id })
  await expect(signIn(ANN.email, BCRYPT.password)).rejects.toMatchObject({ code: 'invalid_credentials' })
  await signIn(ANN.email, GOOD_PASSWORD)
})

test('somebody who was disabled there is disabled here, and learns so only with the right password', async () => {
  await importAll([ROOT, { ...ANN, disabled: true }])
  await expect(signIn(ANN.email, BCRYPT.password)).rejects.toMatchObject({ code: 'account_disabled' })
  await expect(signIn(ANN.email, 'another')).rejects.toMatchObject({ code: 'invalid_credentials' })
})

test('a second run imports who is new, and changes nobody who is there', async () => {
  expect(await outcomes([ROOT, ANN])).toEqual(['imported', 'imported'])
  const again = [{ ...ANN, email: 'ANN@example.org', name: 'Other', roles: ['admin'] }, BOB, BOB]
  expect(await outcomes(again)).toEqual(['exists', 'imported', 'exists'])
  expect(await accountOf('ann@example.org')).toMatchObject({ name: 'Ann', roles: ['user'] })
})

test('a dry run says the same and creates nothing', async () => {
  expect(await outcomes([ROOT, ANN, { email: 'x' }], { dryRun: true })).toEqual([
    'imported',
    'imported',
    'refused: email: not an e-mail address',
  ])
  expect(await services.people.accounts.anybody()).toBe(false)
  expect(await services.store.accounts.importDecoy()).toBeNull()
})

describe('links', () => {
  const people = [ROOT, ANN, { email: 'cy@example.org' }, { email: 'dan@example.org', disabled: true }]

  test('are made for accounts without a password, and again in a second run as long as there is none', async () => {
    const first = (await importAll(people, { links: true })).results.map(({ link }) => link !== null)
    expect(first).toEqual([true, false, true, false])
    const [root, , cy] = (await importAll(people, { links: true })).results
    expect([root?.outcome, cy?.outcome]).toEqual(['exists', 'exists'])
    const code = services.codeOf(cy?.link ?? '')
    await services.people.resets.use({ code, password: GOOD_PASSWORD }, CLIENT)
    expect((await importAll(people, { links: true })).results.map(({ link }) => link !== null)).toEqual([
      true,
      false,
      false,
      false,
    ])
    await signIn('cy@example.org', GOOD_PASSWORD)
  })

  test('of more people than an administrator may have links for', async () => {
    const crowd = Array.from({ length: 99 }, (_, n) => ({ email: `p${n}@example.org` }))
    const more = Array.from({ length: 20 }, (_, n) => ({ email: `q${n}@example.org` }))
    const made = [
      ...(await importAll([ROOT, ...crowd], { links: true })).results,
      ...(await importAll(more, { links: true })).results,
    ]
    expect(made.filter(({ link }) => link !== null)).toHaveLength(120)
    expect(await services.people.registration.invite({ email: null, roles: ['user'] }, OPERATOR)).toBeDefined()
  })
})

test('a bad line is refused alone, in words that repeat none of it', async () => {
  const lines = [
    ['null', null, 'not an object'],
    ['a list', [], 'not an object'],
    ['text', '$2y$10$secretsecret', 'not an object'],
    ['no address', { name: 'X' }, 'email: missing'],
    ['an address that is none', { email: 'secret' }, 'email: not an e-mail address'],
    ['another field', { ...ANN, secret: 'secret' }, 'a field other than'],
    ['a field that is a hash', { ...ANN, [BCRYPT.hash]: 1 }, 'a field other than'],
    ['a number for a name', { ...ANN, name: 5 }, 'name: not text'],
    ['a name with control characters', { ...ANN, name: 'secret\u202e' }, 'name: contains'],
    ['an unknown role', { ...ANN, roles: ['secret'] }, 'roles: other than'],
    ['no roles', { ...ANN, roles: [] }, 'roles: none'],
    ['roles as text', { ...ANN, roles: 'secret' }, 'roles: not a list'],
    ['a number for disabled', { ...ANN, disabled: 1 }, 'disabled: neither'],
    ['a list for a hash', { ...ANN, passwordHash: ['secret'] }, 'passwordHash: not text'],
    ['a password for a hash', { ...ANN, passwordHash: 'my secret' }, 'passwordHash: not a hash of a known kind'],
    [
      'a hash that would stall',
      { ...ANN, passwordHash: `$2b$31$${'a'.repeat(53)}` },
      'passwordHash: bcrypt with cost 31',
    ],
  ] as const
  const { results } = await importAll([ROOT, ...lines.map(([, line]) => line), BOB])
  expect([results[0]?.outcome, results.at(-1)?.outcome]).toEqual(['imported', 'imported'])
  for (const [at, [what, , why]] of lines.entries()) {
    const refused = results[at + 1]
    expect(refused, what).toMatchObject({ outcome: 'refused', why: expect.stringContaining(why) as string, link: null })
    expect(refused?.why, what).not.toMatch(/secret|aaaa|\$2y/)
  }
})

test('long names are shortened, missing ones are taken from the address, and accounts that never had a password have none', async () => {
  await importAll([
    ROOT,
    { email: 'long@example.org', name: '👩'.repeat(150) },
    { email: 'none@example.org', name: '  ', passwordHash: '!unusable' },
    { email: 'null@example.org', name: null, passwordHash: null },
  ])
  expect((await accountOf('long@example.org'))?.name.isWellFormed()).toBe(true)
  expect(await accountOf('none@example.org')).toMatchObject({ name: 'none', hasPassword: false })
  expect(await accountOf('null@example.org')).toMatchObject({ name: 'null', hasPassword: false })
})

test('an empty site gets an administrator with its first people, or nobody', async () => {
  const disabled = { ...ROOT, disabled: true }
  for (const people of [[ANN], [disabled, ANN]])
    await expect(importAll(people)).rejects.toThrow(/Nobody is an administrator here/)
  expect(await services.people.accounts.anybody()).toBe(false)
  expect(await outcomes([ANN, ROOT])).toEqual(['imported', 'imported'])
  expect(await outcomes([BOB])).toEqual(['imported'])
})

test('at most a hundred people at once, and none where an API manages the accounts', async () => {
  await expect(importAll(Array.from({ length: 101 }, () => ANN))).rejects.toMatchObject({ code: 'invalid_body' })
  await services.close()
  services = testPeople({ tokenApi: toTokenApi({ name: 'Shop', url: 'https://shop.example' }) })
  await expect(importAll([ROOT])).rejects.toMatchObject({ code: 'registration_closed' })
})
