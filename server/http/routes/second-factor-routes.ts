import { type Context, Hono } from 'hono'
import { DAY } from '../../base/clock.ts'
import { Problem } from '../../base/problem.ts'
import { CodeLoginRequest, type PendingAnswer, type SessionAnswer } from '../../contract/wire.ts'
import type { CodeKind } from '../../accounts/factors.ts'
import type { Account } from '../../accounts/account.ts'
import type { PendingFactor } from '../../login/second-factor.ts'
import type { Env } from '../request/hono-env.ts'
import { logAttempt } from './attempts.ts'
import type { AuthDeps } from './auth-deps.ts'
import { currentSession, openSession, submitted } from './sign-in-reply.ts'

/** The second step of a sign-in. */
export function secondFactorRoutes(deps: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  // The page is rendered from it, and survives a reload. It says nothing to anybody without the sealed cookie.
  app.get('/second-factor', async c => {
    const pending = await deps.secondFactor.read(c.get('caller').secondFactor)
    if (pending === null) return c.json<PendingAnswer>({ pending: null })
    const methods = await deps.people.factors.methods(pending.userId)
    const rememberDays = pending.reauthenticates === null ? deps.config.rememberSecondFactorMs / DAY : 0
    return c.json<PendingAnswer>({ pending: { methods, endsAt: pending.endsAt, rememberDays } })
  })

  for (const kind of ['totp', 'recovery'] as const) {
    app.post(`/login/${kind}`, c =>
      submitted(c, deps, { schema: CodeLoginRequest, page: `/second-factor#${kind}`, keep: [], next: null }, fields =>
        signInByCode(c, deps, kind, fields),
      ),
    )
  }

  return app
}

async function signInByCode(
  c: Context<Env>,
  deps: AuthDeps,
  kind: CodeKind,
  { code, rememberDevice = false }: CodeLoginRequest,
): Promise<SessionAnswer> {
  return completeSignIn(c, deps, { method: kind, rememberDevice }, async ({ id: userId }, { reauthenticates }) => {
    const { client } = c.get('caller')
    await deps.people.factors.check(kind, { userId, sessionId: reauthenticates, code, client })
    return ['otp']
  })
}

/**
 * Completes the sign-in that this browser is in the middle of.
 * @param prove proves the second factor, for the account as it is now; returns its amr
 * @throws Problem `login_expired` if nothing is pending any more; whatever `prove` throws, after which it still is
 */
export async function completeSignIn(
  c: Context<Env>,
  deps: AuthDeps,
  { method, rememberDevice }: { method: string; rememberDevice: boolean },
  prove: (account: Account, pending: PendingFactor) => Promise<readonly string[]>,
): Promise<SessionAnswer> {
  const { secondFactor, config, log } = deps
  const pending = await secondFactor.read(c.get('caller').secondFactor)
  const attempt = pending?.reauthenticates ? ('reauthentication' as const) : ('sign_in' as const)
  return logAttempt(c, log, { attempt, method }, async isAbout => {
    if (pending === null) throw new Problem('login_expired')
    isAbout(pending.userId)
    const account = await secondFactor.judge(pending)
    const amr = await prove(account, pending)
    const proof = await secondFactor.complete(pending, account, amr)
    const { remember, reauthenticates } = pending
    const replaces =
      reauthenticates === null ? currentSession(c) : { publicId: reauthenticates, reauthenticates: true as const }
    const isRemembered = rememberDevice && reauthenticates === null && config.rememberSecondFactorMs > 0
    return openSession(c, deps, proof, { remember, replaces, rememberDevice: isRemembered })
  })
}
