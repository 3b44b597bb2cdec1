import type { Figure } from '../figure.ts'

/** What one contender came to. `values`: medians over the rounds, by column; `failed`: why there are none. */
export interface Row {
  name: string
  note: string
  values: Record<string, number>
  failed: string | null
}

/** How a column is written. `plotted`: it has a chart of its own. */
export interface Column {
  key: string
  title: string
  digits: number
  plotted: boolean
}

/** One part of the report: a table, what follows from it, and how it was measured. */
export interface Section {
  title: string
  method: string
  columns: Column[]
  rows: Row[]
  /** Ratios first: the claims, with their targets. */
  figures: Figure[]
}

export interface Options {
  /** Rounds of each comparison, and seconds of each round. */
  rounds: number
  seconds: number
  /** Fewer and smaller: for a first look. */
  quick: boolean
}

export function failedRow(name: string, note: string, error: unknown): Row {
  return {
    name,
    note,
    values: {},
    failed: (error instanceof Error ? error.message : String(error))
      .trim()
      .split('\n')
      .slice(-3)
      .join(' · ')
      .slice(0, 300),
  }
}

/** A part that came to nothing is told like a peer that did not start: the rest of the run goes on. */
export function failedSection(title: string, error: unknown): Section {
  return {
    title,
    method: '',
    columns: [],
    rows: [failedRow(title, '', error)],
    figures: [claim(title, Number.NaN, '', { most: 0 }, 'it failed: see below')],
  }
}

/** A claim about a ratio. One that could not be measured is not met. */
export function claim(
  what: string,
  measured: number,
  unit: string,
  bound: { least?: number; most?: number },
  detail = '',
): Figure {
  const met =
    (bound.least === undefined || measured >= bound.least) &&
    (bound.most === undefined || measured <= bound.most) &&
    Number.isFinite(measured)
  const target =
    bound.least !== undefined ? `≥ ${bound.least}` : bound.most !== undefined ? `≤ ${bound.most}` : 'reported'
  return { what, measured, unit, target, met, detail }
}
