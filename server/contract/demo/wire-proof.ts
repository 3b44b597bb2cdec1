import * as v from 'valibot'
import { EndReason } from '../end-reasons.ts'

// The results of /proof and `porchlight drill`. Times are milliseconds since the run began.

/** The demonstrations that run on the server; searching the page for the token runs in the page itself. */
export const PROOF_SCENARIOS = ['storm', 'lost-answer', 'thief'] as const
export const ProofScenario = v.picklist(PROOF_SCENARIOS)
export type ProofScenario = v.InferOutput<typeof ProofScenario>

/** `out`: the response was that of an anonymous request · `cut`: we hung up before reading the response · `failed`: there was no response. The others were authenticated: `served` set no cookies, `access` set a new access token, `renewed` delivered a new refresh token generation for the first time, `again` delivered one that had been sent before. */
const PROOF_ANSWERS = ['served', 'access', 'renewed', 'again', 'out', 'cut', 'failed'] as const

const generation = v.nullable(v.number())
const ms = v.number()

/** Who acted: two tabs are one browser with one cookie jar. */
const Who = v.picklist(['owner', 'thief'])

export const ProofEvent = v.variant('kind', [
  v.object({ kind: v.literal('signed_in'), at: ms, generation }),
  v.object({ kind: v.literal('copied'), at: ms, generation }),
  v.object({ kind: v.literal('waited'), at: ms, until: ms, why: v.picklist(['expiry', 'later']) }),
  v.object({
    kind: v.literal('asked'),
    at: ms,
    until: ms,
    who: Who,
    shown: generation,
    answer: v.picklist(PROOF_ANSWERS),
    given: generation,
    reason: v.nullable(EndReason),
  }),
  /** What the session's row contains, which only the server under test can tell. */
  v.object({ kind: v.literal('row'), at: ms, generation: v.number(), ended: v.nullable(EndReason) }),
])
export type ProofEvent = v.InferOutput<typeof ProofEvent>
export type AskedEvent = Extract<ProofEvent, { kind: 'asked' }>

/** The expected results. All are counts, so that observed and expected can be shown side by side. */
const PROOF_CHECKS = [
  'tokens_found',
  'answered',
  'renewals',
  'row_generation',
  'lost',
  'committed',
  'let_in_again',
  'still_in',
  'owner_in',
  'thief_in',
  'owner_in_after',
  'told_why',
] as const
export const ProofCheck = v.object({ id: v.picklist(PROOF_CHECKS), wanted: v.number(), seen: v.number() })
export type ProofCheck = v.InferOutput<typeof ProofCheck>

/** `POST /auth/proof/:scenario` */
export const ProofRun = v.object({
  scenario: ProofScenario,
  passed: v.boolean(),
  tookMs: ms,
  /** The lifetimes that applied to the session. */
  numbers: v.object({ accessMs: ms, confirmMs: ms, graceMs: ms }),
  checks: v.array(ProofCheck),
  events: v.array(ProofEvent),
})
export type ProofRun = v.InferOutput<typeof ProofRun>

/** `GET /auth/proof`: the demonstrations available here. */
export const ProofAnswer = v.object({ scenarios: v.pipe(v.array(ProofScenario), v.readonly()) })
export type ProofAnswer = v.InferOutput<typeof ProofAnswer>

export const isMet = ({ wanted, seen }: ProofCheck): boolean => wanted === seen
