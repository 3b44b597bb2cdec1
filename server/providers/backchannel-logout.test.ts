import { afterEach, beforeEach, expect, test } from 'vitest'
import { Problem } from '../base/problem.ts'
import { installation, type Services, signedIn } from '../../tests/support/installation.ts'
import {
  endOf,
  linkThere,
  MAIN,
  signedInThere,
  someProvider,
  someTokens,
  vaultOf,
} from '../../tests/support/vault-stage.ts'
import { rawOf } from '../store/store.testing.ts'

let home: ReturnType<typeof installation>
let services: Services
let vault: ReturnType<typeof vaultOf>
beforeEach(async () => {
  home = installation()
  services = await home.start()
  vault = vaultOf(services, someProvider())
})
afterEach(async () => {
  await vault.stop()
  await services.close()
  home.remove()
})

const ISSUER = 'https://main.example'
let tokens = 0
const logout = (of: { sid?: string; subject?: string; key?: string; issuer?: string; algs?: string[] }) =>
  services.store.providerGrants.endAtProvider({
    issuer: of.issuer ?? ISSUER,
    sid: of.sid ?? null,
    subject: of.subject ?? null,
    algs: of.algs ?? ['RS256'],
    use: { key: of.key ?? `jti:${++tokens}`, endsAt: services.clock.now().wall + 60_000 },
    at: services.clock.now().wall,
  })
const linked = () => someTokens('linked', 60_000, services.clock.now().wall)
const subjectOf = (email: string) => `subject of ${email}`

test('LO-6 a session that was only linked with a provider loses the grant and goes on', async () => {
  const { session } = await signedIn(services)
  await linkThere(services, vault, session, { subject: 'linked', sid: 'there' }, linked())
  await vault.tokenFor(session, MAIN, null)
  const { ended, unlinked } = await logout({ sid: 'there' })
  expect([ended, unlinked]).toEqual([[], [session.publicId]])
  vault.ended(session.publicId)
  expect(await endOf(services, session.publicId)).toBeNull()
  await expect(vault.tokenFor(session, MAIN, null)).rejects.toMatchObject({ code: 'provider_sign_in_required' })
})

test('LO-3 a session whose ID token is signed with another algorithm is left alone; one without an ID token is not', async () => {
  const idToken = (alg: string) => `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.e30.x`
  const { session: other } = await signedInThere(services, vault, { sid: 'there', idToken: idToken('ES256') })
  expect(await logout({ sid: 'there' })).toMatchObject({ otherAlg: true, ended: [] })
  const { session: without } = await signedInThere(services, vault, { sid: 'there' })
  expect((await logout({ sid: 'there' })).ended.map(one => one.publicId)).toEqual([without.publicId])
  expect(await logout({ sid: 'elsewhere' })).toMatchObject({ otherAlg: false, ended: [] })
  expect((await logout({ sid: 'there', algs: ['ES256'] })).ended.map(one => one.publicId)).toEqual([other.publicId])
})

test('LO-6 a session that came by a provider ends with it, however often that was linked again', async () => {
  const { session, person, tokens: granted } = await signedInThere(services, vault, { sid: 'there' })
  expect(await linkThere(services, vault, session, { subject: person.subject, sid: 'there' }, granted)).toBe(true)
  const { ended, unlinked } = await logout({ sid: 'there' })
  expect([ended.map(one => one.publicId), unlinked]).toEqual([[session.publicId], []])
})

test('LO-6 a session that took over a grant ends with it, and the security log says why', async () => {
  const { session } = await signedInThere(services, vault, { sid: 'there' })
  const { session: next } = await services.sessions.open({
    userId: session.userId,
    amr: ['pwd'],
    remember: true,
    client: { userAgent: '', network: '' },
    replaces: { publicId: session.publicId, reauthenticates: false },
    newDevice: false,
    basis: null,
  })
  const { ended } = await logout({ sid: 'there' })
  expect(ended.map(one => [one.publicId, one.reason])).toEqual([[next.publicId, 'provider_logout']])
  const last = rawOf(services.store).prepare('select session_id, reason from events order by id desc limit 1').get()
  expect(last).toEqual({ session_id: next.publicId, reason: 'provider_logout' })
})

