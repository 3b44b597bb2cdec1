import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import http from 'node:http'
import { dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'
import { databaseFile } from '../../server/store/sqlite/files.ts'
import { ensureSiteBuilt } from '../../site-build/build-site.ts'
import { setUp, signUp, somebody } from '../support/people.ts'
import { type Server, sleep, spawnServer, startServer, statusOf, stopAll, waitUntil } from '../support/server.ts'
import { SHORT_LIVES, untilAccessEnds } from '../support/short-lives.ts'

afterAll(stopAll)

/** The same server again: its folder, its port, its address. */
const again = (server: Server, settings = {}) => startServer({ dataDir: server.dataDir, port: server.port, settings })

// At once: each test has a server of its own, and mostly waits.
describe.concurrent('a server that dies', () => {
  test('kill -9 in the middle of use, and everybody is still signed in', async () => {
    const server = await startServer({ settings: SHORT_LIVES })
    const { browser: admin } = await setUp(server.origin)
    const people = await Promise.all(Array.from({ length: 4 }, () => signUp(admin)))
    await untilAccessEnds(admin)
    // Renewals are on their way when it dies: some answers arrive, some never do.
    const calls = people.flatMap(({ browser }) =>
      Array.from({ length: 10 }, () => browser.get('/auth/session').catch(() => null)),
    )
    await Promise.race(calls)
    await server.stop('SIGKILL')
    await Promise.all(calls)

    const next = await again(server, SHORT_LIVES)
    for (const { browser, person } of people) {
      expect((await browser.session()).user?.email).toBe(person.email)
      await browser.session()
    }
    await untilAccessEnds(admin)
    for (const { browser, person } of people) expect((await browser.session()).user?.email).toBe(person.email)
    await next.stop()
  })

  test.each(['SIGTERM', 'SIGHUP'] as const)(
    '%s: not ready at once, what was begun is finished, and it ends by itself in time',
    async signal => {
      const server = await startServer()
      const { browser } = await setUp(server.origin)
      const { finish, answered } = slowSignIn(server, somebody())
      await sleep(200)
      const ended = server.stop(signal)
      await waitUntil(async () => (await statusOf(server.port, '/readyz')) !== 200, 'readiness to go')
      finish()
      expect(await answered).toBe(401)
      expect(await ended).toBe(0)

      const next = await again(server)
      expect((await browser.session()).user?.name).toBe('Ada First')
      await next.stop()
    },
  )

  test('SIGINT, as Ctrl-C sends it, ends it too', async () => {
    const server = await startServer()
    expect(await server.stop('SIGINT')).toBe(0)
  })
})

test('the built pages can be read by whoever serves them, whoever built them under whatever umask', async () => {
  const { root, entry, files } = await ensureSiteBuilt(() => {})
  const unreadable = [dirname(root), root, dirname(entry), entry, ...files.map(file => join(root, file.path))].filter(
    path => (statSync(path).mode & (statSync(path).isDirectory() ? 0o005 : 0o004)) === 0,
  )
  expect(unreadable).toEqual([])
  expect(files.length).toBeGreaterThan(5)
  const [built] = readdirSync(join(dirname(root), '..')).filter(name => name.endsWith('.json'))
  expect(statSync(join(dirname(root), '..', built ?? '')).mode & 0o044).toBe(0o044)
})

test('the server bounds what rendering may hold of memory, unless somebody set a bound, and is still the process that was started', async () => {
  const server = await startServer()
  const command = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  expect(command(server.pid)).toContain('--max-semi-space-size=16')
  expect(await server.stop('SIGTERM')).toBe(0)
  const own = await startServer({ environment: { NODE_OPTIONS: '--max-semi-space-size=32' } })
  expect(command(own.pid).join()).not.toContain('semi-space')
  await own.stop()
})

describe.concurrent('a data folder', () => {
  test('takes one server: the second refuses and says why', async () => {
    const first = await startServer()
    const second = await spawnServer({ dataDir: first.dataDir })
    expect(await second.exit()).toBe(1)
    expect(second.output).toContain(String(first.pid))
    expect(second.output).toContain(first.dataDir)
    expect(await statusOf(first.port, '/readyz')).toBe(200)
    await first.stop()
  })

  test('is free again after a kill', async () => {
    const first = await startServer()
    await first.stop('SIGKILL')
    await (await again(first)).stop()
  })
})

describe.concurrent('a store that fails', () => {
  test('ASVS 16.5.2 a database that cannot be written is 503, sets nothing, signs nobody out, and mends by itself', async () => {
    const server = await startServer({ settings: SHORT_LIVES })
    const { browser, person } = await setUp(server.origin)
    await untilAccessEnds(browser)
    const kept = browser.jar.header()

    // Another program holds the write lock, for longer than the server waits.
    const intruder = new Sqlite(databaseFile(server.dataDir))
    intruder.exec('BEGIN IMMEDIATE')
    const [renewal, signIn, page] = await Promise.all([
      browser.get('/auth/session'),
      browser.stranger().post('/auth/login', { email: person.email, password: person.password }),
      browser.page('/account'),
    ])
    expect(renewal.status).toBe(503)
    expect(renewal.json()).toMatchObject({ code: 'store_unavailable' })
    expect(signIn.status).toBe(503)
    expect(page.status).toBe(503)
    expect([...renewal.setCookies, ...signIn.setCookies, ...page.setCookies]).toEqual([])
    intruder.exec('ROLLBACK')
    intruder.close()

    expect(browser.jar.header()).toBe(kept)
    expect((await browser.session()).user?.email).toBe(person.email)
    await server.stop()
  })

  test('a full disk is 503, and writing goes on when there is room', async () => {
    const server = await startServer({ settings: SHORT_LIVES })
    const { browser, person } = await setUp(server.origin)
    await untilAccessEnds(browser)
    limitFileSize(server, '0')
    const answer = await browser.get('/auth/session')
    expect(answer.status).toBe(503)
    expect(answer.setCookies).toEqual([])
    expect(server.running).toBe(true)
    limitFileSize(server, 'unlimited')
    expect((await browser.session()).user?.email).toBe(person.email)
    await server.stop()
  })
})

/** The kernel refuses every write beyond this size, as a full disk would. */
function limitFileSize(server: Server, limit: string): void {
  execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${limit}:unlimited`])
}

/** A sign-in whose body has not wholly left the browser before `finish` is called. */
function slowSignIn(
  server: Server,
  person: { email: string; password: string },
): { finish: () => void; answered: Promise<number> } {
  const body = JSON.stringify({ email: person.email, password: person.password })
  const request = http.request({
    host: '127.0.0.1',
    port: server.port,
    method: 'POST',
    path: '/auth/login',
    agent: false,
    headers: {
      host: new URL(server.origin).host,
      origin: server.origin,
      'content-type': 'application/json',
      'content-length': body.length,
    },
  })
  const answered = new Promise<number>((resolve, reject) => {
    request
      .on('response', response => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      .on('error', reject)
  })
  request.write(body.slice(0, 10))
  return { finish: () => request.end(body.slice(10)), answered }
}
