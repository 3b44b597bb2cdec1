import type { ChildProcess } from 'node:child_process'
import type { Visitor } from '../tests/support/client.ts'
import type { Server } from '../tests/support/server.ts'
import type { Figure } from './figure.ts'
import { alternately, drive, type LoadOrder, median } from './load.ts'

const ROUNDS = 16
const SECONDS = 1
const WARM_UPS = 6
const CONNECTIONS = 16

/** Our rate as a part of a bare server's, round by round. Ends the bare one. */
export async function against(server: Server, bare: { child: ChildProcess, port: number }, request: Pick<LoadOrder, 'path' | 'headers'>, least: number): Promise<Pick<Figure, 'measured' | 'target' | 'met' | 'detail'>> {
  const order = { ...request, connections: CONNECTIONS, seconds: SECONDS }
  const pairs = await alternately(ROUNDS, () => drive(server.pid, { ...order, port: server.port }), () => drive(bare.child.pid ?? 0, { ...order, port: bare.port }), WARM_UPS)
  bare.child.kill()
  const measured = median(pairs.map(pair => pair.ours.rate / pair.bare.rate))
  const rate = (side: 'ours' | 'bare') => Math.round(median(pairs.map(pair => pair[side].rate)))
  const cpu = median(pairs.map(pair => pair.bare.cpuMs / pair.ours.cpuMs)).toFixed(2)
  return { measured, target: `≥ ${least}`, met: measured >= least, detail: `${rate('ours')} against ${rate('bare')} per second; by processor time ${cpu}` }
}

/** What that visitor's browser sends when a script of its page asks for something. */
export function headersOf(browser: Visitor): Record<string, string> {
  return { 'Host': new URL(browser.origin).host, 'User-Agent': browser.userAgent, 'Accept': '*/*', 'Accept-Language': 'en', 'Sec-Fetch-Site': 'same-origin', 'Cookie': browser.jar.header() ?? '' }
}