test("another issuer's sid or subject of the same name ends nothing", async () => {
  const { session } = await signedInThere(services, vault, { sid: 'there' })
  await logout({ sid: 'there', issuer: 'https://other.example' })
  await logout({ subject: subjectOf('ada@example.org'), issuer: 'https://other.example' })
  expect(await endOf(services, session.publicId)).toBeNull()
})

test('LO-5 a token that could not be acted on is not used up: the provider may send it again', async () => {
  const { session } = await signedInThere(services, vault, { sid: 'there' })
  rawOf(services.store).exec(
    "create trigger full before update of ended_at on sessions begin select raise(abort, 'disk'); end",
  )
  await expect(logout({ sid: 'there', key: 'jti:again' })).rejects.toThrow()
  rawOf(services.store).exec('drop trigger full')
  expect((await logout({ sid: 'there', key: 'jti:again' })).ended).toHaveLength(1)
  expect(await endOf(services, session.publicId)).toBe('provider_logout')
  expect(await logout({ sid: 'there', key: 'jti:again' })).toMatchObject({ repeated: true, ended: [] })
})

test("LO-6 a session that came by one account there goes on with it when it links another: the first one's logout ends it", async () => {
  const { session } = await signedInThere(services, vault, { sid: 'there' })
  expect(await linkThere(services, vault, session, { subject: 'another', sid: 'elsewhere' }, linked())).toBe(false)
  expect((await services.store.identities.list(session.userId)).map(one => one.subject)).toEqual([
    'subject of ada@example.org',
    'another',
  ])
  expect((await vault.tokenFor(session, MAIN, null)).accessToken).toBe('access-first')
  expect((await logout({ sid: 'elsewhere' })).ended).toEqual([])
  expect((await logout({ sid: 'there' })).ended.map(one => one.publicId)).toEqual([session.publicId])
})

test('a session that only linked one account there goes on with another that it links later', async () => {
  const { session } = await signedIn(services)
  await linkThere(services, vault, session, { subject: 'one' }, someTokens('one', 60_000, services.clock.now().wall))
  await vault.tokenFor(session, MAIN, null)
  expect(
    await linkThere(
      services,
      vault,
      session,
      { subject: 'another' },
      someTokens('another', 60_000, services.clock.now().wall),
    ),
  ).toBe(true)
  expect((await vault.tokenFor(session, MAIN, null)).accessToken).toBe('access-another')
})

test('an account and its grant are linked to a living session of the same person, or neither is', async () => {
  const { session } = await signedIn(services)
  await services.sessions.end(session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
  const { session: other } = await signedIn(services, 'ben@example.org')
  for (const publicId of [session.publicId, other.publicId]) {
    await expect(
      linkThere(services, vault, { publicId, userId: session.userId }, { subject: 'linked' }, linked()),
    ).rejects.toMatchObject(new Problem('not_signed_in'))
  }
  expect(await services.store.identities.list(session.userId)).toEqual([])
  expect(rawOf(services.store).prepare('select count(*) as kept from provider_grants').get()).toEqual({ kept: 0 })
})

test('however many sessions end at once, all of their grants do', async () => {
  await signedInThere(services, vault)
  const open = (i: number) => signedInThere(services, vault, { name: `n${i}`, sid: `s${i}` })
  // Sessions are ended a thousand at a time; opened at once, many share a commit.
  for (let i = 0; i < 1200; i += 100) await Promise.all(Array.from({ length: 100 }, (_, n) => open(i + n)))
  await vault.stop()
  await services.store.maintenance.revokeAll({ reason: 'store_rolled_back', at: services.clock.now().wall }, () => {})
  const left = rawOf(services.store)
    .prepare('select count(*) as left from provider_grants where ended_at is null')
    .get()
  expect(left).toEqual({ left: 0 })
})
