import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Clock, DAY, HOUR } from '../base/clock.ts'
import { installation, noTimers, PASSWORD, type Services, signedIn, stateOf } from '../../tests/support/installation.ts'
import { newAccountRow } from '../accounts/account.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { runCommand } from './commands.ts'
import { startControl } from './control.ts'
import { askServer, controlSocket } from './control-client.ts'
import { examine } from './doctor.ts'
import { startHousekeeping } from './housekeeping.ts'
import { retireOldKeys, rotateKeys } from './key-operations.ts'
import { restore } from './restore-operation.ts'
import { openKeys } from '../keys/keys.ts'
import { databaseFile } from '../store/sqlite/files.ts'
import { rawOf } from '../store/store.testing.ts'

/** Both clocks, moved by hand. */
const hand = { wall: Date.UTC(2026, 10, 1), steady: 0 }
const clock: Clock = { now: () => ({ ...hand }) }
const pass = (ms: number) => {
  hand.wall += ms
  hand.steady += ms
}

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

const passwordWorks = async () => {
  const found = await services.people.accounts.findWithVerifier({ email: 'ada@example.org' })
  return (await services.people.passwords.compare(PASSWORD, found?.verifier ?? null, null)) === 'right'
}

/** So many more sessions like that one, `crowd-1` and so on. */
function crowd(publicId: string, count: number): void {
  const raw = rawOf(services.store)
  const columns = raw.prepare("SELECT name FROM pragma_table_info('sessions')").pluck().all().map(String)
  const copied = columns.map(name => (name === 'sid_hash' || name === 'public_id' ? "'crowd-' || value" : name))
  raw
    .prepare(
      `WITH RECURSIVE counter(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM counter WHERE value < ?)
    INSERT INTO sessions (${columns.join()}) SELECT ${copied.join()} FROM counter, sessions WHERE public_id = ? ORDER BY value`,
    )
    .run(count, publicId)
}

