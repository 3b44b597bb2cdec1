import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { captureLog } from '../base/log.testing.ts'
import { noMeter } from '../base/meter.ts'
import { buildServices } from './services.ts'
import { installation, signedIn, stateOf } from '../../tests/support/installation.ts'
import { downgrade } from '../store/store.testing.ts'
import { databaseFile } from '../store/sqlite/files.ts'

let home: ReturnType<typeof installation>
beforeEach(() => {
  home = installation()
})
afterEach(() => home.remove())

describe('the first start', () => {
  test('creates keys and a database, private to their owner', async () => {
    const services = await home.start()
    await services.close()
    expect(statSync(home.dataDir).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(home.dataDir))
      expect([name, statSync(join(home.dataDir, name)).mode & 0o777]).toEqual([name, 0o600])
  })

  test('continues if it was killed between the keys and the database', async () => {
    const first = await home.start()
    await first.close()
    const keys = readFileSync(join(home.dataDir, 'keys.json'), 'utf8').replace(/"counter": \d+/, '"counter": 0')
    for (const name of readdirSync(home.dataDir)) rmSync(join(home.dataDir, name))
    writeFileSync(join(home.dataDir, 'keys.json'), keys, { mode: 0o600 })
    await (await home.start()).close()
    expect(existsSync(databaseFile(home.dataDir))).toBe(true)
  })
})

describe('a later start', () => {
  test('keeps sessions as they were', async () => {
    const first = await home.start()
    const { shown } = await signedIn(first)
    await first.close()
    const second = await home.start()
    expect(await stateOf(second, shown)).toBe('live')
    await second.close()
  })

  test('keeps sessions through the migration that drops the columns of the demo, and deletes those that the demo left', async () => {
    const first = await home.start()
    const { shown, session } = await signedIn(first)
    await first.close()
    const old = downgrade(home, '0007')
    old.exec(`
      CREATE TEMP TABLE staged AS SELECT * FROM sessions;
      UPDATE staged SET sid_hash = 'staged', public_id = 'staged', settle_ms = 1, late_ms = 2, access_ms = 4;
      INSERT INTO sessions SELECT * FROM staged`)
    old.close()
    const second = await home.start()
    expect(await stateOf(second, shown)).toBe('live')
    expect((await second.sessions.list(session.userId)).map(({ publicId }) => publicId)).toEqual([session.publicId])
    expect(await second.store.sessions.findByPublicId('staged')).toBeNull()
    await second.close()
  })

  test('refuses a folder in use, without disturbing its owner', async () => {
    const first = await home.start()
    await expect(home.start()).rejects.toThrow(/Another process \(the test, pid \d+\) is using the data folder/)
    expect(await first.store.accounts.anybody()).toBe(false)
    await first.close()
    await (await home.start()).close()
  })

  test('refuses a missing key file or a missing database, and creates neither', async () => {
    await (await home.start()).close()
    const keys = join(home.dataDir, 'keys.json')
    const text = readFileSync(keys, 'utf8')
    rmSync(keys)
    await expect(home.start()).rejects.toThrow(/key file .* is missing/)
    expect(existsSync(keys)).toBe(false)
    writeFileSync(keys, text, { mode: 0o600 })
    rmSync(databaseFile(home.dataDir))
    await expect(home.start()).rejects.toThrow(/database .* is missing/)
    writeFileSync(databaseFile(home.dataDir), '', { mode: 0o600 })
    await expect(home.start()).rejects.toThrow(/is empty/)
    expect(readFileSync(databaseFile(home.dataDir))).toHaveLength(0)
  })
})

describe('a database restored by hand', () => {
  test('ends every session with the reason, and voids every code', async () => {
    const first = await home.start()
    const { shown } = await signedIn(first)
    const invited = await first.people.registration.invite(
      { email: null, roles: ['user'] },
      { userId: null, sessionId: null, client: null },
    )
    await first.close()
    copyFileSync(databaseFile(home.dataDir), `${databaseFile(home.dataDir)}.copy`)
    // Without the log line, since nothing was wrong so far.
    expect(home.logged.join()).not.toMatch(/restored by hand/)
    await (await home.start()).close()
    copyFileSync(`${databaseFile(home.dataDir)}.copy`, databaseFile(home.dataDir))

    const second = await home.start()
    expect(home.logged.join()).toMatch(/older than the key file/)
    expect(await stateOf(second, shown)).toBe('nobody store_rolled_back')
    const code = decodeURIComponent(invited.href?.split('#code=')[1] ?? '')
    await expect(
      second.people.registration.register(
        { email: 'b@example.org', name: 'B', password: 'quiet lantern over the porch', invite: code },
        { userAgent: '', network: '127.0.0.1' },
      ),
    ).rejects.toMatchObject({ code: 'invalid_code' })
    await second.close()

    // Once is enough: sessions opened since then stay.
    const third = await home.start()
    const again = await signedIn(third)
    await third.close()
    const fourth = await home.start()
    expect(await stateOf(fourth, again.shown)).toBe('live')
    await fourth.close()
  })

  test('is detected even if copied and restored between two starts', async () => {
    const first = await home.start()
    const { shown } = await signedIn(first)
    await first.store.maintenance.backup(join(home.dataDir, 'copy'), 0)
    await first.close()
    copyFileSync(join(home.dataDir, 'copy'), databaseFile(home.dataDir))
    const second = await home.start()
    expect(await stateOf(second, shown)).toBe('nobody store_rolled_back')
    await second.close()
  })

  test('is not mistaken for a crash between the two counters', async () => {
    const first = await home.start()
    const { shown } = await signedIn(first)
    await first.store.keyRecords.setCounter((first.keys.counter() ?? 0) + 1)
    await first.close()
    const second = await home.start()
    expect(await stateOf(second, shown)).toBe('live')
    await second.close()
  })
})

test('ASVS 16.3.1 a session that ends is one line with its reason: a theft is a failure', async () => {
  const { log, events } = captureLog()
  const services = await buildServices({
    config: await home.readConfig(),
    clock: home.clock,
    log,
    meter: noMeter,
    tracing: null,
    what: 'the test',
    waitMs: 2000,
  })
  const { userId, session } = await signedIn(services)
  const { session: robbed } = await signedIn(services)
  const end = (publicId: string, reason: 'signed_out' | 'refresh_reuse') =>
    services.sessions.end(publicId, { reason, userId: null, byUserId: null })
  await end(session.publicId, 'signed_out')
  await end(robbed.publicId, 'refresh_reuse')
  expect(events().filter(({ event }) => event === 'session_ended')).toEqual([
    expect.objectContaining({ level: 30, outcome: 'success', reason: 'signed_out', accountId: userId }),
    expect.objectContaining({ level: 40, outcome: 'failure', reason: 'refresh_reuse', accountId: userId }),
  ])
  await services.close()
})
