import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface LoadOrder { port: number, path: string, headers: Record<string, string>, connections: number, seconds: number }
export interface LoadResult { answered: number, failed: number, seconds: number }

const run = promisify(execFile)

/** @returns answered requests per second
 * @throws Error when any request failed: a rate with failures in it means nothing */
export async function requestsPerSecond(order: LoadOrder): Promise<number> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'processes/load.ts'), JSON.stringify(order)])
  const { answered, failed, seconds } = JSON.parse(stdout) as LoadResult
  if (failed > 0 || answered === 0) throw new Error(`${failed} requests to ${order.path} failed, ${answered} were answered`)
  return answered / seconds
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Measures two things in turn, so that what the machine does meanwhile meets both alike. */
export async function alternately(rounds: number, ours: () => Promise<number>, bare: () => Promise<number>): Promise<{ ours: number, bare: number, ratio: number }> {
  await ours()
  await bare()
  const pairs: { ours: number, bare: number }[] = []
  for (let round = 0; round < rounds; round++) {
    pairs.push(round % 2 === 0 ? { ours: await ours(), bare: await bare() } : await bareFirst())
  }
  return { ours: median(pairs.map(pair => pair.ours)), bare: median(pairs.map(pair => pair.bare)), ratio: median(pairs.map(pair => pair.ours / pair.bare)) }

  async function bareFirst() {
    const first = await bare()
    return { ours: await ours(), bare: first }
  }
}
