import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Sqlite from 'better-sqlite3'
import { type Clock, systemClock } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import type { SessionBench } from './contract.testing.ts'
import { asc, eq } from './sqlite/drizzle.ts'
import { accounts, events, sessions } from './sqlite/schema.ts'
import { openStore, type SqliteStore } from './sqlite/store.ts'
import type { AccountRecord, Store } from './types.ts'

/** An account that differs from any other by its id, and has no password unless `changes` says so. */
export function accountRecord(id: string, changes: Partial<AccountRecord> = {}): AccountRecord {
  return {
    id,
    email: `${id}@example.org`,
    emailKey: `${id}@example.org`,
    name: id,
    roles: ['user'],
    passwordSealed: null,
    passwordChangedAt: null,
    createdAt: 1,
    disabledAt: null,
    ...changes,
  }
}

/** For tests: a new store in a folder of its own, gone again with `remove()`. */
export function testStore(
  clock: Clock = systemClock,
  log: Log = createLog('silent'),
): { store: SqliteStore; dataDir: string; remove(): void } {
  const dataDir = mkdtempSync(join(tmpdir(), 'porchlight-store-'))
  const store = openStore({ dataDir, mayCreate: true, clock, log, onFailure: () => {} })
  return {
    store,
    dataDir,
    remove() {
      store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** The connection beneath a SQLite store, for tests that look behind the store's back. */
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
