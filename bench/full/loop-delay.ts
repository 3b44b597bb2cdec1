import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Server, sleep, type StartOptions, startServer, temporaryFolder } from '../../tests/support/server.ts'

const PRELOAD = join(import.meta.dirname, '../processes/loop-delay.ts')

/** How long one turn of an event loop took, and how much of that its thread was ready to run and waited for a core. */
export interface Hold {
  heldMs: number
  waitedMs: number
}

export interface Probed {
  server: Server
  /** The longest since this was asked last. */
  longestHold(): Promise<Hold>
}

/**
 * Starts a server whose process also watches its own event loop. One at a time: it inherits the environment of this
 * process.
 */
export async function startProbed(options: StartOptions): Promise<Probed> {
  const file = join(temporaryFolder(), 'loop-delay')
  const given = { NODE_OPTIONS: `--import=${PRELOAD}`, BENCH_LOOP_DELAY_FILE: file }
  Object.assign(process.env, given)
  try {
    const server = await startServer(options)
    return { server, longestHold: () => askFor(file, server.pid) }
  } finally {
    for (const name of Object.keys(given)) Reflect.deleteProperty(process.env, name)
  }
}

async function askFor(file: string, pid: number): Promise<Hold> {
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  while (!existsSync(file)) await sleep(10)
  return JSON.parse(readFileSync(file, 'utf8')) as Hold
}
