import Sqlite from 'better-sqlite3'
import { afterAll, expect, test } from 'vitest'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import { setUp, signUp } from '../support/people.ts'
import { sleep, startServer, statusOf, stopAll } from '../support/server.ts'

const HELD_MS = 30_000
/** Longer than a write waits. */
const PATIENCE_MS = 3000

afterAll(stopAll)

/** The time within which that share was answered. */
const within = (times: number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0

test('another program that holds the database for 30 s stops no reading and nobody who does not write; writes are 503 after seconds, and go on by themselves', async () => {
  const server = await startServer({ settings: { LOG_LEVEL: 'warn' } })
  const { browser } = await setUp(server.origin)
  const reader = await signUp(browser)
  const other = new Sqlite(databaseFile(server.dataDir))
  other.exec('BEGIN IMMEDIATE')
  const until = performance.now() + HELD_MS
  const healthy: number[] = []
  const reading: number[] = []
  const refused: { status: number; took: number }[] = []
  const timed = async (times: number[], ask: () => Promise<unknown>, right: unknown) => {
    while (performance.now() < until) {
      const began = performance.now()
      expect(await ask()).toEqual(right)
      times.push(performance.now() - began)
      await sleep(20)
    }
  }
  const write = async () => {
    while (performance.now() < until - PATIENCE_MS - 1000) {
      const began = performance.now()
      const { status } = await browser.post('/auth/invites', {})
      refused.push({ status, took: performance.now() - began })
    }
  }
  await Promise.all([
    timed(healthy, () => statusOf(server.port, '/healthz'), 200),
    timed(reading, async () => (await reader.browser.get('/auth/session')).status, 200),
    write(),
    write(),
    write(),
  ])
  other.exec('ROLLBACK')
  other.close()
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]))
  for (const { took } of refused) expect(took).toBeLessThan(PATIENCE_MS + 1500)
  // A loop that waits in the driver answers after its two seconds, or never meanwhile.
  expect(within(healthy, 0.95)).toBeLessThan(50)
  expect(Math.max(...healthy)).toBeLessThan(500)
  expect(within(reading, 0.5)).toBeLessThan(50)
  expect(healthy.length).toBeGreaterThan(HELD_MS / 100)
  expect((await browser.post('/auth/invites', {})).status).toBe(200)
})
