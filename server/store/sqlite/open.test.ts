import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { Problem } from '../../base/problem.ts'
import { OperatorError } from '../../base/operator-error.ts'
import { backupFolder, databaseFile } from './files.ts'
import { applyMigrations, readMigrations } from './migrate.ts'
import { MIGRATIONS, openMigrated } from './open.ts'
import { openStore } from './store.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'porchlight-open-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const open = (mayCreate = true) =>
  openStore({
    dataDir,
    mayCreate,
    clock: systemClock,
    log: createLog('silent'),
    queuesNotices: false,
    onFailure: () => {},
    onCommit: null,
  })
const refusal = (work: () => unknown): OperatorError => {
  try {
    work()
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a healthy database', () => {
  test('is created once, private to its owner, and opens again', async () => {
    const first = open()
    await first.keyRecords.setCounter(3)
    first.close()
    expect(statSync(databaseFile(dataDir)).mode & 0o777).toBe(0o600)
    const second = open(false)
    expect(await second.keyRecords.counter()).toBe(3)
    second.close()
    expect(existsSync(backupFolder(dataDir))).toBe(false)
  })

  test('has STRICT tables only, and is opened with WAL, FULL and foreign keys', () => {
    const store = open()
    const loose = store.db.raw
      .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all()
    expect(loose).toEqual([])
    const pragma = (name: string) => store.db.raw.pragma(name, { simple: true })
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 2, 1])
    store.close()
    const again = open()
    expect(again.db.raw.pragma('synchronous', { simple: true })).toBe(2)
    again.close()
  })

  test('whose last write a kill interrupted is rolled back and opens', () => {
    open().close()
    const file = databaseFile(dataDir)
    const raw = new Sqlite(file)
    raw.pragma('journal_mode = DELETE')
    // Too small a cache for the write, so that pages reach the file before the commit, as they are when a process is killed.
    raw.pragma('cache_size = 1')
    raw.exec('BEGIN; CREATE TABLE half (page BLOB)')
    for (let i = 0; i < 200; i++) raw.exec('INSERT INTO half VALUES (zeroblob(4096))')
    const [interrupted, journal] = [file, `${file}-journal`].map(part => readFileSync(part))
    raw.exec('ROLLBACK')
    raw.close()
    writeFileSync(file, interrupted ?? '')
    writeFileSync(`${file}-journal`, journal ?? '')
    const store = open(false)
    expect(store.db.raw.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").pluck().get()).toBe(0)
    store.close()
  })

  test('left incomplete by a killed first start is created again', () => {
    writeFileSync(`${databaseFile(dataDir)}.new`, 'half')
    open().close()
    expect(existsSync(`${databaseFile(dataDir)}.new`)).toBe(false)
  })
})

describe('instead of silently starting with an empty database, it refuses and changes nothing:', () => {
  const cases: [string, RegExp, (file: string) => void][] = [
    ['an empty file', /is empty/, file => writeFileSync(file, '')],
    ['a file that is no database', /is not a database/, file => writeFileSync(file, 'hello '.repeat(1000))],
    [
      "another program's database",
      /another program/,
      file => {
        const raw = new Sqlite(file)
        raw.exec('CREATE TABLE t (a)')
        raw.close()
      },
    ],
    [
      'a damaged database',
      /is damaged/,
      file => {
        const store = open()
        store.db.raw.pragma('wal_checkpoint(TRUNCATE)')
        store.close()
        const bytes = readFileSync(file)
        bytes.fill(0xab, 4096, 4096 * 6)
        writeFileSync(file, bytes)
      },
    ],
  ]
  for (const [what, message, arrange] of cases) {
    test(what, () => {
      const file = databaseFile(dataDir)
      arrange(file)
      const before = readFileSync(file)
      expect(refusal(() => open()).message).toMatch(message)
      expect(readFileSync(file).equals(before)).toBe(true)
    })
  }

  test('if a database in use is missing', () => {
    expect(refusal(() => open(false)).lines.join('\n')).toMatch(/is missing[^]*restore/)
    expect(readdirSync(dataDir)).toEqual([])
  })
})

