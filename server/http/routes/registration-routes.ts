import { type Context, Hono } from 'hono'
import { RegisterRequest, ResetRequest, type SessionAnswer, SetupRequest } from '../../contract/wire.ts'
import type { Account } from '../../accounts/account.ts'
import { passwordProof } from '../../login/password-method.ts'
import type { Env } from '../request/hono-env.ts'
import { logAttempt } from './attempts.ts'
import type { AuthDeps } from './auth-deps.ts'
import { currentSession, openSession, submitted } from './sign-in-reply.ts'

/** Creates accounts by setup, invitation or registration, and sets passwords by reset link. */
export function registrationRoutes(deps: AuthDeps): Hono<Env> {
  const { people, log } = deps
  const app = new Hono<Env>()

  /** Signs a new account in. */
  const signInNew = (c: Context<Env>, account: Account) =>
    logAttempt(c, log, { attempt: 'sign_in', method: 'password' }, isAbout => {
      isAbout(account.id)
      return openSession(c, deps, passwordProof(account), {
        remember: false,
        replaces: currentSession(c),
      })
    })

  app.post('/setup', c =>
    submitted(
      c,
      deps,
      { schema: SetupRequest, page: '/set-up', keep: ['code', 'email', 'name'], next: null },
      async fields => {
        const account = await logAttempt(c, log, { attempt: 'registration', method: 'password' }, () =>
          people.registration.setUp(fields, c.get('caller').client),
        )
        return signInNew(c, account)
      },
    ),
  )

  app.post('/register', c =>
    submitted(
      c,
      deps,
      { schema: RegisterRequest, page: '/sign-up', keep: ['invite', 'email', 'name'], next: null },
      async fields => {
        const account = await logAttempt(c, log, { attempt: 'registration', method: 'password' }, () =>
          people.registration.register(fields, c.get('caller').client),
        )
        return signInNew(c, account)
      },
    ),
  )

  // The link proves that an administrator approved the reset, not whose browser this is: users have to sign in with the
  // new password.
  app.post('/reset', c =>
    submitted(
      c,
      deps,
      { schema: ResetRequest, page: '/reset', keep: ['code'], next: '/reset?done=1' },
      async fields => {
        await logAttempt(c, log, { attempt: 'password_reset', method: 'password' }, () =>
          people.resets.use(fields, c.get('caller').client),
        )
        return { user: null, session: null } satisfies SessionAnswer
      },
    ),
  )

  return app
}
