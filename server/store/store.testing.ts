import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type Clock, systemClock } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import type { SessionBench } from './contract.testing.ts'
import { asc, eq } from './sqlite/drizzle.ts'
import { databaseFile } from './sqlite/files.ts'
import { readMigrations } from './sqlite/migrate.ts'
import { MIGRATIONS, openMigrated } from './sqlite/open.ts'
import { accounts, events, sessions } from './sqlite/schema.ts'
import { openStore, type SqliteStore } from './sqlite/store.ts'
import type { Store } from './types.ts'

/** For tests: a new store in a folder of its own, deleted by `remove()`. */
export function testStore(
  clock: Clock = systemClock,
  log: Log = createLog('silent'),
  queuesNotices = false,
): { store: SqliteStore; dataDir: string; remove(): void } {
  const dataDir = mkdtempSync(join(tmpdir(), 'porchlight-store-'))
  const store = openStore({ dataDir, mayCreate: true, queuesNotices, clock, log, onFailure: () => {}, onCommit: null })
  return {
    store,
    dataDir,
    remove() {
      store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** The connection underneath a SQLite store, for tests that bypass it. */
export function rawOf(store: Store): Sqlite.Database {
  return (store as SqliteStore).db.raw
}

/** The sessions of a new SQLite store, for the contract suite and the model. */
export function sqliteBench(): SessionBench {
  const { store, remove } = testStore()
  const { sql } = store.db
  return {
    sessions: store.sessions,
    events: store.events,
    addAccount: account =>
      void sql
        .insert(accounts)
        .values({ ...account, name: account.id, createdAt: 0 })
        .run(),
    record(sidHash) {
      const row = sql.select().from(sessions).where(eq(sessions.sidHash, sidHash)).get()
      if (row === undefined) throw new Error('the session has no row')
      return row
    },
    put: changed =>
      sql.transaction(tx => {
        for (const session of changed)
          tx.insert(sessions).values(session).onConflictDoUpdate({ target: sessions.sidHash, set: session }).run()
      }),
    log: userId => sql.select().from(events).where(eq(events.userId, userId)).orderBy(asc(events.id)).all(),
    close: remove,
  }
}

/** Downgrades the database to the schema before a migration, with everything that fits into it. */
export function downgrade(
  { dataDir, clock, log }: { dataDir: string; clock: Clock; log: Log },
  tag: string,
): Sqlite.Database {
  const file = databaseFile(dataDir)
  renameSync(file, `${file}.newer`)
  const steps = readMigrations(MIGRATIONS).filter(step => step.tag < tag)
  openMigrated({ dataDir, mayCreate: true, clock, log }, steps).close()
  const old = new Sqlite(file)
  old.pragma('foreign_keys = OFF')
  old.exec(`ATTACH '${file}.newer' AS newer`)
  const tables = old.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT'").pluck().all()
  for (const table of tables.filter(name => name !== 'migrations')) {
    const columnsIn = (schema: string) =>
      old.prepare('SELECT name FROM pragma_table_info(?, ?)').pluck().all(table, schema) as string[]
    const newer = new Set(columnsIn('newer'))
    const columns = columnsIn('main').filter(column => newer.has(column))
    old.exec(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM newer.${table}`)
  }
  old.exec('DETACH newer')
  return old
}
