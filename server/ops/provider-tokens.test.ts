import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { installation, noTimers, type Services } from '../../tests/support/installation.ts'
import { endOf, MAIN, movableClock, signedInThere, someProvider, vaultOf } from '../../tests/support/vault-stage.ts'
import { DAY } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { openKeys } from '../keys/keys.ts'
import { startHousekeeping } from './housekeeping.ts'
import { rotateKeys } from './key-operations.ts'
import { restore } from './restore-operation.ts'

// What operations do with the tokens that providers gave.

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
  vault = vaultOf(services, provider)
})
afterEach(async () => {
  await vault.stop()
  await services.close()
  home.remove()
})

const outcome = (work: Promise<{ accessToken: string }>) =>
  work.then(
    tokens => tokens.accessToken,
    (error: unknown) => (error instanceof Problem ? error.code : String(error)),
  )
const grantOf = (id: string) => services.store.providerGrants.find(id)

describe("a provider's tokens at rest", () => {
  test('key rotate --reseal seals them anew: the new key alone opens them', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    const old = openKeys(services.config.keys, false, 0).keyring
    await rotateKeys(services, { reseal: true, compromised: false })
    expect(await old.open('at-rest', (await grantOf(grantId))?.sealed ?? '', grantId)).toBeNull()
    await vault.stop()
    await services.close()
    services = await home.start()
    vault = vaultOf(services, provider)
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('access-first')
  })

  test('a restored backup gives them to nobody: its sessions and grants are over', async () => {
    const { session, grantId } = await signedInThere(services, vault)
    const file = `${home.dataDir}/backup.db`
    await services.store.maintenance.backup(file, 0)
    await vault.stop()
    await services.close()
    await restore({ config: services.config, clock, log: home.log }, { file, anyway: false })
    services = await home.start()
    vault = vaultOf(services, provider)
    expect(await endOf(services, session.publicId)).toBe('store_rolled_back')
    expect((await grantOf(grantId))?.endedAt).not.toBeNull()
    expect(await outcome(vault.tokenFor(session, MAIN, null))).toBe('provider_sign_in_required')
  })
})

test('a session whose browser never came back ends with its reason, and what was granted to it is given back at once', async () => {
  const housekeeping = startHousekeeping({ ...services, timers: noTimers, vault })
  const gone = await signedInThere(services, vault, { name: 'gone', sid: 'there' })
  await housekeeping.run()
  expect(await services.store.sessions.findByPublicId(gone.session.publicId)).toMatchObject({ endedAt: null })
  clock.ahead(31 * DAY)
  expect(await housekeeping.run()).toMatchObject({ overdueGrants: 1 })
  expect(await services.store.sessions.findByPublicId(gone.session.publicId)).toMatchObject({ endReason: 'idle' })
  await vi.waitUntil(() => provider.revoked.includes('refresh-gone'), { timeout: 10_000 })
  // It shares nothing with anybody who comes later.
  const back = await signedInThere(services, vault, { name: 'back', sid: 'there' })
  await services.sessions.end(back.session.publicId, { reason: 'signed_out', userId: null, byUserId: null })
  await vi.waitUntil(() => provider.revoked.includes('refresh-back'), { timeout: 10_000 })
})
