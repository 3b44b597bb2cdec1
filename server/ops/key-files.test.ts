import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR, systemClock } from '../base/clock.ts'
import {
  handClock,
  installation,
  noTimers,
  PASSWORD,
  type Services,
  signedIn,
  stateOf,
} from '../../tests/support/installation.ts'
import { UPSTREAM_TOKEN_ALGS } from '../config/settings.ts'
import { writeBackup } from './backup-operation.ts'
import { examine } from './doctor.ts'
import { startHousekeeping } from './housekeeping.ts'
import { rememberKeys } from './key-checks.ts'
import { rotateKeys } from './key-operations.ts'
import { restore } from './restore-operation.ts'
import { databaseFile } from '../store/sqlite/files.ts'
import { rawOf } from '../store/store.testing.ts'

const { hand, clock, pass } = handClock()

const mayMount = () => process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0

let home: ReturnType<typeof installation>
let keyFile: string
beforeEach(() => {
  home = installation(clock)
  keyFile = join(home.dataDir, 'keys.json')
})
afterEach(() => home.remove())

const start = (env: Record<string, string> = {}) => home.start(env)
const tidied = (services: Services) =>
  startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } }).run()
const diagnosis = async (env: Record<string, string> = {}) => {
  const findings = await examine({
    version: '1',
    config: await home.readConfig(env),
    clock: systemClock,
    serverRuns: false,
    outbox: [],
    front: { begin: async () => null, seen: async () => null },
    fetchPublic: async () => {
      throw new Error('not asked')
    },
  })
  return findings
    .filter(one => one.state === 'fail')
    .map(one => one.what)
    .join('\n')
}
/** Another character in the place of one in the middle. */
const changed = (text: string) => {
  const at = Math.floor(text.length / 2)
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}
const edit = (
  change: (keys: {
    roots: { id: string; secret: string }[]
    signing: { id: string; jwk: Record<string, string> }[]
  }) => void,
) => {
  const keys = JSON.parse(readFileSync(keyFile, 'utf8')) as Parameters<typeof change>[0]
  change(keys)
  writeFileSync(keyFile, JSON.stringify(keys))
}

