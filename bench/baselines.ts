import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { SessionAnswer } from '../server/contract/wire.ts'

export interface BareAnswer {
  port: number
  path: string
  body: object
  headers: Record<string, string>
}
/** `calls`: what a page gets that calls one of these paths while it renders. */
export interface BarePage {
  port: number
  entry: string
  session: SessionAnswer
  calls: Record<string, object>
}
/** An upstream for the figures of the relay. */
export interface BareOrders {
  port: number
}
/**
 * `upstream`: the port that it passes everything under `prefix` on to. `headers`: name, value, … that it adds to every
 * answer.
 */
export interface BareProxy {
  port: number
  upstream: number
  prefix: string
  headers: string[]
}

/** Of V8's young generation, as our own launcher sets it: what is compared is the work, not the memory it may take. */
const BOUNDS = ['--max-semi-space-size=16']

/** Starts one of the bare servers and waits until it listens. */
export async function startBare(name: 'bare-hono', order: BareAnswer): Promise<ChildProcess>
export async function startBare(name: 'bare-nuxt', order: BarePage): Promise<ChildProcess>
export async function startBare(name: 'orders', order: BareOrders): Promise<ChildProcess>
export async function startBare(name: 'bare-proxy' | 'hono-proxy', order: BareProxy): Promise<ChildProcess>
export async function startBare(name: string, order: object): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, `processes/${name}.ts`), [JSON.stringify(order)], {
    execArgv: BOUNDS,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  await new Promise<void>((done, fail) => {
    child.once('message', () => done())
    child.once('exit', code => fail(new Error(`${name} ended with ${String(code)}`)))
  })
  child.removeAllListeners('exit')
  return child
}
