import { median } from '../load.ts'
import { flood, type FloodOrder, type Load } from './flood.ts'
import { failedRow, type Options, type Row } from './section.ts'

/** Somebody who answers the question that is measured, and how to ask them. */
export interface Contender {
  name: string
  note: string
  pid: number
  port: number
  path: string
  headers: Record<string, string>
}

export type Ask = Pick<FloodOrder, 'method' | 'bodyBytes' | 'connections'>

export interface Comparison {
  rows: Row[]
  rounds: Map<string, Load[]>
}

/**
 * Measures all in turn, round by round, so that what the machine does meanwhile meets all alike; who begins moves on.
 * One that fails under load becomes a failed row and is asked no further.
 */
export async function compare(
  contenders: readonly Contender[],
  ask: Ask,
  { rounds, seconds }: Options,
  say: (line: string) => void,
): Promise<Comparison> {
  const measured = new Map<string, Load[]>(contenders.map(({ name }) => [name, []]))
  const failed = new Map<string, unknown>()
  const once = async (contender: Contender, keeps: boolean) => {
    if (failed.has(contender.name)) return
    const { pid, port, path, headers, name } = contender
    try {
      const load = await flood(pid, { ...ask, port, path, headers, seconds, cookies: null })
      if (keeps) measured.get(name)?.push(load)
    } catch (error) {
      failed.set(name, error)
    }
  }
  // V8 goes on compiling for thousands of requests: two rounds that do not count.
  for (let round = -2; round < rounds; round++) {
    const first = Math.max(round, 0) % contenders.length
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)])
      await once(contender, round >= 0)
  }
  const rows = contenders.map(({ name, note }): Row => {
    const loads = measured.get(name) ?? []
    if (failed.has(name)) return failedRow(name, note, failed.get(name))
    return {
      name,
      note,
      failed: null,
      values: {
        rate: of(loads, 'rate'),
        cpuMicros: of(loads, 'cpuMs') * 1000,
        p50: of(loads, 'p50'),
        p99: of(loads, 'p99'),
      },
    }
  })
  for (const row of rows)
    say(
      `  ${row.name}: ${row.failed ?? `${Math.round(row.values['rate'] ?? 0)} per second, ${Math.round(row.values['cpuMicros'] ?? 0)} µs`}`,
    )
  return { rows, rounds: measured }
}

function of(loads: readonly Load[], key: keyof Load): number {
  return median(loads.map(load => load[key]))
}

/** One contender's figure as a part of another's, round by round: the median of the ratios. NaN when either failed. */
export function ratio({ rounds, rows }: Comparison, ours: string, theirs: string, key: 'rate' | 'cpuMs'): number {
  if (rows.some(row => (row.name === ours || row.name === theirs) && row.failed !== null)) return Number.NaN
  const other = rounds.get(theirs) ?? []
  return median((rounds.get(ours) ?? []).map((load, round) => load[key] / (other[round]?.[key] ?? Number.NaN)))
}
