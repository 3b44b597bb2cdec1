import type { ChildProcess } from 'node:child_process'
import type { Visitor } from '../tests/support/client.ts'
import type { Server } from '../tests/support/server.ts'
import type { Figure } from './figure.ts'
import { alternately, drive, type LoadOrder, median } from './load.ts'

const ROUNDS = 16
const SECONDS = 1
const WARM_UPS = 6
const CONNECTIONS = 16

interface Comparison {
  request: Pick<LoadOrder, 'path' | 'headers' | 'cookies'>
  /** What is compared: answers per second, or processor time for each answer. */
  by: 'rate' | 'processor time'
  least: number
}

/** How much of a bare server's speed ours has, round by round. Ends the bare one. */
export async function against(
  server: Server,
  bare: { child: ChildProcess; port: number },
  { request, by, least }: Comparison,
): Promise<Pick<Figure, 'measured' | 'target' | 'met' | 'detail'>> {
  const order = { ...request, connections: CONNECTIONS, seconds: SECONDS }
  const pairs = await alternately(
    ROUNDS,
    () => drive(server.pid, { ...order, port: server.port }),
    () => drive(bare.child.pid ?? 0, { ...order, port: bare.port }),
    WARM_UPS,
  )
  bare.child.kill()
  const ratios = {
    rate: median(pairs.map(pair => pair.ours.rate / pair.bare.rate)),
    'processor time': median(pairs.map(pair => pair.bare.cpuMs / pair.ours.cpuMs)),
  }
  const other = by === 'rate' ? 'processor time' : 'rate'
  const rate = (side: 'ours' | 'bare') => Math.round(median(pairs.map(pair => pair[side].rate)))
  const detail = `by ${by}; by ${other} ${ratios[other].toFixed(2)}; ${rate('ours')} against ${rate('bare')} per second`
  return { measured: ratios[by], target: `≥ ${least}`, met: ratios[by] >= least, detail }
}

/** What that visitor's browser sends when a script of its page asks for something. */
export function headersOf(browser: Visitor): Record<string, string> {
  return {
    Host: new URL(browser.origin).host,
    'User-Agent': browser.userAgent,
    Accept: '*/*',
    'Accept-Language': 'en',
    'Sec-Fetch-Site': 'same-origin',
    Cookie: browser.jar.header() ?? '',
  }
}
