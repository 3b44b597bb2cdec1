import type { Visitor } from '../tests/support/client.ts'
import type { Server } from '../tests/support/server.ts'

/** One line of the table. */
export interface Figure {
  what: string
  measured: number
  unit: string
  target: string
  met: boolean
  detail: string
}

/** What every measurement is given: the built site, and a server that runs it, with somebody signed in. */
export interface Bench {
  site: { root: string; entry: string }
  server: Server
  browser: Visitor
}

/** One family of figures: it starts what else it needs. */
export type Measurement = (bench: Bench) => Promise<Figure[]>

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, measured, unit, target, met, detail }) => [
    what,
    `${measured < 10 ? measured.toFixed(2) : Math.round(measured)} ${unit}`,
    target,
    met ? 'met' : 'MISSED',
    detail,
  ])
  const widths = [0, 1, 2, 3].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
