import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock, type Timers } from '../../server/base/clock.ts'
import type { Log } from '../../server/base/log.ts'
import { noMeter } from '../../server/base/meter.ts'
import { buildServices, type Services } from '../../server/bootstrap/services.ts'
import { loadConfig } from '../../server/config/load-config.ts'
import { OPERATOR } from '../../server/accounts/actor.ts'
import type { LiveSession } from '../../server/session/types.ts'
import { rawOf } from '../../server/store/store.testing.ts'

// Tests beside a room reach what is built of all rooms through here.
export type { Services }

/** Nothing happens by itself. */
export const noTimers: Timers = { every: () => () => {} }

export const PASSWORD = 'quiet lantern over the porch'

/** Both clocks, moved by hand. */
export function handClock() {
  const hand = { wall: Date.UTC(2026, 10, 1), steady: 0 }
  const clock: Clock = { now: () => ({ ...hand }) }
  return {
    hand,
    clock,
    pass(ms: number) {
      hand.wall += ms
      hand.steady += ms
    },
  }
}

/** For tests: an installation in a folder of its own, that can be started and stopped like the real one. */
export function installation(clock: Clock = systemClock) {
  const dataDir = mkdtempSync(join(tmpdir(), 'porchlight-rooms-'))
  const logged: string[] = []
  const note = (first: unknown, second?: unknown) =>
    void logged.push(typeof first === 'string' ? first : String(second))
  const log: Log = { error: note, warn: note, info: note, debug: note }

  return {
    dataDir,
    clock,
    log,
    logged,
    readConfig: async (env: Record<string, string> = {}) =>
      (await loadConfig({ PORCHLIGHT_DATA_DIR: dataDir, ...env }, dataDir)).config,
    async start(env: Record<string, string> = {}): Promise<Services> {
      return buildServices({
        config: await this.readConfig(env),
        clock,
        log,
        meter: noMeter,
        tracing: null,
        what: 'the test',
        waitMs: 2000,
      })
    },
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  }
}

/** Somebody with an account and an open session, and the cookies that their browser got. */
export async function signedIn(
  { people, sessions }: Services,
  email = 'ada@example.org',
): Promise<{ userId: string; session: LiveSession; shown: { access: string; refresh: string; duplicated: boolean } }> {
  const known = await people.accounts.findByEmail(email)
  const account =
    known ??
    (await people.accounts.create({ email, name: 'Ada', roles: ['admin', 'user'], password: PASSWORD }, OPERATOR))
  const { session, issued } = await sessions.open({
    userId: account.id,
    amr: ['pwd'],
    remember: true,
    client: { userAgent: 'test', network: '127.0.0.1' },
    replaces: null,
    newDevice: false,
    basis: null,
  })
  const values = sessions.cookiesFor(issued).map(cookie => (cookie.split(';')[0] ?? '').split('='))
  const named = (word: string) => values.find(([name]) => name?.includes(word))?.[1] ?? ''
  return {
    userId: account.id,
    session,
    shown: { access: named('access'), refresh: named('refresh'), duplicated: false },
  }
}

/** Whether `PASSWORD` is still the password of the account that `signedIn` makes. */
export async function passwordWorks({ people }: Services): Promise<boolean> {
  const found = await people.accounts.findWithVerifier({ email: 'ada@example.org' })
  return (await people.passwords.compare(PASSWORD, found?.verifier ?? null, null)) === 'right'
}

/** So many more sessions like that one, `crowd-1` and so on. */
export function addCrowd({ store }: Services, publicId: string, count: number): void {
  const raw = rawOf(store)
  const columns = raw.prepare("SELECT name FROM pragma_table_info('sessions')").pluck().all().map(String)
  const copied = columns.map(name => (name === 'sid_hash' || name === 'public_id' ? "'crowd-' || value" : name))
  raw
    .prepare(
      `WITH RECURSIVE counter(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM counter WHERE value < ?)
    INSERT INTO sessions (${columns.join()}) SELECT ${copied.join()} FROM counter, sessions WHERE public_id = ? ORDER BY value`,
    )
    .run(count, publicId)
}

/** What a request with these cookies would be: signed in, or why not. */
export async function stateOf(
  { sessions }: Services,
  shown: { access: string | null; refresh: string | null; duplicated: boolean },
): Promise<string> {
  const resolution = await sessions.resolve(shown, { renews: true, foreground: true })
  return resolution.state === 'anonymous' ? `nobody ${resolution.ended ?? ''}`.trim() : resolution.state
}
