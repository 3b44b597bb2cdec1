import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY } from '../base/clock.ts'
import {
  addCrowd,
  handClock,
  installation,
  passwordWorks,
  type Services,
  signedIn,
  stateOf,
} from '../../tests/support/installation.ts'
import { retireOldKeys, rotateKeys } from './key-operations.ts'
import { openKeys } from '../keys/keys.ts'
import { rawOf } from '../store/store.testing.ts'

const { hand, clock, pass } = handClock()

let home: ReturnType<typeof installation>
let services: Services
beforeEach(async () => {
  home = installation(clock)
  services = await home.start()
})
afterEach(async () => {
  await services.close()
  home.remove()
})

describe('key rotation', () => {
  test('signs nobody out, and passwords still work', async () => {
    const { shown } = await signedIn(services)
    await rotateKeys(services, { reseal: false, compromised: false })
    expect(await stateOf(services, shown)).toBe('live')
    expect(await passwordWorks(services)).toBe(true)
  })

  test('ASVS 11.2.2 --reseal rewrites what is at rest: the new key alone opens it', async () => {
    await signedIn(services)
    const before = openKeys(services.config.keys, false, 0).keyring
    const { resealed, newest } = await rotateKeys(services, { reseal: true, compromised: false })
    expect(resealed).toBe(1)
    const [verifier] = await services.store.accounts.verifiers('', 1)
    expect(await before.open('at-rest', verifier?.passwordSealed ?? '', verifier?.id)).toBeNull()
    expect(services.keys.keyring.currentId).toBe(newest.id)
    expect(await passwordWorks(services)).toBe(true)
  })

  test('--compromised ends every session with its reason, voids links, forgets the old keys, and passwords still work', async () => {
    const { shown, userId } = await signedIn(services)
    const { href } = await services.people.resets.makeLink(userId, { userId: null, sessionId: null, client: null })
    const stolen = openKeys(services.config.keys, false, 0).keyring
    const ended: string[] = []
    services.sessions.onEnded(one => ended.push(one.reason))
    const outcome = await rotateKeys(services, { reseal: false, compromised: true })
    expect(outcome).toMatchObject({ ended: 1, retired: 1, resealed: 1, unreadable: 0 })
    expect(ended).toEqual(['keys_compromised'])
    expect(await stateOf(services, shown)).toMatch(/^nobody/)
    expect(services.keys.list()).toHaveLength(1)
    const [verifier] = await services.store.accounts.verifiers('', 1)
    expect(await stolen.open('at-rest', verifier?.passwordSealed ?? '', verifier?.id)).toBeNull()
    expect(await stateOf(services, { ...shown, access: stolen.seal('access', {}) })).toMatch(/^nobody/)
    expect(await passwordWorks(services)).toBe(true)
    const code = decodeURIComponent(href.split('#code=')[1] ?? '')
    await expect(
      services.people.resets.use(
        { code, password: 'another quiet lantern here' },
        { userAgent: '', network: '127.0.0.1' },
      ),
    ).rejects.toMatchObject({ code: 'invalid_code' })
  })

  test('an old key is retired when no session can need it, never before, and what was at rest under it still opens', async () => {
    await signedIn(services)
    await rotateKeys(services, { reseal: false, compromised: false })
    expect(await retireOldKeys(services, hand.wall)).toBe(0)
    pass(30 * DAY)
    expect(await retireOldKeys(services, hand.wall)).toBe(0)
    pass(1)
    expect(await retireOldKeys(services, hand.wall)).toBe(1)
    expect(services.keys.list()).toHaveLength(1)
    expect(await passwordWorks(services)).toBe(true)
  })

  test('an old key that one of thousands of sessions still needs is kept, wherever that one is in the table', async () => {
    const { session } = await signedIn(services)
    const [old] = services.keys.list()
    await rotateKeys(services, { reseal: false, compromised: false })
    addCrowd(services, session.publicId, 2500)
    const raw = rawOf(services.store)
    raw.prepare('UPDATE sessions SET tag_key_id = ?').run(services.keys.keyring.currentId)
    pass(31 * DAY)
    raw.prepare('UPDATE sessions SET absolute_ends_at = ?').run(hand.wall + DAY)
    for (const needing of ['crowd-1', 'crowd-1500', 'crowd-2500']) {
      raw.prepare('UPDATE sessions SET tag_key_id = ? WHERE public_id = ?').run(old?.id, needing)
      expect(await retireOldKeys(services, hand.wall), needing).toBe(0)
      raw.prepare('UPDATE sessions SET tag_key_id = ?').run(services.keys.keyring.currentId)
    }
    expect(await retireOldKeys(services, hand.wall)).toBe(1)
  })
})
