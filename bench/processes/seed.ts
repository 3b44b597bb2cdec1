// Fills a data folder with sessions, as years of use would: most of them nobody comes back to, some are browsers that
// ask. Rows are made by the session room itself; only where they go to is different, so that a million take seconds.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import { getTableColumns, sql } from 'drizzle-orm'
import { DAY, MINUTE, systemClock, systemTimers } from '../../server/base/clock.ts'
import { randomId, sha256 } from '../../server/base/ids.ts'
import { createLog } from '../../server/base/log.ts'
import { noMeter } from '../../server/base/meter.ts'
import { openKeys } from '../../server/keys/keys.ts'
import { createSessions } from '../../server/session/sessions.ts'
import type { EventRow, ProviderGrantRow, SessionRow } from '../../server/store/sqlite/schema.ts'
import { accounts, events, providerGrants, sessions } from '../../server/store/sqlite/schema.ts'
import { openStore } from '../../server/store/sqlite/store.ts'
import type { NewSession } from '../../server/store/types.ts'
import type { SeedOrder, SeedResult } from '../seeded-folder.ts'

const order = JSON.parse(argv[2] ?? '') as SeedOrder
const SESSIONS_EACH = 5
/** Rows in one transaction, and accounts that a chunk of sessions is spread over. */
const CHUNK = 10_000

const log = createLog('silent')
const now = systemClock.now().wall
const keys = openKeys({ file: join(order.dataDir, 'keys.json') }, false, now)
const store = openStore({
  dataDir: order.dataDir,
  mayCreate: false,
  clock: systemClock,
  log,
  queuesNotices: false,
  onFailure: () => {},
  onCommit: null,
})
// Filling it is not measured: rows come in random order, which needs memory, and nobody waits for the disk.
store.db.raw.pragma('cache_size = -1000000')
store.db.raw.pragma('synchronous = OFF')
const made: SessionRow[] = []
const settings = {
  accessMs: 15 * MINUTE,
  confirmMs: MINUTE,
  graceMs: 10 * MINUTE,
  idleMs: 7 * DAY,
  browserIdleMs: DAY / 2,
  absoluteMs: 30 * DAY,
  maxSessions: 1_000_000,
  secureCookies: false,
}
const collecting = {
  ...store.sessions,
  insert: async ({ session }: NewSession) => (made.push(session), { ended: [], more: false }),
}
const room = createSessions({
  clock: systemClock,
  timers: systemTimers,
  log,
  meter: noMeter,
  store: collecting,
  keyring: keys.keyring,
  settings,
})
const client = {
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  network: '10.0.0.0',
}

const userIds: string[] = []
const insertSession = prepared<SessionRow>(sessions)
const insertEvent = prepared<Omit<EventRow, 'id'>>(events, ['id'])
const insertGrant = prepared<ProviderGrantRow>(providerGrants)

/**
 * An INSERT of all columns, prepared once: drizzle's own way of building one takes longer than SQLite. The row's type
 * is the table's, so that a column that is added later fails the type check and not a run.
 */
function prepared<Row extends Record<string, unknown>>(
  table: typeof sessions | typeof events | typeof providerGrants,
  without: string[] = [],
) {
  const columns = Object.keys(getTableColumns(table)).filter(name => !without.includes(name))
  const places = Object.fromEntries(columns.map(name => [name, sql.placeholder(name)]))
  const insert = store.db.sql
    .insert(table)
    .values(places as never)
    .prepare()
  return { run: (row: Row) => insert.run(row) }
}

async function seedAccounts(count: number): Promise<void> {
  for (let done = 0; done < count; done += CHUNK) {
    await store.db.write(() => {
      for (let i = done; i < Math.min(count, done + CHUNK); i++) {
        const id = randomId()
        userIds.push(id)
        store.db.sql
          .insert(accounts)
          .values({
            id,
            email: `${id}@example.org`,
            emailKey: `${id.toLowerCase()}-${i}@example.org`,
            name: 'Robin Hartley',
            roles: ['user'],
            passwordSealed: null,
            passwordChangedAt: null,
            createdAt: now,
            disabledAt: null,
          })
          .run()
      }
    })
  }
}

async function keep(rows: readonly SessionRow[]): Promise<void> {
  await store.db.write(() => {
    for (const row of rows) {
      insertSession.run(row)
      insertEvent.run(signInOf(row))
      if (isAlive(row)) insertGrant.run(grantOf(row))
    }
  })
}

function signInOf(row: SessionRow): Omit<EventRow, 'id'> {
  const { createdAt: at, userId, publicId: sessionId, userAgent, network } = row
  return { at, kind: 'signed_in', userId, byUserId: null, sessionId, reason: null, userAgent, network }
}

function grantOf({ publicId, userId, createdAt }: SessionRow): ProviderGrantRow {
  return {
    id: publicId,
    sessionId: publicId,
    userId,
    createdAt,
    provider: 'main',
    issuer: 'https://main.example',
    subject: userId,
    providerSid: publicId,
    origin: 'sign_in',
    sealed: null,
    accessEndsAt: null,
    refreshingAt: null,
    refreshes: 0,
    idTokenAlg: null,
    recheckAt: null,
    endedAt: null,
  }
}

/** Grants of others have been given back. */
const isAlive = (row: SessionRow) => row.endedAt === null && row.lastSeenAt + row.idleMs > now

/** A session like that one, begun some time in the last 29 days; one in four has ended. */
function past(like: SessionRow, at: number): SessionRow {
  const createdAt = now - Math.floor(((at % 1000) / 1000) * 29 * DAY)
  const endedAt = at % 4 === 0 ? createdAt + MINUTE : null
  return {
    ...like,
    sidHash: sha256(randomId()),
    publicId: randomId(),
    secret: randomBytes(32),
    userId: userIds[at % userIds.length] ?? like.userId,
    createdAt,
    authTime: createdAt,
    rotatedAt: createdAt,
    provenAt: createdAt,
    lastSeenAt: createdAt,
    absoluteEndsAt: createdAt + 30 * DAY,
    endedAt,
    endReason: endedAt === null ? null : 'signed_out',
  }
}

await seedAccounts(Math.ceil(order.sessions / SESSIONS_EACH))
const cookies: string[] = []
for (let i = 0; i < order.browsers; i++) {
  const { issued: grant } = await room.open({
    userId: userIds[i % userIds.length] ?? '',
    amr: ['pwd'],
    remember: true,
    client,
    replaces: null,
    newDevice: false,
    basis: null,
  })
  cookies.push(
    room
      .cookiesFor(grant)
      .map(line => line.split(';')[0])
      .join('; '),
  )
}
// Browsers' rows lie between the others', as they would after years.
const live = [...made]
const model = live[0]
if (model === undefined) throw new Error('at least one browser has to ask')
const every = Math.max(1, Math.floor(order.sessions / live.length))
for (let done = 0; done < order.sessions; done += CHUNK) {
  const rows = Array.from({ length: Math.min(CHUNK, order.sessions - done) }, (_, i) => {
    const at = done + i
    return (at % every === 0 ? live[at / every] : undefined) ?? past(model, at)
  })
  await keep(rows)
}
await store.maintenance.tidy()
store.close()
const result: SeedResult = { cookies }
stdout.write(JSON.stringify(result), () => process.exit(0))
