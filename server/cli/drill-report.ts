import { isMet, type ProofCheck, type ProofRun, type ProofScenario } from '../contract/proof-wire.ts'

const SCENARIOS: Record<ProofScenario, string> = {
  storm: 'A hundred requests at expiry',
  'lost-answer': 'Lose the answer',
  thief: 'Be the thief',
}

const CHECKS: Record<ProofCheck['id'], string> = {
  tokens_found: 'tokens within reach of scripts',
  answered: 'requests answered, signed in',
  renewals: 'refresh tokens handed out',
  row_generation: 'newest generation, by the row',
  lost: 'answers lost on the way',
  committed: 'newest generation by then, by the row',
  let_in_again: 'tabs let in with the old cookies',
  still_in: 'signed in afterwards',
  owner_in: "owner's visits before, signed in",
  thief_in: "thief's visits, signed in",
  owner_in_after: "owner's visits after, signed in",
  told_why: 'of the two, told why',
}

/** One line for each check; the demonstration's name stands at its first. */
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
