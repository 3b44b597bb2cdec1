import { type Context, Hono } from 'hono'
import {
  ChangePasswordRequest,
  ChangeUserRequest,
  type EventsAnswer,
  ReauthenticateRequest,
} from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { signedInAnswer } from '../response/session-body.ts'
import { logAttempt } from './attempts.ts'
import { isForm, readJson } from './read-body.ts'
import { signedIn } from './require-caller.ts'
import type { AuthDeps } from './auth-deps.ts'
import { openGranted, openSession, submitted } from './sign-in-reply.ts'

/** The caller's own account: name, password, security log. */
export function accountRoutes(deps: AuthDeps): Hono<Env> {
  const { people, passwordLogin, tokenApiLogin, log } = deps
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
        return openSession(c, deps, {
          account,
          amr: ['pwd'],
          remember: session.remember,
          replaces: null,
          passwordSetAt: account.passwordChangedAt,
        })
      },
    ),
  )

  app.post('/reauthenticate', async c => {
    const { user, session, client } = signedIn(c)
    const { password } = await readJson(c, ReauthenticateRequest)
    const how = { remember: session.remember, replaces: session.publicId, reauthenticates: true }
    return c.json(
      await logAttempt(
        c,
        log,
        { attempt: 'reauthentication', method: tokenApiLogin === null ? 'password' : 'token_api' },
        async isAbout => {
          isAbout(user.id)
          if (tokenApiLogin !== null) {
            const known = await tokenApiLogin.confirm({ userId: user.id, password, client })
            return openGranted(c, deps, known, { ...how, endsAt: known.endsAt })
          }
          const { account } = await passwordLogin.confirm({
            userId: user.id,
            sessionId: session.publicId,
            password,
            client,
          })
          return openSession(c, deps, { account, amr: ['pwd'], ...how, passwordSetAt: account.passwordChangedAt })
        },
      ),
    )
  })

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
