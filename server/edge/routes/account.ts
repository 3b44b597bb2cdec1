import { Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import { ChangePasswordRequest, ChangeUserRequest, type EventsAnswer, ReauthenticateRequest } from '../../contract/wire.ts'
import type { Env } from '../context.ts'
import { signedInAnswer } from '../session-answer.ts'
import { logAttempt } from './attempts.ts'
import { readJson } from './body.ts'
import { signedIn } from './callers.ts'
import type { AuthDeps } from './deps.ts'
import { openGranted, openSession } from './signing-in.ts'

/** One's own account: name, password, the security log. */
export function accountRoutes(deps: AuthDeps): Hono<Env> {
  const { people, passwordLogin, tokenApiLogin, config, log } = deps
  const app = new Hono<Env>()

  app.patch('/user', async (c) => {
    const { user, session, actor } = signedIn(c)
    const { name } = await readJson(c, ChangeUserRequest)
    return c.json(signedInAnswer(await people.accounts.changeName(user.id, name, actor), session))
  })

  app.post('/password', async (c) => {
    const { user, session, actor, client } = signedIn(c)
    const { current, next } = await readJson(c, ChangePasswordRequest)
    // An old one of ours may still lie here; it opens nothing any more.
    if (config.tokenApi !== null) throw new Problem('forbidden', { detail: `Passwords are kept by ${config.tokenApi.name}.` })
    const verifier = await logAttempt(c, log, { attempt: 'reauthentication', method: 'password' }, (isAbout) => {
      isAbout(user.id)
      return passwordLogin.confirm({ userId: user.id, sessionId: session.publicId, password: current, client })
    })
    const account = await people.accounts.changePassword(verifier, next, actor)
    // Every session is over by now, this one too: whoever held its tokens does not hold the new one's.
    return c.json(await openSession(c, deps, { account, amr: ['pwd'], remember: session.remember, replaces: null, judgedAt: account.passwordChangedAt }))
  })

  app.post('/reauthenticate', async (c) => {
    const { user, session, client } = signedIn(c)
    const { password } = await readJson(c, ReauthenticateRequest)
    const how = { remember: session.remember, replaces: session.publicId }
    return c.json(await logAttempt(c, log, { attempt: 'reauthentication', method: tokenApiLogin === null ? 'password' : 'token_api' }, async (isAbout) => {
      isAbout(user.id)
      if (tokenApiLogin !== null) {
        const known = await tokenApiLogin.confirm({ userId: user.id, password, client })
        return openGranted(c, deps, known, { ...how, endsAt: known.endsAt })
      }
      const judgedAt = deps.clock.now().wall
      await passwordLogin.confirm({ userId: user.id, sessionId: session.publicId, password, client })
      return openSession(c, deps, { account: user, amr: ['pwd'], ...how, judgedAt })
    }))
  })

  app.get('/events', async c => c.json<EventsAnswer>(await people.log.page(signedIn(c).user.id, c.req.query('cursor') ?? null)))

  return app
}
