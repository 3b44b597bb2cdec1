import { type Context, Hono } from 'hono'
import {
  ConfirmTotpRequest,
  type EnrolledAnswer,
  type FactorsAnswer,
  type RecoveryCodesAnswer,
  type TotpSetupAnswer,
} from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import type { AuthDeps } from './auth-deps.ts'
import { readJson } from './read-body.ts'
import { requireFresh, signedIn } from './require-caller.ts'

/** The caller's own second factors. Each change needs the strongest authentication that its owner has, and lately. */
export function factorRoutes({ people: { factors }, clock }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  function freshly(c: Context<Env>) {
    const who = signedIn(c)
    requireFresh(who, clock.now().wall)
    return who
  }

  app.get('/factors', async c => c.json<FactorsAnswer>(await factors.of(signedIn(c).user)))

  app.post('/totp', async c => {
    const { user, actor } = freshly(c)
    return c.json<TotpSetupAnswer>(await factors.beginTotp(user, actor))
  })

  app.post('/totp/confirm', async c => {
    const { user, actor } = freshly(c)
    const { code } = await readJson(c, ConfirmTotpRequest)
    return c.json<EnrolledAnswer>(await factors.confirmTotp(user, code, actor))
  })

  app.delete('/totp', async c => {
    const { user, actor } = freshly(c)
    await factors.removeTotp(user.id, actor)
    return c.json<FactorsAnswer>(await factors.of(user))
  })

  app.post('/recovery-codes', async c => {
    const { user, actor } = freshly(c)
    return c.json<RecoveryCodesAnswer>({ codes: await factors.newRecoveryCodes(user.id, actor) })
  })

  return app
}