describe('key rotation', () => {
  test('signs nobody out, and passwords still work', async () => {
    const { shown } = await signedIn(services)
    await rotateKeys(services, { reseal: false, compromised: false })
    expect(await stateOf(services, shown)).toBe('live')
    expect(await passwordWorks()).toBe(true)
  })

  test('ASVS 11.2.2 --reseal rewrites what is at rest: the new key alone opens it', async () => {
    await signedIn(services)
    const before = openKeys(services.config.keys, false, 0).keyring
    const { resealed, newest } = await rotateKeys(services, { reseal: true, compromised: false })
    expect(resealed).toBe(1)
    const [verifier] = await services.store.accounts.verifiers('', 1)
    expect(await before.open('at-rest', verifier?.passwordSealed ?? '', verifier?.id)).toBeNull()
    expect(services.keys.keyring.currentId).toBe(newest.id)
    expect(await passwordWorks()).toBe(true)
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
    expect(await passwordWorks()).toBe(true)
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
    expect(await passwordWorks()).toBe(true)
  })

  test('an old key that one of thousands of sessions still needs is kept, wherever that one is in the table', async () => {
    const { session } = await signedIn(services)
    const [old] = services.keys.list()
    await rotateKeys(services, { reseal: false, compromised: false })
    crowd(session.publicId, 2500)
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

describe('housekeeping', () => {
  test('keeps an ended session and the security log for 90 days, then deletes both', async () => {
    const { userId, session } = await signedIn(services)
    await services.sessions.end(session.publicId, { reason: 'signed_out', userId, byUserId: null })
    const housekeeping = startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } })
    const rows = () =>
      rawOf(services.store)
        .prepare('SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM events) AS events')
        .get()
    const before = rows()
    pass(90 * DAY)
    expect(await housekeeping.run()).toMatchObject({ sessions: 0, events: 0 })
    expect(rows()).toEqual(before)
    pass(1)
    expect(await housekeeping.run()).toMatchObject({ sessions: 1 })
    expect(rows()).toEqual({ sessions: 0, events: 0 })
  })

  test('deletes more than one batch', async () => {
    const { userId } = await signedIn(services)
    const insert = rawOf(services.store).prepare('INSERT INTO events (at, kind, user_id) VALUES (1, ?, ?)')
    rawOf(services.store).transaction(() => {
      for (let i = 0; i < 1234; i++) insert.run(`kind ${i % 10}`, userId)
    })()
    expect(
      await startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } }).run(),
    ).toMatchObject({ events: 1234 })
  })

  test('what was granted to sessions that are over is found among what was granted to others, slice by slice', async () => {
    const { session, userId } = await signedIn(services)
    crowd(session.publicId, 3000)
    const raw = rawOf(services.store)
    raw
      .prepare(
        `INSERT INTO provider_grants (id, session_id, user_id, provider, issuer, subject, birth, refreshes, created_at)
      SELECT public_id, public_id, ?, 'main', 'https://main.example', 'ada', 'sign_in', 0, 1 FROM sessions`,
      )
      .run(userId)
    raw
      .prepare("UPDATE sessions SET absolute_ends_at = ? WHERE public_id IN ('crowd-1', 'crowd-2500')")
      .run(hand.wall - HOUR)
    raw.prepare("UPDATE sessions SET idle_ms = 1, last_seen_at = 1 WHERE public_id = 'crowd-1200'").run()
    raw.prepare("UPDATE sessions SET ended_at = 1 WHERE public_id = 'crowd-3000'").run()
    raw.prepare("DELETE FROM sessions WHERE public_id = 'crowd-99'").run()
    expect(
      await startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } }).run(),
    ).toMatchObject({ overdueGrants: 5 })
    expect(raw.prepare('SELECT id FROM provider_grants WHERE ended_at IS NOT NULL ORDER BY id').pluck().all()).toEqual([
      'crowd-1',
      'crowd-1200',
      'crowd-2500',
      'crowd-3000',
      'crowd-99',
    ])
    // They end as they would have, had somebody come back: with their reason.
    expect(
      raw
        .prepare(
          "SELECT public_id, end_reason FROM sessions WHERE public_id IN ('crowd-1', 'crowd-1200', 'crowd-2500') ORDER BY public_id",
        )
        .raw()
        .all(),
    ).toEqual([
      ['crowd-1', 'absolute'],
      ['crowd-1200', 'idle'],
      ['crowd-2500', 'absolute'],
    ])
  })

  test('a wall clock that leaps deletes nothing, warns once, and is believed after a day', async () => {
    await signedIn(services)
    const housekeeping = startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } })
    hand.wall += 400 * DAY
    expect(await housekeeping.run()).toBeNull()
    pass(HOUR)
    expect(await housekeeping.run()).toBeNull()
    expect(home.logged.filter(line => line.includes('clock jumped'))).toHaveLength(1)
    pass(DAY)
    expect(await housekeeping.run()).not.toBeNull()
  })

  test('raises the counter each time, in the database and in the key file', async () => {
    const before = services.keys.counter() ?? 0
    await startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } }).run()
    expect([services.keys.counter(), await services.store.keyRecords.counter()]).toEqual([before + 1, before + 1])
  })
})

