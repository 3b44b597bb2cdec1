import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, describe, expect } from 'vitest'
import { databaseFile, databaseParts } from '../../server/store/sqlite/files.ts'
import { applyMigrations, readMigrations } from '../../server/store/sqlite/migrate.ts'
import { MIGRATIONS } from '../../server/store/sqlite/open.ts'
import {
  type Server,
  spawnServer,
  startServer,
  statusOf,
  stopAll,
  temporaryFolder,
  waitUntil,
} from '../support/server.ts'
import type { LoggedBrowser } from '../support/faults/browser.ts'
import { complaints, onDisk, wronged } from '../support/faults/checker.ts'
import { gather } from '../support/faults/crowd.ts'
import { report } from '../support/faults/figures.ts'
import { strace, testWith } from '../support/faults/machine.ts'

const SETTINGS = { LOG_LEVEL: 'warn' }
const KNOWN = readMigrations(MIGRATIONS)
/**
 * The start is killed in so many of its system calls on files, evenly spread: while it copies the database, while it
 * changes it, in between.
 */
const KILLS = { pwrite64: 10, fsync: 8, rename: 1 }
type Call = keyof typeof KILLS
const MOMENTS = Object.values(KILLS).reduce((sum, n) => sum + n)

afterAll(stopAll)

describe('a migration', () => {
  testWith(strace)(
    `killed at ${MOMENTS} moments leaves the old database or the new one, and the next start goes on from either, with everybody signed in`,
    async () => {
      const found = { old: 0, new: 0, notKilled: 0 }
      const server = await startServer({ settings: SETTINGS })
      const { browsers } = await gather(server, 3)
      await server.stop()
      const old = makeOld(server)
      const keys = join(server.dataDir, 'keys.json')
      const keysThen = readFileSync(keys)
      const startOver = (...options: string[]) => {
        for (const part of databaseParts(databaseFile(server.dataDir))) rmSync(part, { force: true })
        copyFileSync(old, databaseFile(server.dataDir))
        // With the key file of the same time: an older database is noticed, and ends every session.
        writeFileSync(keys, keysThen)
        const under = ['strace', '-D', '-f', '-qq', ...options]
        return spawnServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS, under })
      }

      for (const { call, when } of await momentsOf(startOver)) {
        const moment = `killed at ${call} ${when}`
        const inject = `inject=${call}:signal=SIGKILL:when=${when}`
        const killed = await startOver('-o', '/dev/null', '-e', `trace=${call}`, '-e', inject)
        if (await endsBeforeItIsReady(killed)) {
          onDisk(server.dataDir, db => {
            const applied = db.prepare('SELECT count(*) FROM migrations').pluck().get()
            expect([1, KNOWN.length], moment).toContain(applied)
            found[applied === 1 ? 'old' : 'new'] += 1
            expect(complaints(db, browsers, { alive: true }), moment).toEqual([])
          })
        } else {
          found.notKilled += 1
        }
        await killed.stop('SIGKILL')
        await expectAllIsWell(server, browsers)
      }
      report('migration', { moments: MOMENTS, ...found })
      expect(found.old).toBeGreaterThan(0)
      expect(found.new).toBeGreaterThan(0)
    },
    300_000,
  )
})

/**
 * The same data as the first version kept it.
 * @returns a file outside the data folder
 */
function makeOld({ dataDir }: Server): string {
  const file = join(temporaryFolder(), 'old.db')
  const db = new Sqlite(file)
  applyMigrations(db, KNOWN.slice(0, 1), Date.now())
  db.prepare('ATTACH ? AS now').run(databaseFile(dataDir))
  db.pragma('foreign_keys = OFF')
  const tables = db
    .prepare<[], string>(
      "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'",
    )
    .pluck()
    .all()
  for (const table of tables) {
    const columns = db
      .prepare<[string], string>("SELECT name FROM pragma_table_info(?, 'main')")
      .pluck()
      .all(table)
      .map(name => `"${name}"`)
      .join(', ')
    db.exec(`INSERT INTO main."${table}" (${columns}) SELECT ${columns} FROM now."${table}"`)
  }
  db.close()
  // As every version has left it: others may not read it.
  chmodSync(file, 0o600)
  return file
}

/** A start that nobody disturbs tells how many calls of each kind there are. */
async function momentsOf(start: (...options: string[]) => Promise<Server>): Promise<{ call: Call; when: number }[]> {
  const file = join(temporaryFolder(), 'calls')
  const server = await start('-o', file, '-e', `trace=${Object.keys(KILLS).join(',')}`)
  expect(await endsBeforeItIsReady(server), server.output).toBe(false)
  const called = readFileSync(file, 'utf8')
  await server.stop('SIGKILL')
  return (Object.entries(KILLS) as [Call, number][]).flatMap(([call, kills]) => {
    const calls = called.match(new RegExp(`\\b${call}\\(`, 'g'))?.length ?? 0
    expect(calls, call).toBeGreaterThanOrEqual(kills)
    return Array.from({ length: kills }, (_, n) => ({ call, when: Math.ceil((calls * (n + 1)) / kills) }))
  })
}

/** Waits for the first of two ends: it dies, or it is ready. */
async function endsBeforeItIsReady(server: Server): Promise<boolean> {
  await waitUntil(
    async () => !server.running || (await statusOf(server.port, '/readyz')) === 200,
    'a start under strace',
    () => server.output,
    60_000,
  )
  return !server.running
}

async function expectAllIsWell(server: Server, browsers: readonly LoggedBrowser[]): Promise<void> {
  const next = await startServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })
  for (const browser of browsers) expect((await browser.session()).user?.email).toBe(browser.person.email)
  expect(wronged(browsers)).toEqual([])
  await next.stop('SIGKILL')
  onDisk(server.dataDir, db => expect(db.prepare('SELECT count(*) FROM migrations').pluck().get()).toBe(KNOWN.length))
}
