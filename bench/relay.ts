import { join } from 'node:path'
import { setUp } from '../tests/support/people.ts'
import { freePort, startServer, temporaryFolder } from '../tests/support/server.ts'
import { headersOf } from './against.ts'
import { startBare } from './baselines.ts'
import type { Figure } from './figure.ts'
import { alternately, drive, median } from './load.ts'

const ROUNDS = 10
const SECONDS = 1
const CONNECTIONS = 16
const WARM_UPS = 6
const PREFIX = '/api/orders'
/** What an upstream says itself, or Node on both sides. */
const LEFT_OUT = new Set([
  'date',
  'connection',
  'keep-alive',
  'content-length',
  'content-type',
  'cache-control',
  'set-cookie',
])

type Program = 'load' | 'load-websocket'

/** An upstream in a process of its own, a server before it, and somebody signed in there. */
export async function startRelay() {
  const upstream = await freePort()
  const child = await startBare('orders', { port: upstream })
  const settings = {
    UPSTREAMS: JSON.stringify([{ name: 'orders', target: `http://127.0.0.1:${upstream}`, websocket: true }]),
    MAX_STREAMS_PER_SESSION: '10000',
    MAX_STREAMS_PER_NETWORK: '10000',
  }
  const server = await startServer({ settings, outputFile: join(temporaryFolder(), 'server.log') })
  const { browser } = await setUp(server.origin)
  const stop = async () => {
    child.kill()
    await server.stop()
  }
  return { upstream, server, browser, headers: headersOf(browser), stop }
}

/**
 * Relayed calls and WebSockets, by processor time: against the least that does the same, and against Hono's own proxy.
 */
export async function measureRelay(): Promise<Figure[]> {
  const { upstream, server, browser, headers, stop } = await startRelay()
  // Both give the same answer, with every header that ours carries: what is compared is the way there.
  const answer = await browser.get(`${PREFIX}/list`)
  const added = Object.entries(answer.headers)
    .filter(([name]) => !LEFT_OUT.has(name))
    .flatMap(([name, value]) => [name, String(value)])

  /** Our processor time for each answer as a part of another proxy's, round by round. */
  async function compare(
    name: 'bare-proxy' | 'hono-proxy',
    program: Program,
    path: string,
    more: Record<string, string> = {},
  ) {
    const port = await freePort()
    const other = await startBare(name, { port, upstream, prefix: PREFIX, headers: added })
    const order = {
      path: PREFIX + path,
      headers: { ...headers, ...more },
      cookies: null,
      connections: CONNECTIONS,
      seconds: SECONDS,
    }
    const pairs = await alternately(
      ROUNDS,
      () => drive(server.pid, { ...order, port: server.port }, program),
      () => drive(other.pid ?? 0, { ...order, port }, program),
      WARM_UPS,
    )
    other.kill()
    const micros = (side: 'ours' | 'bare') => (median(pairs.map(pair => pair[side].cpuMs)) * 1000).toFixed(0)
    const rate = (side: 'ours' | 'bare') => Math.round(median(pairs.map(pair => pair[side].rate)))
    return {
      measured: median(pairs.map(pair => pair.ours.cpuMs / pair.bare.cpuMs)),
      detail: `${micros('ours')} µs against ${micros('bare')} µs of processor time; ${rate('ours')} against ${rate('bare')} per second`,
    }
  }
  const figure = (
    what: string,
    unit: string,
    most: number,
    { measured, detail }: { measured: number; detail: string },
  ): Figure => ({ what, measured, unit, target: `≤ ${most.toFixed(2)}`, met: measured <= most, detail })

  const figures = [
    figure('relayed call, signed in', '× a bare undici proxy', 1.3, await compare('bare-proxy', 'load', '/list')),
    figure('relayed call, signed in', '× hono/proxy', 0.33, await compare('hono-proxy', 'load', '/list')),
    figure(
      'relayed WebSocket message, there and back',
      '× a bare tunnel',
      1.3,
      await compare('bare-proxy', 'load-websocket', '/echo', { Origin: server.origin }),
    ),
  ]
  await stop()
  return figures
}
