import { execFileSync } from 'node:child_process'
import Sqlite from 'better-sqlite3'
import { afterAll, describe, expect } from 'vitest'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import type { Answer } from '../support/client.ts'
import { invite, somebody } from '../support/people.ts'
import {
  type Server,
  sleep,
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
import { prlimit, strace, testWith, tmpfs } from '../support/faults/machine.ts'
import { attach, inject } from '../support/faults/strace.ts'
import { mountSmallDisk, type SmallDisk } from '../support/faults/tmpfs.ts'

const LATE_MS = 1000
const SETTINGS = { ACCESS_SECONDS: '300', REFRESH_CONFIRM_SECONDS: '0', REFRESH_GRACE_SECONDS: '1', LOG_LEVEL: 'warn' }
/** More renewals than fit into what a file system rounds up to. */
const UNTIL_FULL = 100

const disks: SmallDisk[] = []
afterAll(async () => {
  for (const disk of disks) disk.unmount()
  await stopAll()
})

function smallDisk(): SmallDisk {
  const disk = mountSmallDisk(4)
  disks.push(disk)
  return disk
}

/** Something that goes wrong under a running server, and how it is put right again. */
type Break = (server: Server) => Promise<() => Promise<void> | void>

/** Lets people live on a server whose store fails, and afterwards on one whose store works again. */
async function liveThrough(breaking: Break, { dataDir = temporaryFolder(), renewals = 10 } = {}): Promise<void> {
  const server = await startServer({ dataDir, settings: SETTINGS })
  const { admin, browsers } = await gather(server, renewals + 5)
  const due = browsers.slice(0, renewals)
  const current = browsers.slice(renewals)
  const code = await invite(admin)
  await sleep(LATE_MS + 100)
  const { pid } = server

  const repair = await breaking(server)
  try {
    await refuseEverything(due)
    const [first] = due as [LoggedBrowser]
    const { email, password } = first.person
    expectRefused(await first.stranger().post('/auth/login', { email, password }), 'sign-in')
    expectRefused(await first.stranger().post('/auth/register', { ...somebody(), invite: code }), 'sign-up')
    expectRefused(await first.get('/api/notes'), 'a call to an API with a token that is due')
    const page = await first.page('/account')
    expect([page.status, page.setCookies], 'a page with a token that is due').toEqual([503, []])
    // Who holds a token that is good needs no write to be known, only to leave.
    for (const browser of current) expect((await browser.session()).user?.email).toBe(browser.person.email)
    expectRefused(await current[0]?.post('/auth/logout'), 'sign-out')
    expect(await statusOf(server.port, '/readyz')).toBe(503)
    expect(await statusOf(server.port, '/healthz')).toBe(200)
  } finally {
    await repair()
  }

  await waitUntil(async () => (await statusOf(server.port, '/readyz')) === 200, 'the server to be ready again')
  for (const browser of browsers) {
    browser.letAccessEnd()
    expect((await browser.session()).user?.email).toBe(browser.person.email)
  }
  expect(
    (await admin.stranger().post('/auth/register', { ...somebody(), invite: code })).status,
    'the same invitation afterwards',
  ).toBe(200)
  expect(server.running && server.pid === pid).toBe(true)
  expect(wronged(browsers)).toEqual([])
  await server.stop('SIGKILL')
  expect(onDisk(server.dataDir, db => complaints(db, browsers, { alive: true }))).toEqual([])
}

/**
 * Asks for renewals until nothing can be written any more, and then by everybody. Each answer is either kept or a
 * refusal.
 */
async function refuseEverything(browsers: readonly LoggedBrowser[]): Promise<void> {
  let refused = 0
  for (let round = 0; refused < browsers.length; round++) {
    expect(round, 'rounds of renewals that a broken store took').toBeLessThan(UNTIL_FULL)
    refused = 0
    for (const browser of browsers) {
      browser.letAccessEnd()
      const answer = await browser.get('/auth/session')
      if (answer.status === 200) continue
      expectRefused(answer, 'renewal')
      refused += 1
    }
  }
}

function expectRefused(answer: Answer | undefined, what: string): void {
  expect(answer?.status, what).toBe(503)
  expect(answer?.json(), what).toMatchObject({ code: 'store_unavailable' })
  expect(answer?.setCookies, what).toEqual([])
}

const partsOf = ({ dataDir }: Server) => ['', '-wal'].map(part => databaseFile(dataDir) + part)

describe('a store that fails under a running server is 503, no cookie for what is not stored, nobody signed out; when it is mended the same process goes on', () => {
  testWith(tmpfs)('a disk without a byte left', async () => {
    const disk = smallDisk()
    await liveThrough(
      async () => {
        disk.fill()
        return () => disk.empty()
      },
      { dataDir: disk.folder },
    )
  })

  testWith(strace)('a disk that has turned read-only: every write is answered EROFS', async () => {
    await liveThrough(async server => {
      const tracer = await attach(
        server.pid,
        inject(['pwrite64', 'ftruncate', 'fallocate'], partsOf(server), 'error=EROFS'),
      )
      return async () => void (await tracer.detach())
    })
  })

  testWith(strace)('a disk that takes writes and cannot keep them: every sync is answered EIO', async () => {
    await liveThrough(async server => {
      const tracer = await attach(server.pid, inject(['fsync', 'fdatasync'], partsOf(server), 'error=EIO'))
      return async () => void (await tracer.detach())
    })
  })

  testWith(prlimit)('a limit on the size of files', async () => {
    await liveThrough(async server => {
      const limit = (size: string) =>
        void execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${size}:unlimited`])
      limit('0')
      return () => limit('unlimited')
    })
  })

  testWith()('a database that another program has locked', async () => {
    await liveThrough(
      async server => {
        const intruder = new Sqlite(databaseFile(server.dataDir))
        intruder.exec('BEGIN IMMEDIATE')
        return () => void intruder.close()
      },
      { renewals: 2 },
    )
  })
})

describe('a disk that cannot be written is told at the start', () => {
  testWith(tmpfs)('one that is full: what is missing, and nothing is lost', async () => {
    await refusesToStart(
      disk => disk.fill(),
      disk => disk.empty(),
      /space|full disk/,
    )
  })

  testWith(tmpfs)('one that was remounted read-only', async () => {
    await refusesToStart(
      disk => disk.readOnly(true),
      disk => disk.readOnly(false),
      /read-only/,
    )
  })
})

async function refusesToStart(
  spoil: (disk: SmallDisk) => void,
  mend: (disk: SmallDisk) => void,
  words: RegExp,
): Promise<void> {
  const disk = smallDisk()
  const server = await startServer({ dataDir: disk.folder, settings: SETTINGS })
  const { browsers } = await gather(server, 5)
  await server.stop('SIGKILL')
  spoil(disk)
  const refused = await spawnServer({ dataDir: disk.folder, port: server.port, settings: SETTINGS })
  expect(await refused.exit()).toBe(1)
  expect(refused.output).toMatch(words)
  expect(refused.output).not.toMatch(/^\s+at /m)
  mend(disk)
  const next = await startServer({ dataDir: disk.folder, port: server.port, settings: SETTINGS })
  for (const browser of browsers) expect((await browser.session()).user?.email).toBe(browser.person.email)
  await next.stop('SIGKILL')
}
