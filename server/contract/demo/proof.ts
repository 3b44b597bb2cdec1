import * as v from 'valibot'
import { EndReason } from '../end-reasons.ts'

// What /proof and `porchlight drill` find out, and how they tell it. Times are milliseconds since the run began.

/** The demonstrations that the server plays; finding the token is the page's own. */
export const PROOF_SCENARIOS = ['storm', 'lost-answer', 'thief'] as const
export const ProofScenario = v.picklist(PROOF_SCENARIOS)
export type ProofScenario = v.InferOutput<typeof ProofScenario>

/** `out`: the answer knew nobody · `cut`: we hung up before the answer was read · `failed`: there was none.
 * The others were signed in: `served` got no cookies, `access` a new access token, `renewed` the first sight of a new
 * generation of the refresh token, `again` a generation that was sent before. */
const PROOF_ANSWERS = ['served', 'access', 'renewed', 'again', 'out', 'cut', 'failed'] as const

const generation = v.nullable(v.number())
const ms = v.number()

/** Who did something: two tabs are one browser, with one jar. */
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
  /** What the session's row says: only the server that is looked at can tell. */
  v.object({ kind: v.literal('row'), at: ms, generation: v.number(), ended: v.nullable(EndReason) }),
])
export type ProofEvent = v.InferOutput<typeof ProofEvent>
export type AskedEvent = Extract<ProofEvent, { kind: 'asked' }>

/** What has to come out. Every one is a count, so that what was seen can be shown beside what was wanted. */
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
  /** What the session lived by. */
  numbers: v.object({ accessMs: ms, confirmMs: ms, graceMs: ms }),
  checks: v.array(ProofCheck),
  events: v.array(ProofEvent),
})
export type ProofRun = v.InferOutput<typeof ProofRun>

/** `GET /auth/proof`: what can be shown here. */
export interface ProofAnswer {
  scenarios: readonly ProofScenario[]
}

export const isMet = ({ wanted, seen }: ProofCheck): boolean => wanted === seen
