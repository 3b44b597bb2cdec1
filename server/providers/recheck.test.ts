import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SECOND } from '../base/clock.ts'
import { installation, PASSWORD, type Services, signedIn } from '../../tests/support/installation.ts'
import {
  endOf,
  linkThere,
  MAIN,
  movableClock,
  signedInThere,
  someProvider,
  someTokens,
  vaultOf,
} from '../../tests/support/vault-stage.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { openTokens } from './sealed-tokens.ts'

const RECHECK = 900 * SECOND
const NEEDS = { access: false, idToken: false, recheckMs: RECHECK }

let clock: ReturnType<typeof movableClock>
let home: ReturnType<typeof installation>
let services: Services
let provider: ReturnType<typeof someProvider>
let vault: ReturnType<typeof vaultOf>

beforeEach(async () => {
  clock = movableClock()
  home = installation(clock)
  services = await home.start()
  provider = someProvider()
  vault = vaultOf(services, provider, NEEDS)
})
afterEach(async () => {
  await vault.stop()
  await services.close()
  home.remove()
})

const grantOf = (id: string) => services.store.providerGrants.find(id)
const rolesOf = async (id: string) => (await services.people.accounts.find(id))?.roles
/** Longer than the timer sleeps. */
const aMoment = () => new Promise(resolve => setTimeout(resolve, 1100))
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 50 })

test('of what a provider gave, no more is kept for that than the refresh token', async () => {
  const { grantId } = await signedInThere(services, vault, { idToken: 'an.id.token' })
  const kept = await openTokens(services.keys.keyring, await grantOf(grantId))
  expect(kept).toMatchObject({
    accessToken: '',
    refreshToken: 'refresh-first',
    idToken: 'an.id.token',
    accessEndsAt: null,
  })
})

test('every recheckSeconds, not sooner, and again soon after trouble', async () => {
  const { session, grantId } = await signedInThere(services, vault)
  clock.ahead(RECHECK - 5 * SECOND)
  await aMoment()
  expect(provider.asked).toEqual([])
  provider.fails = 'unreachable'
  clock.ahead(5 * SECOND)
  await provider.asks(1)
  provider.fails = null
  clock.ahead(61 * SECOND)
  await provider.asks(2)
  await eventually(async () => expect(await grantOf(grantId)).toMatchObject({ refreshes: 1, refreshingAt: null }))
  expect((await grantOf(grantId))?.recheckAt).toBeGreaterThan(services.clock.now().wall + RECHECK - 5 * SECOND)
  expect(await endOf(services, session.publicId)).toBeNull()
})

test('a session whose grant is refused then is over', async () => {
  const { session } = await signedInThere(services, vault)
  provider.fails = 'over'
  clock.ahead(RECHECK)
  await eventually(async () => expect(await endOf(services, session.publicId)).toBe('provider_revoked'))
})

test('roles follow what the provider says, change by change; with none at all, session, power and open codes are over', async () => {
  const { session } = await signedInThere(services, vault)
  provider.roles = ['admin', 'user']
  clock.ahead(RECHECK)
  await eventually(async () => expect(await rolesOf(session.userId)).toEqual(['admin', 'user']))
  await services.people.accounts.create(
    { email: 'root@example.org', name: 'Root', roles: ['admin', 'user'], password: PASSWORD },
    OPERATOR,
  )
  const actor = {
    userId: session.userId,
    sessionId: session.publicId,
    client: { userAgent: 'test', network: '127.0.0.1' },
  }
  await services.people.registration.invite({ email: null, roles: ['admin', 'user'] }, actor)
  provider.roles = []
  clock.ahead(RECHECK)
  await eventually(async () => expect(await endOf(services, session.publicId)).toBe('provider_revoked'))
  expect(await rolesOf(session.userId), 'the power goes with the session').toEqual(['user'])
  expect((await services.people.registration.invites(null)).invites, 'and what was made with it').toEqual([])
})

test('a linked account is not asked about, and with no interval nobody is', async () => {
  const { session } = await signedIn(services)
  await linkThere(
    services,
    vault,
    session,
    { subject: 'linked' },
    someTokens('linked', null, services.clock.now().wall),
  )
  const grant = await services.store.providerGrants.ofSession(session.publicId, MAIN)
  expect(grant?.recheckAt).toBeNull()
  await vault.stop()
  vault = vaultOf(services, provider, { ...NEEDS, recheckMs: null })
  const { grantId } = await signedInThere(services, vault, { email: 'bob@example.org' })
  expect(await grantOf(grantId)).toMatchObject({ recheckAt: null, sealed: null })
})
