import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onLoadCore } from './machine.ts'

export interface FloodOrder {
  port: number
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  bodyBytes: number
  connections: number
  /** How long at most; a list of cookies may be through before. */
  seconds: number
  /** Cookie headers of many browsers, each of which asks once; null: the one in `headers`, again and again. */
  cookies: string[] | null
}
/** Latencies in milliseconds. */
export interface FloodResult {
  answered: number
  failed: number
  firstFailure: string | null
  events: number
  seconds: number
  p50: number
  p99: number
  longest: number
}

/** `cpuMs`: processor time of the server and all its children for each answer, or for each event of a stream. */
export interface Load {
  rate: number
  cpuMs: number
  p50: number
  p99: number
}

const run = promisify(execFile)
let orders = 0

/**
 * Drives a server from another process, on another core where there is one.
 * @throws Error when any request failed: a rate with failures in it means nothing
 */
export async function flood(pid: number, order: FloodOrder): Promise<Load> {
  // Thousands of cookies are too much for a command line.
  const file = join(tmpdir(), `porchlight-flood-${process.pid}-${orders++}.json`)
  writeFileSync(file, JSON.stringify(order), { mode: 0o600 })
  try {
    const before = treeCpuMs(pid)
    const { stdout } = await run(
      ...onLoadCore(process.execPath, [join(import.meta.dirname, '../processes/flood.ts'), file]),
    )
    const spent = treeCpuMs(pid) - before
    const { answered, failed, firstFailure, events, seconds, p50, p99 } = JSON.parse(stdout) as FloodResult
    const count = order.path.endsWith('/events') ? events : answered
    if (failed > 0 || count === 0)
      throw new Error(
        `${failed} requests to ${order.path} failed (${firstFailure ?? 'none was answered'}), ${answered} were answered`,
      )
    return { rate: count / seconds, cpuMs: spent / count, p50, p99 }
  } finally {
    rmSync(file, { force: true })
  }
}

/** Processor time of a process and its living descendants so far. */
export function treeCpuMs(root: number): number {
  const parents = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => ({ pid: Number(pid), parent: parentOf(pid) }))
  const family = new Set([root])
  for (let before = 0; before < family.size;) {
    before = family.size
    for (const { pid, parent } of parents) {
      if (family.has(parent)) family.add(pid)
    }
  }
  return [...family].reduce((sum, pid) => sum + cpuMs(pid), 0)
}

function parentOf(pid: string): number {
  return Number(
    ifThere(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /, '')
      .split(' ')[1],
  )
}

/**
 * Of all threads, in nanoseconds as the scheduler counts them: the clock ticks of /proc/…/stat are too coarse for a
 * thousand requests.
 */
function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  return (
    threads.reduce(
      (sum, thread) => sum + Number(ifThere(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? 0),
      0,
    ) / 1e6
  )
}

/** What a file of /proc says; null when its process has ended while we looked. */
function ifThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
