import { Hono } from 'hono'
import * as v from 'valibot'
import { Problem } from '../../base/problem.ts'
import { PROOF_SCENARIOS, type ProofAnswer, type ProofRun, ProofScenario } from '../../contract/demo/wire-proof.ts'
import type { Proof } from '../../demo/proof/proof.ts'
import type { Env } from '../request/hono-env.ts'
import { signedIn } from './require-caller.ts'

/**
 * The demonstrations of /proof. Only available while the sample runs: a site with upstreams of its own should not stage
 * thefts.
 */
export function proofRoutes(proof: Proof): Hono<Env> {
  const app = new Hono<Env>()

  app.get('/proof', c => {
    signedIn(c)
    return c.json<ProofAnswer>({ scenarios: PROOF_SCENARIOS })
  })

  app.post('/proof/:scenario', async c => {
    const { user } = signedIn(c)
    const scenario = c.req.param('scenario')
    if (!v.is(ProofScenario, scenario)) throw new Problem('not_found')
    return c.json<ProofRun>(await proof.run(scenario, user.id))
  })

  return app
}
