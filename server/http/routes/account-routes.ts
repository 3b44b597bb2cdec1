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

/** One's own account: name, password, the security log. */
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
  // A form without JavaScript knows no PATCH.
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
        // An old one of ours may still lie here; it opens nothing any more.
        people.accounts.requireLocal('passwords')
        const { verifier } = await logAttempt(c, log, { attempt: 'reauthentication', method: 'password' }, isAbout => {
          isAbout(user.id)
          return passwordLogin.confirm({ userId: user.id, sessionId: session.publicId, password: current, client })
        })
        const account = await people.accounts.changePassword(verifier, next, actor)
        // Every session is over by now, this one too: whoever held its tokens does not hold the new one's.
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
 * A form of somebody's own page: a script without a session is told so before anything else, and a person comes to sign
 * in by the page that the form is on.
 */
const ownForm: typeof submitted = (c, ...rest) => {
  if (!isForm(c)) signedIn(c)
  return submitted(c, ...rest)
}