describe('a key file that is not the one', () => {
  test('of another installation is refused, nothing is changed, and the right one still signs everybody in', async () => {
    const first = await start()
    const { shown } = await signedIn(first)
    await first.close()
    const own = readFileSync(keyFile, 'utf8')
    const other = installation(clock)
    await (await other.start()).close()
    copyFileSync(join(other.dataDir, 'keys.json'), keyFile)
    other.remove()
    await expect(start()).rejects.toThrow(/root keys belong to another installation/)
    expect(await diagnosis()).toMatch(/root keys belong to another installation/)
    writeFileSync(keyFile, own)
    const again = await start()
    expect(await stateOf(again, shown)).toBe('live')
    await again.close()
    expect(await diagnosis()).toBe('')
  })

  test("with one changed character in a root secret, wherever it is, or in a root's id, is refused", async () => {
    const first = await start()
    await rotateKeys(first, { reseal: false, compromised: false })
    await first.close()
    const own = readFileSync(keyFile, 'utf8')
    for (const root of [0, 1]) {
      for (const at of [0, 20, 42]) {
        edit(({ roots }) => {
          const { secret = '' } = roots[root] ?? {}
          if (roots[root])
            roots[root].secret =
              secret.slice(0, at) + String.fromCharCode(secret.charCodeAt(at) === 65 ? 66 : 65) + secret.slice(at + 1)
        })
        await expect(start(), `${root} ${at}`).rejects.toThrow(/damaged|cannot be used/)
        expect(await diagnosis()).toMatch(/damaged|cannot be used/)
        writeFileSync(keyFile, own)
      }
    }
    for (const root of [0, 1]) {
      edit(({ roots }) => {
        if (roots[root]) roots[root].id = changed(roots[root].id)
      })
      await expect(start(), `the id of ${root}`).rejects.toThrow(/damaged/)
      writeFileSync(keyFile, own)
    }
    await (await start()).close()
  })

  test.each(UPSTREAM_TOKEN_ALGS)(
    'JW-15 with one changed character in the d of an %s signing key, or in another member of it, is refused',
    async alg => {
      const env = { PORCHLIGHT_UPSTREAM_TOKEN_ALG: alg }
      await (await start(env)).close()
      const own = readFileSync(keyFile, 'utf8')
      const [key] = (JSON.parse(own) as { signing: { jwk: Record<string, string> }[] }).signing
      for (const member of Object.keys(key?.jwk ?? {}).filter(name => name !== 'kty' && name !== 'crv')) {
        for (const change of [changed, (text: string) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')]) {
          edit(({ signing: [one] }) => {
            if (one) one.jwk[member] = change(one.jwk[member] ?? '')
          })
          await expect(start(env), member).rejects.toThrow(/cannot be used: signing\.0.*(damaged|Not a private key)/)
          expect(await diagnosis(env)).toMatch(/cannot be used/)
          writeFileSync(keyFile, own)
        }
      }
      edit(({ signing: [one] }) => {
        if (one) one.id = changed(one.id)
      })
      await expect(start(env)).rejects.toThrow(/signing keys are damaged/)
      writeFileSync(keyFile, own)
      await (await start(env)).close()
    },
  )

  test('JW-15 with a changed id of a signing key whose tokens are still about, beside the newest one, is refused', async () => {
    const first = await start()
    first.signing.rotate(clock.now().wall)
    await rememberKeys(first)
    await first.close()
    edit(({ signing: [oldest] }) => {
      if (oldest) oldest.id = changed(oldest.id)
    })
    await expect(start()).rejects.toThrow(/signing keys are damaged/)
    expect(await diagnosis()).toMatch(/signing keys are damaged/)
  })

  test('an installation of an earlier version gets its check values at its first start, and is held to them from then on', async () => {
    const first = await start()
    rawOf(first.store).prepare("DELETE FROM meta WHERE key LIKE 'key_checks:%'").run()
    await first.close()
    first.store.close()
    await (await start()).close()
    edit(({ roots: [root] }) => {
      if (root) root.secret = changed(root.secret)
    })
    await expect(start()).rejects.toThrow(/damaged/)
  })

  test('rotations, ordinary and compromised, and crashes in the middle of them are not taken for one', async () => {
    const services = await start()
    const before = await services.store.keyRecords.keyChecks('roots')
    await rotateKeys(services, { reseal: false, compromised: false })
    // The database as a crash leaves it: the key file was written, the check values were not.
    await services.store.keyRecords.setKeyChecks('roots', before)
    await services.close()
    const second = await start()
    const both = await second.store.keyRecords.keyChecks('roots')
    expect(both).toHaveLength(2)
    await rotateKeys(second, { reseal: false, compromised: true })
    expect(await second.store.keyRecords.keyChecks('roots')).toHaveLength(1)
    await second.store.keyRecords.setKeyChecks('roots', [...both, ...second.keys.checks()])
    await second.close()
    const third = await start()
    expect(await third.store.keyRecords.keyChecks('roots')).toEqual(third.keys.checks())
    await third.close()
  })

  test('a backup goes back with the keys of its time, or with those that followed; with others only by --anyway, and starts then', async () => {
    const first = await start()
    await signedIn(first)
    const file = join(home.dataDir, 'copy')
    await writeBackup(first, { file, withKeys: true })
    await rotateKeys(first, { reseal: true, compromised: false })
    await first.close()
    const restoreWith = (anyway: boolean) => restore({ config: first.config, clock, log: home.log }, { file, anyway })
    await restoreWith(false)
    await (await start()).close()
    copyFileSync(`${file}.keys.json`, keyFile)
    await restoreWith(false)
    await (await start()).close()

    const other = installation(clock)
    await (await other.start()).close()
    copyFileSync(join(other.dataDir, 'keys.json'), keyFile)
    other.remove()
    await expect(restoreWith(false)).rejects.toThrow(/sealed with other keys/)
    await restoreWith(true)
    const last = await start()
    expect(await last.store.accounts.anybody()).toBe(true)
    await last.close()
  })
})

describe('signing keys', () => {
  const ids = (services: Services) => services.signing.list(hand.wall).map(({ id, use }) => [id, use])

  test('JW-16 are replaced after 90 days without anybody doing it: published first, signing later, through restarts', async () => {
    let services = await start()
    const [[first = ''] = []] = ids(services)
    pass(90 * DAY - HOUR)
    await tidied(services)
    expect(ids(services)).toEqual([[first, 'signs']])
    await services.close()
    services = await start()
    pass(HOUR)
    await tidied(services)
    const [[second = ''] = []] = ids(services)
    expect(ids(services)).toEqual([
      [second, 'published'],
      [first, 'signs'],
    ])
    expect(
      services.signing
        .published(hand.wall)
        .map(key => key.kid)
        .sort(),
    ).toEqual([first, second].sort())
    pass(services.config.jwksMaxAgeMs * 2)
    await services.close()
    services = await start()
    await tidied(services)
    expect(ids(services)).toEqual([
      [second, 'signs'],
      [first, 'verifies'],
    ])
    pass(HOUR)
    await tidied(services)
    await tidied(services)
    expect(ids(services)).toEqual([[second, 'signs']])
    await services.close()
  })

  test('the time is a setting', async () => {
    const services = await start({ PORCHLIGHT_SIGNING_ROTATION_DAYS: '7' })
    pass(7 * DAY)
    await tidied(services)
    expect(ids(services)).toHaveLength(2)
    await services.close()
  })

  test('a clock that leaps rotates nothing, and one that was years ahead at the first start does not stop rotation', async () => {
    let services = await start()
    const housekeeping = startHousekeeping({ ...services, timers: noTimers, vault: { cleanUp: async () => 0 } })
    hand.wall += 400 * DAY
    await housekeeping.run()
    expect(ids(services)).toHaveLength(1)
    await services.close()
    hand.wall -= 400 * DAY
    home.remove()
    home = installation(clock)
    keyFile = join(home.dataDir, 'keys.json')
    hand.wall += 4000 * DAY
    services = await start()
    await services.close()
    hand.wall -= 4000 * DAY
    services = await start()
    await tidied(services)
    const [[first = ''] = []] = ids(services)
    expect(ids(services)).toEqual([[first, 'signs']])
    pass(90 * DAY)
    await tidied(services)
    expect(ids(services).map(([, use]) => use)).toEqual(['published', 'signs'])
    expect(services.signing.signer(hand.wall).kid).toBe(first)
    await services.close()
  })

  test('move to a file of their own by setting: nothing is lost, private, and the key file holds none of them any more', async () => {
    const first = await start()
    await rotateKeys(first, { reseal: false, compromised: false })
    const before = ids(first)
    await first.close()
    const apart = join(home.dataDir, 'elsewhere', 'signing.json')
    const env = { PORCHLIGHT_SIGNING_KEYS: apart }
    expect(await diagnosis(env)).toBe('')
    expect(existsSync(apart)).toBe(false)
    const second = await start(env)
    expect(ids(second)).toEqual(before)
    expect((JSON.parse(readFileSync(keyFile, 'utf8')) as { signing: unknown[] }).signing).toEqual([])
    expect(statSync(apart).mode & 0o777).toBe(0o600)
    expect(readFileSync(apart, 'utf8')).not.toContain('"roots"')
    await rotateKeys(second, { reseal: false, compromised: true })
    const after = ids(second)
    expect(after).toHaveLength(1)
    const file = join(home.dataDir, 'copy')
    expect(await writeBackup(second, { file, withKeys: true })).toEqual({
      file,
      keys: `${file}.keys.json`,
      signingKeys: `${file}.signing-keys.json`,
    })
    expect(readFileSync(`${file}.signing-keys.json`, 'utf8')).toBe(readFileSync(apart, 'utf8'))
    await second.close()
    const third = await start(env)
    expect(ids(third)).toEqual(after)
    await third.close()
    // As content, as PORCHLIGHT_SIGNING_KEYS_FILE gives it, they work and are not ours to change.
    const given = await start({ PORCHLIGHT_SIGNING_KEYS_FILE: apart })
    expect(ids(given)).toEqual(after)
    expect(given.signing.writable).toBe(false)
    await expect(rotateKeys(given, { reseal: false, compromised: true })).rejects.toThrow(
      /signing keys cannot be changed/,
    )
    expect((await rotateKeys(given, { reseal: false, compromised: false })).signing).toBeNull()
    await given.close()
  })

  test('a crash between the two files of a move leaves them whole; a missing, foreign or damaged file is refused with words', async () => {
    await (await start()).close()
    const combined = readFileSync(keyFile, 'utf8')
    const apart = join(home.dataDir, 'signing.json')
    const env = { PORCHLIGHT_SIGNING_KEYS: apart }
    const moved = await start(env)
    const before = ids(moved)
    await moved.close()
    writeFileSync(keyFile, combined.replace(/"counter": \d+/, '"counter": 9'))
    const again = await start(env)
    expect(ids(again)).toEqual(before)
    await again.close()

    renameSync(apart, `${apart}.away`)
    await expect(start(env)).rejects.toThrow(/file of signing keys .* is missing/)
    expect(await diagnosis(env)).toMatch(/file of signing keys .* is missing/)
    const other = installation(clock)
    await (await other.start({ PORCHLIGHT_SIGNING_KEYS: join(other.dataDir, 's.json') })).close()
    copyFileSync(join(other.dataDir, 's.json'), apart)
    other.remove()
    await expect(start(env)).rejects.toThrow(/signing keys belong to another installation/)
    expect(await diagnosis(env)).toMatch(/signing keys belong to another installation/)
    writeFileSync(apart, '{"version":1')
    await expect(start(env)).rejects.toThrow(/cannot be used: it is not valid JSON/)
    renameSync(`${apart}.away`, apart)
    await (await start(env)).close()
    // The way out when they are lost for good.
    rmSync(apart)
    await (await start()).close()
    expect(home.logged.join()).toMatch(/signing keys last used with this database are missing/)
    await (await start(env)).close()
    expect(existsSync(apart)).toBe(true)
  })

  test('a link to a key file stays a link when the file behind it is written', async () => {
    await (await start()).close()
    mkdirSync(join(home.dataDir, 'far'), { mode: 0o700 })
    const real = join(home.dataDir, 'far', 'real.json')
    renameSync(keyFile, real)
    symlinkSync(real, keyFile)
    const services = await start()
    await rotateKeys(services, { reseal: false, compromised: false })
    await services.close()
    expect(readFileSync(keyFile, 'utf8')).toBe(readFileSync(real, 'utf8'))
    await (await start()).close()
  })
})

describe('what others can read or write', () => {
  const mode = (path: string, bits: number) => chmodSync(path, bits)

  test('a key file, database, log, copy or lock that others can read is refused with the command that mends it', async () => {
    const services = await start()
    await services.store.maintenance.backup(join(home.dataDir, 'copy'), 0)
    await services.close()
    mkdirSync(join(home.dataDir, 'backups'), { mode: 0o700 })
    const database = databaseFile(home.dataDir)
    writeFileSync(`${database}-wal`, '', { mode: 0o600 })
    writeFileSync(join(home.dataDir, 'backups', 'a.db'), '', { mode: 0o600 })
    for (const path of [
      keyFile,
      database,
      `${database}-wal`,
      join(home.dataDir, 'lock.db'),
      join(home.dataDir, 'backups', 'a.db'),
    ]) {
      for (const bits of [0o644, 0o640, 0o604, 0o620, 0o602, 0o666]) {
        // Whoever only looks at the database may clear an empty log away.
        if (!existsSync(path)) writeFileSync(path, '')
        mode(path, bits)
        await expect(start(), `${path} ${bits.toString(8)}`).rejects.toMatchObject({
          advice: expect.arrayContaining([`  chmod 600 ${path}`]) as unknown,
        })
        expect(await diagnosis()).toContain(path)
      }
      if (existsSync(path)) mode(path, 0o600)
    }
    rmSync(`${database}-wal`, { force: true })
    await (await start()).close()
  })

  test('a data folder that others can write to is refused; one of 0755 with private files is fine', async () => {
    await (await start()).close()
    for (const bits of [0o777, 0o775, 0o757, 0o770, 0o1777]) {
      mode(home.dataDir, bits)
      await expect(start(), bits.toString(8)).rejects.toMatchObject({
        advice: expect.arrayContaining([`  chmod go-w ${home.dataDir}`]) as unknown,
      })
      expect(await diagnosis()).toContain(home.dataDir)
    }
    mode(home.dataDir, 0o755)
    await (await start()).close()
    expect(home.logged.join()).not.toMatch(/can (?:read|write)/)
  })

  test('a key file elsewhere that comes as 0444 gets a warning; one that others can write is refused', async () => {
    mkdirSync(join(home.dataDir, 'secrets'), { mode: 0o755 })
    const elsewhere = join(home.dataDir, 'secrets', 'keys.json')
    const env = { PORCHLIGHT_KEYS: elsewhere }
    await (await start(env)).close()
    mode(elsewhere, 0o444)
    await (await start(env)).close()
    expect(home.logged.filter(line => line.includes(`can read ${elsewhere}`))).toHaveLength(1)
    // As content, it is the same file. The start before wrote it anew, for its owner only.
    mode(elsewhere, 0o444)
    await (await start({ PORCHLIGHT_KEYS_FILE: elsewhere })).close()
    expect(home.logged.filter(line => line.includes(`can read ${elsewhere}`))).toHaveLength(2)
    mode(join(home.dataDir, 'secrets'), 0o775)
    await expect(start(env)).rejects.toThrow(/can write to \S+secrets \(mode 0775\), and replace this key file/)
    mode(join(home.dataDir, 'secrets'), 0o1777)
    await (await start(env)).close()
    mode(join(home.dataDir, 'secrets'), 0o755)
    mode(elsewhere, 0o466)
    await expect(start(env)).rejects.toThrow(/can write to .*secrets/)
    await expect(start({ PORCHLIGHT_KEYS_FILE: elsewhere })).rejects.toThrow(/can write to .*secrets/)
  })

  test.runIf(mayMount())(
    'a key file that is mounted alone is read and left as it is, in a folder that takes new files, and no copy of it is left',
    async () => {
      await (await start()).close()
      const secret = join(home.dataDir, 'secret.json')
      copyFileSync(keyFile, secret)
      mode(secret, 0o600)
      const run = spawnSync(
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          `mount --bind "${secret}" "${keyFile}" && exec "$0" "$@"`,
          process.execPath,
          join(import.meta.dirname, '..', 'cli.ts'),
          'user',
          'list',
        ],
        {
          encoding: 'utf8',
          env: { ...process.env, PORCHLIGHT_DATA_DIR: home.dataDir },
        },
      )
      expect(run.stderr).not.toContain('EBUSY')
      expect(run.status, run.stderr).toBe(0)
      expect(readdirSync(home.dataDir).filter(name => name.includes('.tmp'))).toEqual([])
    },
  )

  test('a link to a key file in a folder that others can write to is refused', async () => {
    await (await start()).close()
    const far = join(home.dataDir, 'far')
    mkdirSync(far, { mode: 0o700 })
    renameSync(keyFile, join(far, 'real.json'))
    symlinkSync(join(far, 'real.json'), keyFile)
    mode(far, 0o777)
    await expect(start()).rejects.toMatchObject({ advice: expect.arrayContaining([`  chmod go-w ${far}`]) as unknown })
    expect(await diagnosis()).toContain(far)
    mode(far, 0o755)
    await (await start()).close()
  })

  test.runIf(process.getuid?.() === 0)(
    'a folder of another user around a key file is refused, sticky or not',
    async () => {
      const folder = join(home.dataDir, 'secrets')
      mkdirSync(folder, { mode: 0o755 })
      const env = { PORCHLIGHT_KEYS: join(folder, 'keys.json') }
      await (await start(env)).close()
      chownSync(folder, 12_345, 0)
      for (const bits of [0o755, 0o1777]) {
        mode(folder, bits)
        await expect(start(env), bits.toString(8)).rejects.toThrow(/secrets belongs to another user \(id 12345\)/)
      }
      chownSync(folder, 0, 0)
      await (await start(env)).close()
    },
  )

  test.runIf(process.getuid?.() === 0)('files, folders and links of another user are refused', async () => {
    await (await start()).close()
    for (const path of [keyFile, databaseFile(home.dataDir), home.dataDir]) {
      chownSync(path, 12_345, 0)
      await expect(start(), path).rejects.toThrow(/belongs to another user \(id 12345\)/)
      chownSync(path, 0, 0)
    }
    // Root may look at somebody else's installation and finds nothing wrong with whose it is.
    const give = (id: number) => {
      for (const path of [home.dataDir, ...readdirSync(home.dataDir).map(name => join(home.dataDir, name))])
        chownSync(path, id, id)
    }
    give(12_345)
    expect(await diagnosis()).toBe('')
    await expect(start()).rejects.toMatchObject({
      advice: expect.arrayContaining([expect.stringContaining("sudo -u '#12345'")]) as unknown,
    })
    give(0)
    await (await start()).close()
  })

  test('a password still opens what was sealed before all of this', async () => {
    const services = await start()
    await signedIn(services)
    await services.close()
    const again = await start()
    const found = await again.people.accounts.findWithVerifier({ email: 'ada@example.org' })
    expect(await again.people.passwords.compare(PASSWORD, found?.verifier ?? null, null)).toBe('right')
    await again.close()
  })
})
