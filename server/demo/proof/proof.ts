import { type Clock, SECOND } from '../../base/clock.ts'
import type { ProofRun, ProofScenario } from '../../contract/demo/wire-proof.ts'
import type { SessionAnswer } from '../../contract/wire.ts'
import type { Answer } from './browser.ts'
import { createLimits } from './run-limits.ts'
import { play } from './scenarios.ts'
import { SESSION_PATH } from './session-site.ts'
import { NUMBERS, openStage } from './stage.ts'

/** Longer than the grace time: a lost response is sent again however late. */
const LATER_MS = NUMBERS.graceMs + SECOND / 2

export interface Proof {
  /**
   * Plays a demonstration over real HTTP, against a site that exists for this run only.
   * @throws Problem `slow_down`
   */
  run(scenario: ProofScenario, userId: string): Promise<ProofRun>
}

export function createProof({ clock }: { clock: Clock }): Proof {
  const begin = createLimits({ clock })

  return {
    async run(scenario, userId) {
      const done = begin(userId)
      try {
        const stage = await openStage(clock)
        try {
          const seen = await play(scenario, {
            clock,
            checkPath: SESSION_PATH,
            isSignedIn,
            signIn: stage.signIn,
            accessMs: NUMBERS.accessMs,
            laterMs: LATER_MS,
            ours: true,
            row: stage.row,
          })
          return { ...seen, numbers: NUMBERS }
        } finally {
          await stage.close()
        }
      } finally {
        done()
      }
    },
  }
}

/** Whether a response of `GET /auth/session` is that of a signed-in browser. */
export function isSignedIn({ status, text }: Answer): boolean {
  return status === 200 && (JSON.parse(text) as SessionAnswer).user !== null
}
