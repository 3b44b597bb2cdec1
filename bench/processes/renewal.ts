// Renewals through the real session room and a real database file, and in turn the plainest update that is as durable.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import Sqlite from 'better-sqlite3'
import { type Clock, DAY, HOUR, MINUTE, SECOND, systemTimers } from '../../server/base/clock.ts'
import { createLog } from '../../server/base/log.ts'
import { noMeter } from '../../server/base/meter.ts'
import { openKeys } from '../../server/keys/keys.ts'
import { readSessionCookies } from '../../server/session/cookie-names.ts'
import { createSessions } from '../../server/session/sessions.ts'
import type { IssuedCookies, PresentedCookies } from '../../server/session/types.ts'
import { accountRecord } from '../../server/store/records.testing.ts'
import { openStore } from '../../server/store/sqlite/store.ts'
import { alternately } from '../load.ts'

const BROWSERS = 96
/** How many renew at the same time, as on a server: one's sealing goes on while another's commit is awaited. */
const AT_ONCE = Number(argv[3] ?? 8)
const ROUNDS = Number(argv[2] ?? 9)
const NAMES = { access: 'porchlight-access', refresh: 'porchlight-refresh' }
const CLIENT = { userAgent: 'bench', network: '127.0.0.1' }

const folder = mkdtempSync(join(tmpdir(), 'porchlight-bench-'))
// Renewal is due only after a while: this clock goes by as fast as is wanted.
let at = Date.now()
const clock: Clock = { now: () => ({ wall: at, steady: at }) }
const log = createLog('silent')
const keys = openKeys({ file: join(folder, 'keys.json') }, true, at)
const store = openStore({
  dataDir: folder,
  mayCreate: true,
  clock,
  log,
  queuesNotices: false,
  onFailure: () => {},
  onCommit: null,
})
const settings = {
  accessMs: 15 * MINUTE,
  confirmMs: MINUTE,
  graceMs: 10 * MINUTE,
  idleMs: 300 * DAY,
  browserIdleMs: 300 * DAY,
  absoluteMs: 300 * DAY,
  maxSessions: 1_000_000,
  secureCookies: false,
}
const sessions = createSessions({
  clock,
  timers: systemTimers,
  log,
  meter: noMeter,
  store: store.sessions,
  keyring: keys.keyring,
  settings,
})

const userId = 'bench'
const db = new Sqlite(join(folder, 'bare.db'))
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.exec('CREATE TABLE bare (id TEXT PRIMARY KEY, secret BLOB, generation INTEGER, proven INTEGER, at INTEGER) STRICT')
const insert = db.prepare('INSERT INTO bare VALUES (?, randomblob(32), 1, 1, 0)')
const update = db.prepare('UPDATE bare SET generation = generation + 1, proven = generation, at = ? WHERE id = ?')
const ids = Array.from({ length: BROWSERS }, (_, i) => `browser-${i}-${'x'.repeat(30)}`)
for (const id of ids) insert.run(id)

function jarOf(grant: IssuedCookies | null, before: PresentedCookies | null): PresentedCookies {
  const header =
    grant === null
      ? ''
      : sessions
          .cookiesFor(grant)
          .map(line => line.split(';')[0])
          .join('; ')
  const got = readSessionCookies(header, NAMES)
  return {
    access: got.access ?? before?.access ?? null,
    refresh: got.refresh ?? before?.refresh ?? null,
    duplicated: false,
  }
}

/** Microseconds for each browser. */
async function micros(work: () => Promise<void> | void): Promise<number> {
  const started = performance.now()
  await work()
  return ((performance.now() - started) * 1000) / BROWSERS
}

try {
  await store.accounts.create(accountRecord(userId, { createdAt: at }), {
    at,
    byUserId: null,
    sessionId: null,
    userAgent: null,
    network: null,
  })
  const jars: PresentedCookies[] = []
  for (let i = 0; i < BROWSERS; i++) {
    const { issued: grant } = await sessions.open({
      userId,
      amr: ['pwd'],
      remember: true,
      client: CLIENT,
      replaces: null,
      newDevice: false,
      basis: null,
    })
    jars.push(jarOf(grant, null))
  }
  const renew = async (index: number): Promise<void> => {
    const jar = jars[index] as PresentedCookies
    const resolution = await sessions.resolve(jar, { renews: true, foreground: true })
    if (resolution.state !== 'live' || resolution.issued === null)
      throw new Error(`a renewal came out as ${resolution.state}`)
    const next = jarOf(resolution.issued, jar)
    if (next.refresh === jar.refresh) throw new Error('nothing was rotated')
    jars[index] = next
  }
  const renewAll = async (): Promise<void> => {
    at += HOUR
    for (let first = 0; first < BROWSERS; first += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => renew(first + i)))
    at += SECOND
  }
  const updateAll = (): void => {
    for (const id of ids) update.run(at, id)
  }
  stdout.write(
    JSON.stringify(
      await alternately(
        ROUNDS,
        () => micros(renewAll),
        () => micros(updateAll),
      ),
    ),
  )
} finally {
  await sessions.close()
  store.close()
  db.close()
  rmSync(folder, { recursive: true, force: true })
}