describe('migrating a database', () => {
  const pretend = (work: (raw: Sqlite.Database) => void) => {
    const raw = new Sqlite(databaseFile(dataDir))
    work(raw)
    raw.close()
  }

  test('copies it first and keeps the newest three copies; a failing migration changes nothing', () => {
    const known = readMigrations(MIGRATIONS)
    const step = (n: number, sql = `CREATE TABLE t${n} (id INTEGER PRIMARY KEY) STRICT`) => ({
      tag: `000${n}_t`,
      hash: String(n),
      statements: [sql],
    })
    const at = (n: number): Clock => ({ now: () => ({ wall: Date.UTC(2027, n), steady: 0 }) })
    const upgrade = (n: number, last?: string) =>
      openMigrated({ dataDir, mayCreate: false, clock: at(n), log: createLog('silent') }, [
        ...known,
        ...Array.from({ length: n }, (_, i) => step(i + 1, i + 1 === n ? last : undefined)),
      ])
    open().close()
    for (const n of [1, 2, 3, 4]) upgrade(n).close()
    const copies = readdirSync(backupFolder(dataDir)).sort()
    expect(copies.map(name => name.replace(/^.*-before-/, ''))).toEqual(['0002_t.db', '0003_t.db', '0004_t.db'])
    expect(statSync(join(backupFolder(dataDir), copies[0] ?? '')).mode & 0o777).toBe(0o600)
    const before = new Sqlite(join(backupFolder(dataDir), copies[0] ?? ''), { readonly: true })
    expect(before.prepare('SELECT tag FROM migrations ORDER BY position').pluck().all()).toEqual([
      ...known.map(one => one.tag),
      '0001_t',
    ])
    before.close()
    expect(() => upgrade(5, 'INSERT INTO nowhere VALUES (1)')).toThrow(/nowhere/)
    upgrade(4).close()
  })

  test('accounts, sessions, events and codes from before providers are all kept, and addresses stay unique', () => {
    const before = readMigrations(MIGRATIONS).filter(step => step.tag < '0002')
    const old = openMigrated({ dataDir, mayCreate: true, clock: systemClock, log: createLog('silent') }, before)
    old.raw.exec(`
      INSERT INTO accounts VALUES ('a', 'Ann@example.org', 'ann@example.org', 'Ann', '["admin","user"]', 'sealed', 5, 1, NULL), ('b', 'bob@example.org', 'bob@example.org', 'Bob', '["user"]', NULL, NULL, 2, 9);
      INSERT INTO sessions (sid_hash, public_id, secret, user_id, created_at, auth_time, amr, remember, idle_ms, tag_key_id, generation, proven, proven_at, rotated_at, last_seen_at, absolute_ends_at, user_agent, network)
        VALUES ('h', 's', x'00', 'a', 1, 1, '["pwd"]', 1, 1, 'k', 1, 1, 1, 1, 1, 9, 'ua', 'net');
      INSERT INTO events (at, kind, user_id) VALUES (1, 'account_created', 'a'), (2, 'signed_in', 'b');
      INSERT INTO codes (id, code_hash, kind, user_id, roles, created_at, ends_at) VALUES ('c', 'ch', 'reset', 'b', '[]', 1, 9);
    `)
    const everything = (raw: Sqlite.Database) =>
      ['accounts', 'sessions', 'events', 'codes'].map(table =>
        raw.prepare(`SELECT * FROM ${table} ORDER BY rowid`).all(),
      )
    // The columns of the demo's sessions are not kept.
    const dropped = new Set(['settle_ms', 'late_ms', 'access_ms'])
    const rows = everything(old.raw).map(table =>
      table.map(row => Object.fromEntries(Object.entries(row as object).filter(([column]) => !dropped.has(column)))),
    )
    old.close()
    const store = open(false)
    const { raw } = store.db
    const account = (id: string, email: string | null) =>
      raw
        .prepare("INSERT INTO accounts (id, email, email_key, name, roles, created_at) VALUES (?, ?, ?, 'N', '[]', 1)")
        .run(id, email, email)
    expect(everything(raw)).toMatchObject(rows)
    expect(raw.pragma('foreign_key_check')).toEqual([])
    expect(() => account('c', 'ann@example.org')).toThrow(/UNIQUE/)
    account('d', null)
    account('e', null)
    raw.exec("DELETE FROM accounts WHERE id = 'a'")
    expect(raw.prepare('SELECT count(*) FROM sessions').pluck().get()).toBe(0)
    store.close()
  })

  test('an address is verified for accounts whose provider had vouched for it, and for no other', () => {
    const before = readMigrations(MIGRATIONS).filter(step => step.tag < '0008')
    const old = openMigrated({ dataDir, mayCreate: true, clock: systemClock, log: createLog('silent') }, before)
    const add = (id: string, vouched: string, isVerified: number) =>
      old.raw.exec(`
        INSERT INTO accounts (id, email, email_key, name, roles, created_at) VALUES ('${id}', '${id}@example.org', '${id}@example.org', 'N', '[]', 1);
        INSERT INTO identities (id, user_id, provider, issuer, subject, email, email_verified, label, created_at, last_used_at)
          VALUES ('${id}', '${id}', 'main', 'https://main.example', '${id}', '${vouched}', ${isVerified}, 'L', 7, 9);`)
    add('ann', 'Ann@Example.org', 1)
    add('bob', 'bob@elsewhere.example', 1)
    add('carl', 'carl@example.org', 0)
    old.close()
    const store = open(false)
    expect(store.db.raw.prepare('SELECT email_verified_at FROM accounts ORDER BY id').pluck().all()).toEqual([
      7,
      null,
      null,
    ])
    store.close()
  })

  test('a database newer than the code is refused, naming the copy to go back to', () => {
    open().close()
    const folder = backupFolder(dataDir)
    mkdirSync(folder)
    copyFileSync(databaseFile(dataDir), join(folder, '20260101-000000000Z-before-0001_next.db'))
    pretend(raw =>
      raw.prepare('INSERT INTO migrations (tag, hash, applied_at) VALUES (?, ?, ?)').run('0001_next', 'x', 1),
    )
    // Copies made by the newer version are of no use to this one.
    copyFileSync(databaseFile(dataDir), join(folder, '20260102-000000000Z-before-0002_later.db'))
    const said = refusal(() => open()).lines.join('\n')
    expect(said).toMatch(/newer version \(migration 0001_next/)
    expect(said).toContain('20260101-000000000Z-before-0001_next.db')
  })

  test('a migration that was changed after it ran is refused', () => {
    open().close()
    pretend(raw => raw.exec("UPDATE migrations SET hash = 'other'"))
    expect(refusal(() => open()).message).toMatch(/another build/)
  })

  test('a migration that fails in the middle leaves the database unchanged', () => {
    const store = open()
    const { raw } = store.db
    const steps = [
      { tag: '0001_a', hash: 'a', statements: ['CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT'] },
      {
        tag: '0002_b',
        hash: 'b',
        statements: ['CREATE TABLE b (id INTEGER PRIMARY KEY) STRICT', 'INSERT INTO nowhere VALUES (1)'],
      },
    ]
    expect(() => applyMigrations(raw, steps, 1)).toThrow(/nowhere/)
    expect(raw.prepare("SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b')").pluck().get()).toBe(0)
    expect(raw.pragma('foreign_keys', { simple: true })).toBe(1)
    store.close()
    open(false).close()
  })

  test('rebuilding a table triggers no cascade, and dangling references are refused', () => {
    const store = open()
    const { raw } = store.db
    raw.exec(
      'CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE child (p INTEGER REFERENCES parent(id) ON DELETE CASCADE) STRICT; INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)',
    )
    applyMigrations(
      raw,
      [
        {
          tag: '0001_a',
          hash: 'a',
          statements: [
            'CREATE TABLE p2 (id INTEGER PRIMARY KEY, more TEXT) STRICT',
            'INSERT INTO p2 (id) SELECT id FROM parent',
            'DROP TABLE parent',
            'ALTER TABLE p2 RENAME TO parent',
          ],
        },
      ],
      1,
    )
    expect(raw.prepare('SELECT count(*) FROM child').pluck().get()).toBe(1)
    expect(() => applyMigrations(raw, [{ tag: '0002_b', hash: 'b', statements: ['DELETE FROM parent'] }], 1)).toThrow(
      OperatorError,
    )
    expect(raw.prepare('SELECT count(*) FROM parent').pluck().get()).toBe(1)
    store.close()
  })
})

test('a full disk is store_unavailable with nothing half written, and recovers when there is space', async () => {
  const store = open()
  const { raw } = store.db
  const pages = Number(raw.pragma('page_count', { simple: true }))
  raw.pragma(`max_page_count = ${pages}`)
  const fill = () =>
    store.db.write(() => {
      raw.prepare('INSERT INTO meta VALUES (?, ?)').run('first', 'small')
      raw.prepare('INSERT INTO meta VALUES (?, ?)').run('second', 'x'.repeat(100_000))
    })
  await expect(fill()).rejects.toSatisfy(error => error instanceof Problem && error.code === 'store_unavailable')
  expect(raw.prepare('SELECT count(*) FROM meta').pluck().get()).toBe(0)
  expect(await store.keyRecords.counter()).toBe(0)
  raw.pragma('max_page_count = 100000')
  await fill()
  expect(raw.prepare('SELECT count(*) FROM meta').pluck().get()).toBe(2)
  store.close()
})
