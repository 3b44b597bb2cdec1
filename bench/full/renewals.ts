import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import { setUp } from '../../tests/support/people.ts'
import { SHORT_LIVES, untilAccessEnds } from '../../tests/support/short-lives.ts'
import { freePort, startServer, temporaryFolder } from '../../tests/support/server.ts'
import { headersOf } from '../against.ts'
import { median } from '../load.ts'
import { onLoadCore } from './machine.ts'
import { claim, type Options, type Row, type Section } from './section.ts'
import type { StormOrder, StormResult } from './storm.ts'

const run = promisify(execFile)
const AT_ONCE = [1, 8, 96]
const STORM = 200

/** Renewals through the session room, in turn with the plainest update that is as durable. */
export async function measureRenewals({ rounds }: Options, say: (line: string) => void): Promise<Section> {
  const rows: Row[] = []
  const figures = []
  for (const atOnce of AT_ONCE) {
    const { stdout } = await run(process.execPath, [
      join(import.meta.dirname, '../processes/renewal.ts'),
      String(rounds),
      String(atOnce),
    ])
    const pairs = JSON.parse(stdout) as { ours: number; bare: number }[]
    const perSecond = (side: 'ours' | 'bare') => 1e6 / median(pairs.map(pair => pair[side]))
    const name = atOnce === 1 ? 'one at a time' : `${atOnce} at once`
    rows.push({ name, note: '', failed: null, values: { ours: perSecond('ours'), bare: perSecond('bare') } })
    figures.push(
      claim(`renewals, ${name}`, median(pairs.map(({ ours, bare }) => bare / ours)), '× bare durable updates', {
        least: 0.5,
      }),
    )
    say(`  ${name}: ${Math.round(perSecond('ours'))} against ${Math.round(perSecond('bare'))} per second`)
  }
  return {
    title: 'Renewals',
    method:
      'A rotation of the refresh token: judged, written, synced to disk, both cookies sealed. Beside it one UPDATE of one row in a transaction of its own, with the same journal and the same sync, in the same process.',
    columns: [
      { key: 'ours', title: 'renewals per second', digits: 0, plotted: false },
      { key: 'bare', title: 'bare durable updates per second', digits: 0, plotted: false },
    ],
    rows,
    figures,
  }
}

/** 200 requests of one browser in the same instant, before and after its access token has ended. */
export async function measureStorm({ rounds, quick }: Options, say: (line: string) => void): Promise<Section> {
  const metricsPort = await freePort()
  const server = await startServer({
    settings: { ...SHORT_LIVES, METRICS_PORT: String(metricsPort) },
    outputFile: join(temporaryFolder(), 'server.log'),
  })
  const { browser } = await setUp(server.origin)
  const quiet: StormResult[] = []
  const storms: (StormResult & { renewals: number })[] = []
  for (let round = 0; round < (quick ? 2 : Math.min(rounds, 5)); round++) {
    const order: StormOrder = { port: server.port, path: '/auth/session', headers: headersOf(browser), requests: STORM }
    quiet.push(await storm(order))
    await untilAccessEnds(browser)
    const before = await rotations(metricsPort)
    const result = await storm(order)
    storms.push({ ...result, renewals: (await rotations(metricsPort)) - before })
    browser.jar.take(result.setCookies)
    if ((await browser.get('/auth/session')).json<SessionAnswer>().user === null)
      throw new Error('the storm signed the browser out')
  }
  await server.stop()
  const of = (results: StormResult[], key: 'p50' | 'p99' | 'longest' | 'served') =>
    median(results.map(result => result[key]))
  const row = (name: string, results: StormResult[], renewals: number): Row => ({
    name,
    note: '',
    failed: null,
    values: {
      served: of(results, 'served'),
      renewals,
      p50: of(results, 'p50'),
      p99: of(results, 'p99'),
      longest: of(results, 'longest'),
    },
  })
  const most = Math.max(...storms.map(each => each.renewals))
  say(`  ${Math.min(...storms.map(each => each.served))} of ${STORM} answered as signed in, ${most} renewal at most`)
  return {
    title: '200 requests at the instant of expiry',
    method:
      'One browser, 200 open connections, one request on each at once: while its access token is good, and when it has just ended. Renewals are counted by the server.',
    columns: [
      { key: 'served', title: 'answered as signed in', digits: 0, plotted: false },
      { key: 'renewals', title: 'renewals', digits: 0, plotted: false },
      { key: 'p50', title: 'median, ms', digits: 1, plotted: false },
      { key: 'p99', title: 'p99, ms', digits: 1, plotted: false },
      { key: 'longest', title: 'longest, ms', digits: 1, plotted: false },
    ],
    rows: [row('while the token is good', quiet, 0), row('at its end', storms, most)],
    figures: [
      claim('storm: fewest answered as signed in', Math.min(...storms.map(each => each.served)), `of ${STORM}`, {
        least: STORM,
      }),
      claim('storm: renewals', most, 'at most, for each storm', { most: 1 }),
      claim('storm: p99 at the end of the token', of(storms, 'p99') / of(quiet, 'p99'), '× the same 200 before', {}),
    ],
  }
}

async function storm(order: StormOrder): Promise<StormResult> {
  const { stdout } = await run(
    ...onLoadCore(process.execPath, [join(import.meta.dirname, '../processes/storm.ts'), JSON.stringify(order)]),
  )
  return JSON.parse(stdout) as StormResult
}

/** How many rotations the server has decided on so far. */
async function rotations(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(/^porchlight_session_verdicts_total\{verdict="rotate"\} (\d+)/m.exec(text)?.[1] ?? 0)
}
