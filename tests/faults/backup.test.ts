import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'
import { databaseFile, databaseParts } from '../../server/store/sqlite/files.ts'
import { invite, signIn, somebody } from '../support/people.ts'
import { runCommand, type Server, sleep, startServer, stopAll, temporaryFolder, waitUntil } from '../support/server.ts'
import { LoggedBrowser, tokenParts } from '../support/faults/browser.ts'
import { type Crowd, gather } from '../support/faults/crowd.ts'
import { report } from '../support/faults/figures.ts'

const BROWSERS = 10
const BACKUPS = 3
const SETTINGS = { ACCESS_SECONDS: '300', REFRESH_CONFIRM_SECONDS: '0', REFRESH_GRACE_SECONDS: '1', LOG_LEVEL: 'warn' }

afterAll(stopAll)

const again = (server: Server) => startServer({ dataDir: server.dataDir, port: server.port, settings: SETTINGS })

describe('a backup', () => {
  test('taken under load is whole, and restored with the command it revives nobody', async () => {
    const server = await startServer({ settings: SETTINGS })
    const crowd = await gather(server, BROWSERS)
    const code = await invite(crowd.admin)
    const folder = temporaryFolder()
    let renewals = 0
    let over = false
    const load = Promise.all(
      crowd.browsers.map(async browser => {
        while (!over) {
          browser.letAccessEnd()
          expect((await browser.session()).user?.email).toBe(browser.person.email)
          await browser.ask({
            method: 'PATCH',
            path: '/auth/user',
            body: { name: `${browser.person.name} ${renewals++}` },
          })
          await sleep(20)
        }
      }),
    )

    let file = ''
    for (let n = 0; n < BACKUPS; n++) {
      const promised = crowd.browsers.map(browser => tokenParts(browser.jar.value('refresh') ?? ''))
      file = join(folder, `${n}.db`)
      await sleep(1000)
      const { code: exit, output } = await runCommand(['backup', file], { dataDir: server.dataDir })
      expect(exit, output).toBe(0)
      opened(file, db => {
        expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
        const stored = new Map(
          db
            .prepare<[], { sid_hash: string; generation: number }>('SELECT sid_hash, generation FROM sessions')
            .all()
            .map(row => [row.sid_hash, row.generation]),
        )
        expect(promised.filter(({ sidHash, generation }) => (stored.get(sidHash) ?? 0) < generation)).toEqual([])
      })
    }
    over = true
    await load
    await server.stop()

    const restored = await runCommand(['restore', file, '--yes'], { dataDir: server.dataDir })
    expect(restored.code, restored.output).toBe(0)
    const next = await again(server)
    await expectNobodyRevived(next, crowd, code)
    report('backup', {
      backupsUnderLoad: BACKUPS,
      callsMeanwhile: crowd.browsers.reduce((sum, browser) => sum + browser.calls.length, 0),
      revived: 0,
    })
    await next.stop('SIGKILL')
  })

  test.each([
    ['after a clean stop', 'SIGTERM'],
    ['after a kill', 'SIGKILL'],
  ] as const)(
    "put in the database's place by hand, %s, is noticed and revives nobody, not even who had signed out",
    async (_when, signal) => {
      const server = await startServer({ settings: SETTINGS })
      const crowd = await gather(server, BROWSERS)
      const code = await invite(crowd.admin)
      const file = join(temporaryFolder(), 'copy.db')
      expect(await runCommand(['backup', file], { dataDir: server.dataDir })).toMatchObject({ code: 0 })
      const thief = crowd.browsers[0]?.thief()
      expect((await crowd.browsers[0]?.post('/auth/logout'))?.status).toBe(200)
      expect((await thief?.session())?.user).toBeNull()
      await server.stop(signal)

      for (const part of databaseParts(databaseFile(server.dataDir))) rmSync(part, { force: true })
      copyFileSync(file, databaseFile(server.dataDir))
      const next = await again(server)
      await waitUntil(
        () => next.output.includes('restored by hand'),
        'a line in the log',
        () => next.output,
      )
      expect((await thief?.session())?.user).toBeNull()
      await expectNobodyRevived(next, crowd, code)
      await next.stop('SIGKILL')
    },
  )
})

/**
 * Neither what browsers hold nor anything that they held before signs anybody in; one-time links are void; passwords
 * are good.
 */
async function expectNobodyRevived(server: Server, { browsers }: Crowd, code: string): Promise<void> {
  for (const browser of browsers) {
    const accessOnly = browser.thief()
    accessOnly.jar.drop('refresh')
    expect((await accessOnly.session()).user).toBeNull()
    if (browser.jar.value('refresh') !== null)
      expect(await browser.session()).toMatchObject({ user: null, ended: 'store_rolled_back' })
    for (const token of browser.acknowledged().slice(-3)) {
      const thief = new LoggedBrowser(browser.origin, browser.person)
      thief.jar.take([`porchlight-refresh=${token}; Path=/; HttpOnly; SameSite=Lax`])
      expect((await thief.session()).user).toBeNull()
      expect((await thief.get('/auth/sessions')).status).toBe(401)
      thief.close()
    }
  }
  const stranger = new LoggedBrowser(server.origin, somebody())
  expect((await stranger.post('/auth/register', { ...somebody(), invite: code })).json()).toMatchObject({
    code: 'invalid_code',
  })
  for (const person of new Set(browsers.map(browser => browser.person))) {
    expect((await (await signIn(server.origin, person)).session()).user?.email).toBe(person.email)
  }
}

function opened(file: string, look: (db: Sqlite.Database) => void): void {
  const db = new Sqlite(file, { readonly: true, fileMustExist: true })
  try {
    look(db)
  } finally {
    db.close()
  }
}
