import { type Context, Hono } from 'hono'
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
import { isForm, readJson } from './read-body.ts'
import { signedIn } from './require-caller.ts'
import { openSession, submitted } from './sign-in-reply.ts'

/** The caller's own account: name, password, security log. */
export function accountRoutes(deps: AuthDeps): Hono<Env> {
  const { people, passwordLogin, methods, log } = deps
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
        const { user, session, actor, client } = signedIn(c)
        // A local password may exist from before the token API, but it is no longer valid.
        people.accounts.requireLocal('passwords')
        const { verifier } = await logAttempt(c, log, { attempt: 'reauthentication', method: 'password' }, isAbout => {
          isAbout(user.id)
          return passwordLogin.confirm({ userId: user.id, sessionId: session.publicId, password: current, client })
        })
        const account = await people.accounts.changePassword(verifier, next, actor)
        // All sessions have ended by now, including this one, so that copied tokens are not valid for the new session.
        return openSession(c, deps, passwordProof(account), {
          remember: session.remember,
          replaces: null,
        })
      },
    ),
  )

  app.post('/reauthenticate', c =>
    ownForm(
      c,
      deps,
      { schema: ReauthenticateRequest, page: '/reauthenticate', keep: [], next: null },
      ({ password }) => {
        signedIn(c)
        return reauthenticate(c, { method: methods.password(), input: posted({ password }), returnTo: HOME })
      },
    ),
  )

  app.post('/reauthenticate/:method', async c => {
    signedIn(c)
    const { returnTo, ...fields } = await readJson(c, MethodReauthenticateRequest)
    const method = methods.find(c.req.param('method'))
    const call = { method, input: posted(fields), returnTo: deps.returnPaths.safe(returnTo) }
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

/**
 * A form on one of the user's own pages. Without a session, a script gets 401 before anything else, whereas a form post
 * leads back to its page, which asks to sign in.
 */
const ownForm: typeof submitted = (c, ...rest) => {
  if (!isForm(c)) signedIn(c)
  return submitted(c, ...rest)
}
