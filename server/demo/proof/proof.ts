import { type Clock, MINUTE, SECOND } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import type { ProofRun, ProofScenario } from '../../contract/demo/proof.ts'
import type { SessionAnswer } from '../../contract/wire.ts'
import type { Client, Sessions } from '../../session/types.ts'
import type { SessionStore } from '../../store/types.ts'
import { type Answer, Browser, type Place } from './browser.ts'
import { createLimits } from './limits.ts'
import { play } from './scenarios.ts'

/** Lives short enough to watch, in proportions that the rules allow. */
const QUICK = { confirmMs: SECOND, graceMs: 2 * SECOND, accessMs: 4 * SECOND, absoluteMs: 10 * MINUTE }
/** Longer than `late`: an answer that was lost is given again however long ago that was. */
const LATER_MS = QUICK.graceMs + SECOND / 2

interface Deps {
  clock: Clock
  sessions: Pick<Sessions, 'open' | 'end' | 'cookiesFor'>
  store: Pick<SessionStore, 'findByPublicId'>
  /** Our own listener, on loopback. */
  place: Place
}

export interface Proof {
  /**
   * Plays a demonstration on a throwaway session of this person, over real HTTP to this very server.
   * @throws Problem `slow_down`, `store_unavailable`
   */
  run(scenario: ProofScenario, who: { userId: string; client: Client }): Promise<ProofRun>
}

export function createProof({ clock, sessions, store, place }: Deps): Proof {
  const begin = createLimits({ clock })

  return {
    async run(scenario, { userId, client }) {
      const done = begin(userId)
      let publicId: string | null = null

      async function signIn(): Promise<Browser> {
        const { session, grant } = await sessions.open({
          userId,
          amr: ['pwd'],
          remember: false,
          client,
          replaces: null,
          numbers: QUICK,
          reauthenticates: false,
          passwordSetAt: null,
          authTime: null,
          endsAt: null,
          providerGrant: null,
        })
        publicId = session.publicId
        const browser = new Browser(place, clock)
        browser.jar.take(sessions.cookiesFor(grant), clock.now().wall)
        return browser
      }

      async function row() {
        const found = publicId === null ? null : await store.findByPublicId(publicId)
        if (found === null) throw new Problem('internal', {}, new Error('a throwaway session has no row'))
        return { generation: found.generation, ended: found.endReason }
      }

      try {
        const { accessMs, confirmMs, graceMs } = QUICK
        const seen = await play(scenario, {
          clock,
          checkPath: '/auth/session',
          isSignedIn,
          signIn,
          accessMs,
          laterMs: LATER_MS,
          ours: true,
          row,
        })
        return { ...seen, numbers: { accessMs, confirmMs, graceMs } }
      } finally {
        done()
        if (publicId !== null) await sessions.end(publicId, { reason: 'signed_out', userId, byUserId: null })
      }
    },
  }
}

/** Whether an answer of `GET /auth/session` knows somebody. */
export function isSignedIn({ status, text }: Answer): boolean {
  return status === 200 && (JSON.parse(text) as SessionAnswer).user !== null
}
