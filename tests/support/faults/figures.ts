import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../server.ts'

const FOLDER = join(ROOT, '.cache', 'faults')

/** Prints what was measured and keeps it in .cache/faults/. Reported only: no test rests on a machine's speed. */
export function report(name: string, figures: Record<string, number | string>): void {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`)
  process.stdout.write(
    `figures · ${name}: ${Object.entries(figures)
      .map(([what, value]) => `${what} ${value}`)
      .join(', ')}\n`,
  )
}

/** Milliseconds, rounded to what means anything. */
export function percentiles(milliseconds: readonly number[]): Record<string, number> {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}
