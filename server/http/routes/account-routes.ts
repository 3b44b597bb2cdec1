import { type Context, Hono } from 'hono'
import { withFactor } from '../../contract/acr.ts'
import { HOME } from '../../contract/return-to.ts'
import {
  ChangePasswordRequest,
  ChangeUserRequest,
  type EventsAnswer,
  MethodReauthenticateRequest,
  ReauthenticateRequest,
} from '../../contract/wire.ts'
import { passwordProof } from '../../login/password-method.ts'
import type { Env } from '../request/hono-env.ts'
import { signedInAnswer } from '../response/session-body.ts'
import { type How, logAttempt, loggedAs } from './attempts.ts'
import type { AuthDeps } from './auth-deps.ts'
import { type MethodCall, posted, reauthenticateBy } from './method-calls.ts'
import { ownForm } from './own-form.ts'
import { readJson } from './read-body.ts'
import { requireFresh, signedIn } from './require-caller.ts'
import { openSession } from './sign-in-reply.ts'

/** The caller's own account: name, password, security log. */
export function accountRoutes(deps: AuthDeps): Hono<Env> {
  const { people, passwordLogin, methods, clock, log } = deps
  const app = new Hono<Env>()

  const changeName = async (c: Context<Env>, { name }: ChangeUserRequest) => {
    const { user, session, actor } = signedIn(c)
    return signedInAnswer(await people.accounts.changeName(user.id, name, actor), session)
  }
  app.patch('/user', async c => {
    signedIn(c)
    return c.json(await changeName(c, await readJson(c, ChangeUserRequest)))
  })
  // HTML forms have no PATCH.
  app.post('/user', c =>
    ownForm(
      c,
      deps,
      {
        schema: ChangeUserRequest,
        page: '/account#profile',
        keep: ['name'],
        next: '/account?saved=name',
      },
      fields => changeName(c, fields),
    ),
  )

  app.post('/password', c =>
    ownForm(
      c,
      deps,
      {
        schema: ChangePasswordRequest,
        page: '/account#password',
        keep: [],
        next: '/account?saved=password',
      },
      async ({ current, next }) => {
        const who = signedIn(c)
        const { user, session, actor, client } = who
        // A password is worth less than what protects the account besides it.
        if (user.secondFactorAt !== null) requireFresh(who, clock.now().wall)
        // A local password may exist from before the token API, but it is no longer valid.
        people.accounts.requireLocal('passwords')
        const { verifier } = await logAttempt(c, log, { attempt: 'reauthentication', method: 'password' }, isAbout => {
          isAbout(user.id)
          return passwordLogin.confirm({ userId: user.id, sessionId: session.publicId, password: current, client })
        })
        const account = await people.accounts.changePassword(verifier, next, actor)
        // All sessions have ended by now, including this one, so that copied tokens are not valid for the new session.
        const proof = passwordProof(account)
        const isOlder = user.secondFactorAt !== null
        return openSession(
          c,
          deps,
          // The password alone neither lowers the session's level nor makes it fresh.
          isOlder ? { ...proof, amr: withFactor(session.amr, proof.amr) } : proof,
          { remember: session.remember, replaces: null, authTime: isOlder ? session.authTime : null },
        )
      },
    ),
  )

  app.post('/reauthenticate', c =>
    ownForm(
      c,
      deps,
      { schema: ReauthenticateRequest, page: '/reauthenticate', keep: [], next: null },
      ({ password, code, credential }) => {
        signedIn(c)
        const isPasskey = credential !== undefined && password === undefined && code === undefined
        return isPasskey
          ? reauthenticate(c, { method: methods.find('passkey'), input: posted({ credential }), returnTo: HOME })
          : reauthenticate(c, {
              method: methods.password(),
              // Both at once are a mistake, which the method names.
              input: posted({
                ...(password !== undefined && { password }),
                ...(credential !== undefined && { credential }),
              }),
              returnTo: HOME,
              code: code ?? null,
            })
      },
    ),
  )

  app.post('/reauthenticate/:method', async c => {
    signedIn(c)
    const { returnTo, ...fields } = await readJson(c, MethodReauthenticateRequest)
    const method = methods.find(c.req.param('method'))
    const call = { method, input: posted(fields), returnTo: deps.returnPaths.safe(returnTo), code: null }
    // The attempt is logged by the callback, which decides it.
    if (method.describe().kind === 'provider') return c.json(await reauthenticateBy(c, deps, call))
    return c.json(await reauthenticate(c, call))
  })

  function reauthenticate(c: Context<Env>, call: MethodCall) {
    const how: How = { attempt: 'reauthentication', ...loggedAs(call.method) }
    return logAttempt(c, log, how, async isAbout => {
      isAbout(signedIn(c).user.id)
      const answer = await reauthenticateBy(c, deps, call)
      how.undecided = !('session' in answer)
      return answer
    })
  }

  app.get('/events', async c =>
    c.json<EventsAnswer>(await people.log.page(signedIn(c).user.id, c.req.query('cursor') ?? null)),
  )

  return app
}