describe('the control socket', () => {
  const ask = (name: Parameters<typeof askServer>[1], input: unknown) => askServer(home.dataDir, name, input as never)

  test("does what the command line asks, in the running server's memory", async () => {
    const close = await startControl(services)
    const { shown } = await signedIn(services)
    expect(await stateOf(services, shown)).toBe('live')
    expect(await ask('session.end-all', { email: 'ADA@example.org' })).toEqual({ output: { ended: 1 } })
    expect(await stateOf(services, shown)).toBe('nobody admin')
    expect(statSync(controlSocket(home.dataDir)).mode & 0o777).toBe(0o600)
    await close()
    expect(await ask('status', {})).toBeNull()
  })

  test('sessions are listed and ended one by one, people let in again, and the keys copied where that is asked for', async () => {
    const close = await startControl(services)
    const root = await signedIn(services, 'root@example.org')
    const [one, other] = [await signedIn(services), await signedIn(services)]
    const listed = (await ask('session.list', { email: 'ada@example.org' })) as {
      output: { sessions: { publicId: string }[] }
    }
    expect(listed.output.sessions.map(each => each.publicId).sort()).toEqual(
      [one.session.publicId, other.session.publicId].sort(),
    )
    expect(await ask('session.end', { id: one.session.publicId })).toEqual({ output: { ended: 1 } })
    expect([await stateOf(services, one.shown), await stateOf(services, other.shown)]).toEqual(['nobody admin', 'live'])
    await expect(ask('session.end', { id: one.session.publicId })).rejects.toThrow(/No live session/)

    await ask('user.disable', { email: 'ada@example.org' })
    expect(await stateOf(services, other.shown)).toBe('nobody disabled')
    await ask('user.enable', { email: 'ada@example.org' })
    expect((await services.people.accounts.find(one.userId))?.disabledAt).toBeNull()
    expect(await stateOf(services, (await signedIn(services)).shown)).toBe('live')
    expect(await stateOf(services, root.shown), 'nobody else').toBe('live')

    const file = join(home.dataDir, 'copy.db')
    expect(await ask('backup', { file, withKeys: true })).toEqual({
      output: { file, keys: `${file}.keys.json`, signingKeys: null },
    })
    const keys = openKeys({ file: `${file}.keys.json` }, false, home.clock.now().wall)
    expect(keys.list().map(key => key.id)).toEqual(services.keys.list().map(key => key.id))
    for (const path of [file, `${file}.keys.json`]) expect(statSync(path).mode & 0o777).toBe(0o600)
    await close()
  })

  test("somebody who came without an address is named by the account's id, and gets no link for a password", async () => {
    const close = await startControl(services)
    const at = services.clock.now().wall
    const admin = await services.people.accounts.create(
      { email: 'root@example.org', name: 'Root', roles: ['admin'], password: 'a lantern left burning' },
      OPERATOR,
    )
    const row = newAccountRow({ email: null, name: 'Carol', roles: ['user'] }, at)
    const identity = {
      id: 'i1',
      userId: row.id,
      provider: 'main',
      issuer: 'https://main.example',
      subject: 'carol',
      email: null,
      emailVerified: false,
      label: 'Carol',
      linkedIn: null,
      createdAt: at,
      lastUsedAt: at,
    }
    await services.store.identities.create(
      row,
      identity,
      { invite: null, rolesDecided: false, mayBeFirst: false },
      { at, byUserId: null, sessionId: null, userAgent: null, network: null },
    )
    await expect(ask('user.reset-password', { email: row.id, password: null })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await ask('user.disable', { email: row.id })).toEqual({ output: {} })
    expect((await services.people.accounts.list()).map(one => [one.id, one.disabledAt !== null])).toEqual([
      [admin.id, false],
      [row.id, true],
    ])
    await close()
  })

  test('passes on refusals and problems as they are, and checks what it is given', async () => {
    const close = await startControl(services)
    await expect(ask('user.disable', { email: 'nobody@example.org' })).rejects.toThrow(
      /No account has the e-mail address/,
    )
    await expect(
      ask('user.add', { email: 'a@example.org', name: 'A', roles: ['user'], password: 'short' }),
    ).rejects.toMatchObject({ code: 'password_too_short' })
    await expect(ask('user.add', { email: 'a@example.org' })).rejects.toMatchObject({ code: 'invalid_body' })
    await expect(ask('toString' as never, {})).rejects.toThrow(/does not know the command/)
    await close()
  })

  test('replaces the socket that a killed server left behind', async () => {
    const path = controlSocket(home.dataDir)
    const left = createServer().listen(path)
    await new Promise(done => left.once('listening', done))
    const close = await startControl(services)
    expect(await ask('status', {})).toMatchObject({ output: { pid: process.pid } })
    await close()
    left.close()
  })

  test('survives a client that sends nonsense or goes away', async () => {
    const close = await startControl(services)
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{',
      'nonsense\r\n\r\n',
    ]) {
      const socket = connect(controlSocket(home.dataDir), () => socket.end(bytes))
      await new Promise(done => socket.on('error', done).on('close', done).resume())
    }
    expect(await ask('status', {})).toMatchObject({ output: { pid: process.pid } })
    await close()
  })
})

