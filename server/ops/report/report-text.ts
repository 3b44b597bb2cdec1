import type { Outcome } from './requirement.ts'
import { type Counts, countsOf, type Line, type Report } from './make-report.ts'

export const STATES: Record<Outcome['state'], string> = {
  met: 'met',
  not_met: 'NOT MET',
  not_applicable: 'not applicable',
  untold: 'cannot tell',
}
const WIDTH = 15
const LABEL = 16

/** The report for a terminal. */
export function reportText({ publicUrl, madeAt, level, sections, counts }: Report): string[] {
  return [
    `Security report for ${publicUrl}, ${madeAt}, ASVS up to level ${level}`,
    ...sections.flatMap(({ title, lines, silent }) => [
      '',
      title,
      summary(countsOf(lines)),
      '',
      ...grouped(lines).flatMap(row),
      ...(silent.length === 0 ? [] : ['', ...silence(silent)]),
    ]),
    '',
    `Together: ${summary(counts)}.`,
  ]
}

export function summary({ met, not_met, not_applicable, untold }: Counts): string {
  return `${met} met, ${not_met} not met, ${not_applicable} not applicable, ${untold} that only you can tell`
}

/** Requirements in a row that have one answer. */
export interface Group extends Omit<Line, 'id' | 'level'> {
  /** The first, or `5.1.1 to 5.4.3`. */
  label: string
}

export function grouped(lines: readonly Line[]): Group[] {
  const groups: Line[][] = []
  for (const line of lines) {
    const last = groups.at(-1)
    const before = last?.[0]
    const same = before?.asks === line.asks && before.outcome.why === line.outcome.why
    if (last !== undefined && same) last.push(line)
    else groups.push([line])
  }
  return groups.map(group => {
    const [first, last] = [group[0] as Line, group.at(-1) as Line]
    return { ...first, label: group.length === 1 ? labelOf(first) : `${first.id} to ${last.id}` }
  })
}

function labelOf({ id, level }: Line): string {
  return level === null ? id : `${id} L${level}`
}

function row({ label, asks, outcome }: Group): string[] {
  const indent = ' '.repeat(WIDTH + LABEL + 2)
  const reason =
    outcome.state === 'met' && outcome.proof.length > 0
      ? `${outcome.why} (tests: ${outcome.proof.join(', ')})`
      : outcome.why
  return [
    `${STATES[outcome.state].padEnd(WIDTH)} ${label.padEnd(LABEL)} ${asks}`,
    `${indent}${reason}`,
    ...(outcome.state === 'not_met' ? [`${indent}→ ${outcome.mend}`] : []),
  ]
}

/** What is left out is named, so that nobody takes silence for a yes. */
function silence(ids: readonly string[]): string[] {
  const lines = [`Not looked at, because they ask about code, documents or how people work (${ids.length}):`]
  for (let at = 0; at < ids.length; at += 16) lines.push(`  ${ids.slice(at, at + 16).join(' ')}`)
  return lines
}
