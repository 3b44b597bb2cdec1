import type { UnixMs } from '../../base/clock.ts'
import type { Config } from '../../config/types.ts'

/** What the report is judged by. Everything else is a pure function of it. */
export interface Facts {
  config: Config
  now: UnixMs
  /** `development` and `test` are not for other people. */
  nodeEnv: string | undefined
  /** What other users of the machine could do with keys and data, in words. */
  exposures: readonly string[]
  /** When the newest key that signs upstream tokens was made; null: there is none yet, or it cannot be read. */
  signingKeyMadeAt: UnixMs | null
  /** The headers of `GET /auth/session` through the public URL; null: nothing answered there. */
  headers: Headers | null
}

/** `untold`: whoever only looks at this installation cannot know. */
export type Outcome =
  | { state: 'met'; why: string; proof: readonly string[] }
  | { state: 'not_met'; why: string; mend: string }
  | { state: 'not_applicable'; why: string }
  | { state: 'untold'; why: string }

export interface Requirement {
  /** Of RFC 10017, as docs/standards.md numbers it, or of ASVS 5.0.0: `3.3.1`. */
  id: string
  /** What it asks, in our own words. */
  asks: string
  judge: (facts: Facts) => Outcome
  /** Whether the outcome is the same for every installation. */
  fixed: boolean
}

/**
 * Met for reasons that depend on this installation.
 * @param proof ids at the beginning of test titles, where tests prove the rest
 */
export const met = (why: string, ...proof: string[]): Outcome => ({ state: 'met', why, proof })
export const notMet = (why: string, mend: string): Outcome => ({ state: 'not_met', why, mend })
export const notApplicable = (why: string): Outcome => ({ state: 'not_applicable', why })
export const untold = (why: string): Outcome => ({ state: 'untold', why })

/** Met by how Porchlight is built. `proof`: the ids of the tests that show it, at least one */
export const proven = (id: string, asks: string, ...proof: [string, ...string[]]): Requirement =>
  always(id, asks, met('By construction', ...proof))

/** The same for every installation. */
export const always = (id: string, asks: string, outcome: Outcome): Requirement => ({
  id,
  asks,
  judge: () => outcome,
  fixed: true,
})

/** Depends on the installation. */
export const judged = (id: string, asks: string, judge: Requirement['judge']): Requirement => ({
  id,
  asks,
  judge,
  fixed: false,
})

/** The same answer to several requirements, which are named together. */
export const alwaysEach = (ids: string, asks: string, outcome: Outcome): Requirement[] =>
  ids.split(' ').map(id => always(id, asks, outcome))