describe('backup and restore', () => {
  test('a backup made while in use comes back: accounts are there, every session is over, links are void', async () => {
    const { shown } = await signedIn(services)
    const file = join(home.dataDir, 'copy.db')
    await services.store.maintenance.backup(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await signedIn(services, 'later@example.org')
    await services.close()
    const { aside, ended } = await restore({ config: services.config, clock, log: home.log }, { file, anyway: false })
    expect(ended).toBe(1)
    expect(existsSync(aside ?? '')).toBe(true)
    home.logged.length = 0
    services = await home.start()
    expect(home.logged.join()).not.toMatch(/restored by hand/)
    expect((await services.people.accounts.list()).map(one => one.email)).toEqual(['ada@example.org'])
    expect(await stateOf(services, shown)).toBe('nobody store_rolled_back')
    expect(await passwordWorks()).toBe(true)
  })

  test('never writes over a file', async () => {
    const file = join(home.dataDir, 'there')
    writeFileSync(file, 'mine')
    const close = await startControl(services)
    await expect(askServer(home.dataDir, 'backup', { file, withKeys: false })).rejects.toThrow(/already exists/)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    await close()
  })

  test('says what is wrong with a place that cannot be written to', async () => {
    writeFileSync(join(home.dataDir, 'file'), '')
    await expect(
      runCommand(services, 'backup', { file: join(home.dataDir, 'missing', 'copy.db'), withKeys: false }),
    ).rejects.toMatchObject({
      lines: [
        expect.stringMatching(/copy\.db cannot be written \(ENOENT\)\.$/),
        'The folder does not exist. Create it first.',
      ],
    })
    await expect(
      runCommand(services, 'backup', { file: join(home.dataDir, 'file', 'copy.db'), withKeys: false }),
    ).rejects.toMatchObject({ lines: [expect.stringMatching(/\(ENOTDIR\)/), expect.any(String)] })
  })

  test('refuses while somebody works on the folder, and a file that is not sound: nothing changes', async () => {
    const file = join(home.dataDir, 'copy.db')
    await signedIn(services)
    await services.store.maintenance.backup(file)
    await expect(restore({ config: services.config, clock, log: home.log }, { file, anyway: false })).rejects.toThrow(
      /Another process/,
    )
    await services.close()
    const before = readFileSync(databaseFile(home.dataDir))
    writeFileSync(file, readFileSync(file).fill(0xab, 4096, 4096 * 6))
    await expect(restore({ config: services.config, clock, log: home.log }, { file, anyway: false })).rejects.toThrow(
      /is damaged/,
    )
    await expect(
      restore({ config: services.config, clock, log: home.log }, { file: `${file}.no`, anyway: false }),
    ).rejects.toThrow(/no file/)
    writeFileSync(file, 'text')
    await expect(restore({ config: services.config, clock, log: home.log }, { file, anyway: false })).rejects.toThrow(
      /not a database/,
    )
    expect(readFileSync(databaseFile(home.dataDir)).equals(before)).toBe(true)
    services = await home.start()
  })

  test('refuses a backup whose passwords were sealed with other keys, unless told to go on', async () => {
    await signedIn(services)
    const file = join(home.dataDir, 'copy.db')
    await services.store.maintenance.backup(file)
    await rotateKeys(services, { reseal: false, compromised: true })
    await services.close()
    await expect(restore({ config: services.config, clock, log: home.log }, { file, anyway: false })).rejects.toThrow(
      /sealed with other keys/,
    )
    expect(await restore({ config: services.config, clock, log: home.log }, { file, anyway: true })).toMatchObject({
      ended: 1,
    })
    services = await home.start()
  })
})

describe('the doctor', () => {
  const reached = async () => ({ status: 200, headers: new Headers({ 'cache-control': 'no-store' }) })
  const found = async (fetchPublic = reached) =>
    (
      await examine({
        version: '0',
        config: services.config,
        clock,
        serverRuns: true,
        front: { begin: async () => null, seen: async () => null },
        fetchPublic,
      })
    )
      .filter(one => one.state !== 'ok')
      .map(one => one.what)

  test('finds nothing wrong with a fresh installation but plain http', async () => {
    await signedIn(services)
    expect(await found()).toEqual([expect.stringMatching(/plain http on this machine/)])
  })

  test('sees rights that are too wide, a missing key file, a clock behind, and an address that nobody answers', async () => {
    await signedIn(services)
    chmodSync(databaseFile(home.dataDir), 0o644)
    chmodSync(join(home.dataDir, 'keys.json'), 0o644)
    chmodSync(home.dataDir, 0o775)
    hand.wall -= HOUR
    const said = (
      await found(() =>
        Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
      )
    ).join('\n')
    hand.wall += HOUR
    for (const what of [
      /Other users can read \S+porchlight\.db/,
      /Other users can read \S+keys\.json/,
      /Its group can write to \S+porchlight-rooms/,
      /clock is behind/,
      /cannot be reached .*ECONNREFUSED/,
    ])
      expect(said).toMatch(what)
    chmodSync(home.dataDir, 0o700)
  })
})
