import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface LoadOrder {
  port: number
  path: string
  headers: Record<string, string>
  /** Cookie headers that take turns over all connections, as behind a proxy; null: the one in `headers`. */
  cookies: readonly string[] | null
  connections: number
  seconds: number
}
export interface LoadResult {
  answered: number
  failed: number
  seconds: number
}

const run = promisify(execFile)

/**
 * What a server did in one round. `cpuMs`: processor time of its process for each request, which other programs on the
 * machine disturb much less than the rate.
 */
export interface Round {
  rate: number
  cpuMs: number
}

/**
 * Drives a server with load from another process: requests, or messages over WebSockets.
 * @throws Error when any request failed: a rate with failures in it means nothing
 */
export async function drive(
  pid: number,
  order: LoadOrder,
  program: 'load' | 'load-websocket' = 'load',
): Promise<Round> {
  const before = cpuMilliseconds(pid)
  const running = run(process.execPath, [join(import.meta.dirname, `processes/${program}.ts`)])
  // Thousands of cookies are too much for a command line.
  running.child.stdin?.end(JSON.stringify(order))
  const { stdout } = await running
  const { answered, failed, seconds } = JSON.parse(stdout) as LoadResult
  if (failed > 0 || answered === 0) throw new Error(`${failed} to ${order.path} failed, ${answered} were answered`)
  return { rate: answered / seconds, cpuMs: (cpuMilliseconds(pid) - before) / answered }
}

/** User and system time of a process so far; the kernel counts in hundredths of a second. */
function cpuMilliseconds(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) * 10
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * Measures two things in turn, so that what the machine does meanwhile meets both alike.
 * @param warmUps rounds of each before the first that counts: V8 goes on compiling for thousands of requests
 */
export async function alternately<T>(
  rounds: number,
  ours: () => Promise<T>,
  bare: () => Promise<T>,
  warmUps = 1,
): Promise<{ ours: T; bare: T }[]> {
  for (let round = 0; round < warmUps; round++) {
    await ours()
    await bare()
  }
  const pairs: { ours: T; bare: T }[] = []
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? await ours() : await bare()
    const second = round % 2 === 0 ? await bare() : await ours()
    pairs.push(round % 2 === 0 ? { ours: first, bare: second } : { ours: second, bare: first })
  }
  return pairs
}
