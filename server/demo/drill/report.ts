import { isMet, type ProofCheck, type ProofRun, type ProofScenario } from '../../contract/demo/wire-proof.ts'

const SCENARIOS: Record<ProofScenario, string> = {
  storm: 'A hundred requests at expiry',
  'lost-answer': 'Lose the response',
  thief: 'Be the thief',
}

const CHECKS: Record<ProofCheck['id'], string> = {
  tokens_found: 'tokens within reach of scripts',
  answered: 'requests answered, signed in',
  renewals: 'refresh tokens issued',
  row_generation: 'newest generation, in the database',
  lost: 'responses lost',
  committed: 'newest generation then, in the database',
  let_in_again: 'tabs accepted with old cookies',
  still_in: 'signed in afterwards',
  owner_in: "owner's requests before, signed in",
  thief_in: "thief's requests, signed in",
  owner_in_after: "owner's requests after, signed in",
  told_why: 'of the two, told why',
}

/** One row per check; the demonstration's name is in the first. */
export function rowsOf(tokens: ProofCheck, runs: readonly Pick<ProofRun, 'scenario' | 'checks'>[]): string[][] {
  const groups = [
    { name: 'Find the token', checks: [tokens] },
    ...runs.map(({ scenario, checks }) => ({ name: SCENARIOS[scenario], checks })),
  ]
  return groups.flatMap(({ name, checks }) =>
    checks.map((check, at) => [
      at === 0 ? name : '',
      CHECKS[check.id],
      String(check.wanted),
      String(check.seen),
      isMet(check) ? 'ok' : 'FAIL',
    ]),
  )
}
