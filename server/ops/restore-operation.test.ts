import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  handClock,
  installation,
  passwordWorks,
  type Services,
  signedIn,
  stateOf,
} from '../../tests/support/installation.ts'
import { runCommand } from './commands.ts'
import { startControl } from './control.ts'
import { askServer } from './control-client.ts'
import { rotateKeys } from './key-operations.ts'
import { restore } from './restore-operation.ts'
import { databaseFile } from '../store/sqlite/files.ts'

const { clock } = handClock()

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

describe('backup and restore', () => {
  test('a backup made while in use comes back: accounts are there, every session is over, links are void', async () => {
    const { shown } = await signedIn(services)
    const file = join(home.dataDir, 'copy.db')
    expect(await services.store.maintenance.lastBackupAt()).toBeNull()
    await services.store.maintenance.backup(file, 1_700_000_000_000)
    expect(await services.store.maintenance.lastBackupAt()).toBe(1_700_000_000_000)
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
    expect(await passwordWorks(services)).toBe(true)
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
    await services.store.maintenance.backup(file, 0)
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
    await services.store.maintenance.backup(file, 0)
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
