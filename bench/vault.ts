import { type ChildProcess, fork } from 'node:child_process'
import http from 'node:http'
import { join } from 'node:path'
import { Visitor } from '../tests/support/client.ts'
import { setUp } from '../tests/support/people.ts'
import { comeBack, pathOf } from '../tests/support/provider-visit.ts'
import { freePort, type Server, sleep, startServer, temporaryFolder } from '../tests/support/server.ts'
import { startBare } from './baselines.ts'
import type { Figure } from './figure.ts'
import { drive, median, type Round } from './load.ts'

export interface TokenProviderOrder {
  port: number
  refreshMs: number
}
interface Stage {
  server: Server
  provider: ChildProcess
  issuer: string
  stop(): Promise<void>
}

const ROUNDS = 5
const SECONDS = 2
const CONNECTIONS = 16
const SESSIONS = 1000
/** What the vault lets go to one provider at once. */
const AT_ONCE = 32
/** How long the provider takes for one refresh. */
const REFRESH_MS = 200
const SIGN_INS_AT_ONCE = 8

/**
 * Tokens of providers: what they cost a call when they are not due, and when a thousand of them end in the same second.
 */
export async function measureVault(): Promise<Figure[]> {
  const stage = await startStage()
  try {
    return [await notDue(stage), await allAtOnce(stage)]
  } finally {
    await stage.stop()
  }
}

async function startStage(): Promise<Stage> {
  const [port, behind] = await Promise.all([freePort(), freePort()])
  const upstream = await startBare('bare-hono', { port: behind, path: '/x', body: { ok: true }, headers: {} })
  const provider = fork(
    join(import.meta.dirname, 'processes/token-provider.ts'),
    [JSON.stringify({ port, refreshMs: REFRESH_MS } satisfies TokenProviderOrder)],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  await new Promise(done => provider.once('message', done))
  const issuer = `http://127.0.0.1:${port}`
  const target = `http://127.0.0.1:${behind}`
  const server = await startServer({
    outputFile: join(temporaryFolder(), 'server.log'),
    settings: {
      REGISTRATION: 'open',
      PROVIDERS: JSON.stringify([{ id: 'main', kind: 'oidc', issuer, clientId: 'bench', logout: 'never' }]),
      UPSTREAMS: JSON.stringify([
        { name: 'own', target },
        { name: 'orders', target, token: 'provider' },
      ]),
    },
  })
  await setUp(server.origin)
  return {
    server,
    provider,
    issuer,
    async stop() {
      await server.stop()
      provider.kill()
      upstream.kill()
    },
  }
}

/**
 * Calls with the provider's token against calls with our own, and against themselves: what differs by less than those
 * do is no difference.
 */
async function notDue({ server }: Stage): Promise<Figure> {
  const browser = await signedIn(server)
  const at = (path: string) =>
    drive(server.pid, {
      port: server.port,
      path,
      headers: headersOf(browser),
      cookies: null,
      connections: CONNECTIONS,
      seconds: SECONDS,
    })
  const own = () => at('/api/own/x')
  const theirs = () => at('/api/orders/x')
  await own()
  await theirs()
  const ratios: number[] = []
  const spreads: number[] = []
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const first = await own()
    const other = await theirs()
    const second = await own()
    ratios.push((first.cpuMs + second.cpuMs) / 2 / other.cpuMs)
    spreads.push(Math.abs(second.cpuMs / first.cpuMs - 1))
    rounds.push(other)
  }
  const measured = median(ratios)
  const least = 1 - Math.max(...spreads)
  return {
    what: "relay with a provider's token",
    measured,
    unit: '× with our own',
    target: `≥ ${least.toFixed(2)}`,
    met: measured >= least,
    detail: `by processor time; the target is one less the spread of two identical runs; ${Math.round(median(rounds.map(round => round.rate)))} per second`,
  }
}

/**
 * Everybody calls in the second in which all tokens have ended. The provider is asked by so many at once and no more,
 * so that the last one's wait is the provider's time for all of them, asked like that by a client that does nothing
 * else.
 */
async function allAtOnce({ server, provider, issuer }: Stage): Promise<Figure> {
  const endAt = Date.now() + 90_000
  provider.send(endAt)
  const browsers: Visitor[] = []
  while (browsers.length < SESSIONS)
    browsers.push(...(await Promise.all(Array.from({ length: SIGN_INS_AT_ONCE }, () => signedIn(server)))))
  const agent = new http.Agent({ keepAlive: true, maxSockets: browsers.length })
  // Connections are there already: opening a thousand is not what is measured.
  await waits(browsers, browser => ask(agent, server, '/auth/session', headersOf(browser)))
  const bare = Math.max(...(await bareRefreshes(issuer, browsers.length)))
  await sleep(Math.max(0, endAt + 1000 - Date.now()))
  const ours = (await waits(browsers, browser => ask(agent, server, '/api/orders/x', headersOf(browser)))).toSorted(
    (a, b) => a - b,
  )
  agent.destroy()
  const longest = ours.at(-1) ?? Number.NaN
  const measured = longest / bare
  return {
    what: `${browsers.length} tokens end at once`,
    measured,
    unit: "× the provider's own time",
    target: '≤ 1.1',
    met: measured <= 1.1,
    detail: `longest wait ${Math.round(longest)} ms, half within ${Math.round(median(ours))} ms; the provider takes ${REFRESH_MS} ms each and is asked by ${AT_ONCE} at once: ${Math.round(bare)} ms for all`,
  }
}

/**
 * The same refreshes by a client that does nothing else.
 * @returns how long each waited from the start
 */
async function bareRefreshes(issuer: string, count: number): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'bench' }).toString()
  const started = performance.now()
  const all = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<number>((done, failed) => {
          http
            .request(
              `${issuer}/token`,
              {
                method: 'POST',
                agent,
                headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length },
              },
              response => {
                response.resume().on('end', () => done(performance.now() - started))
              },
            )
            .on('error', failed)
            .end(body)
        }),
    ),
  )
  agent.destroy()
  return all
}

/**
 * Asks for everybody at once.
 * @returns how long each waited, in ms
 */
async function waits(browsers: readonly Visitor[], work: (browser: Visitor) => Promise<void>): Promise<number[]> {
  const started = performance.now()
  return Promise.all(
    browsers.map(async browser => {
      await work(browser)
      return performance.now() - started
    }),
  )
}

function ask(agent: http.Agent, server: Server, path: string, headers: Record<string, string>): Promise<void> {
  return new Promise((done, failed) => {
    http
      .get({ host: '127.0.0.1', port: server.port, path, agent, headers }, response => {
        response
          .resume()
          .on('end', () =>
            response.statusCode === 200 ? done() : failed(new Error(`${path} answered ${response.statusCode}`)),
          )
      })
      .on('error', failed)
  })
}

async function signedIn(server: Server): Promise<Visitor> {
  const browser = new Visitor(server.origin)
  const begun = await browser.page('/auth/login/main?returnTo=/')
  const there = new URL(begun.headers.location ?? '')
  const back = (await new Visitor(there.origin).page(pathOf(there.href))).headers.location ?? ''
  const answer = await comeBack(browser, back)
  if (answer.headers.location !== '/') throw new Error(`a sign-in ended at ${answer.headers.location}`)
  return browser
}

function headersOf(browser: Visitor): Record<string, string> {
  return {
    Host: new URL(browser.origin).host,
    'User-Agent': browser.userAgent,
    Accept: '*/*',
    'Sec-Fetch-Site': 'same-origin',
    Cookie: browser.jar.header() ?? '',
  }
}
