import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { databaseFile } from './files.ts'
import { openStore } from './store.ts'

const LARGE = 17 * 1024 * 1024

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'porchlight-soundness-'))
})
afterEach(() => rmSync(dataDir, { recursive: true }))

const open = () =>
  openStore({
    dataDir,
    mayCreate: true,
    clock: systemClock,
    log: createLog('silent'),
    queuesNotices: false,
    onFailure: () => {},
    onCommit: null,
  })

/** A database larger than what is read before a start, closed cleanly. */
function makeLarge(): void {
  const store = open()
  store.db.raw.prepare('INSERT INTO meta VALUES (?, ?)').run('filler', 'x'.repeat(LARGE))
  store.close()
}

/** Corrupts the first page of an index that opening a store does not read. */
function spoil(): void {
  const store = open()
  const page = Number(store.db.raw.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'events_at'").pluck().get())
  const pageSize = Number(store.db.raw.pragma('page_size', { simple: true }))
  store.close()
  const file = databaseFile(dataDir)
  const bytes = readFileSync(file)
  bytes.fill(0xab, (page - 1) * pageSize, page * pageSize)
  writeFileSync(file, bytes)
}

describe('a database is checked as a whole', () => {
  test('before use, if it is small', () => {
    open().close()
    spoil()
    expect(open).toThrow(/is damaged/)
  })

  test('next to the server, if it is large: damage is found, and the next start refuses before serving anything', async () => {
    makeLarge()
    spoil()
    const store = open()
    expect(await store.maintenance.findDamage()).toMatch(/page|btree|malformed/i)
    store.close()
    expect(open).toThrow(/is damaged/)
    expect(open).toThrow(/is damaged/)
  })

  test('before use, even if large, after an unclean shutdown', () => {
    makeLarge()
    spoil()
    writeFileSync(`${databaseFile(dataDir)}-wal`, '')
    expect(open).toThrow(/is damaged/)
  })

  test('a sound database is found sound while it is written to; a suspicion that proves wrong is forgotten', async () => {
    makeLarge()
    const store = open()
    const reading = store.maintenance.findDamage()
    await store.keyRecords.setCounter(7)
    expect(await reading).toBeNull()
    store.close()
    const suspect = `${databaseFile(dataDir)}.suspect`
    expect(existsSync(suspect)).toBe(false)
    writeFileSync(suspect, '')
    open().close()
    expect(existsSync(suspect)).toBe(false)
    expect(statSync(databaseFile(dataDir)).size).toBeGreaterThan(LARGE)
  })
})
