import { AUTHENTICATION } from './asvs-authentication.ts'
import { BROWSER } from './asvs-browser.ts'
import { CRYPTOGRAPHY } from './asvs-cryptography.ts'
import { type Level, LEVELS } from './asvs-levels.ts'
import { OPERATION } from './asvs-operation.ts'
import { SESSIONS } from './asvs-sessions.ts'
import { TOKENS } from './asvs-tokens.ts'
import { BFF } from './bff.ts'
import type { Facts, Outcome, Requirement } from './requirement.ts'

export const STANDARDS = ['rfc10017', 'asvs'] as const
export type Standard = (typeof STANDARDS)[number]

export const ASVS: readonly Requirement[] = [
  ...BROWSER,
  ...AUTHENTICATION,
  ...SESSIONS,
  ...TOKENS,
  ...CRYPTOGRAPHY,
  ...OPERATION,
]
const OF: Record<Standard, { title: string; requirements: readonly Requirement[] }> = {
  rfc10017: {
    title: 'RFC 10017 (BCP 212): OAuth 2.0 for browser-based applications, backend for frontend',
    requirements: BFF,
  },
  asvs: { title: 'OWASP ASVS 5.0.0', requirements: ASVS },
}

export interface Line {
  id: string
  /** null: the standard has no levels. */
  level: Level | null
  asks: string
  outcome: Outcome
}

export interface Section {
  standard: Standard
  title: string
  lines: Line[]
  /** Requirements that this report says nothing about: about code, documents, or how people work. */
  silent: string[]
}

export type Counts = Record<Outcome['state'], number>

export interface Report {
  publicUrl: string
  madeAt: string
  /** Of ASVS, up to and including this one. */
  level: Level
  sections: Section[]
  counts: Counts
}

/** Judges every requirement. The same facts always make the same report. */
export function makeReport(
  facts: Facts,
  { level, standards }: { level: Level; standards: readonly Standard[] },
): Report {
  const sections = standards.map((standard): Section => {
    const { title, requirements } = OF[standard]
    const lines = requirements.map(({ id, asks, judge }): Line => ({
      id,
      level: LEVELS.get(id) ?? null,
      asks,
      outcome: judge(facts),
    }))
    const known = new Set(requirements.map(({ id }) => id))
    const all = standard === 'asvs' ? [...LEVELS] : []
    return {
      standard,
      title,
      lines: lines.filter(line => line.level === null || line.level <= level).sort(byId),
      silent: all.filter(([id, of]) => of <= level && !known.has(id)).map(([id]) => id),
    }
  })
  return {
    publicUrl: facts.config.publicUrl,
    madeAt: new Date(facts.now).toISOString(),
    level,
    sections,
    counts: countsOf(sections.flatMap(({ lines }) => lines)),
  }
}

export function countsOf(lines: readonly Line[]): Counts {
  const counts: Counts = { met: 0, not_met: 0, not_applicable: 0, untold: 0 }
  for (const { outcome } of lines) counts[outcome.state] += 1
  return counts
}

function byId(a: Line, b: Line): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true })
}
