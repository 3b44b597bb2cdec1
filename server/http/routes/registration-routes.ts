import { type Context, Hono } from 'hono'
import {
  ForgotPasswordRequest,
  type PasswordStrength,
  PasswordStrengthRequest,
  RegisterRequest,
  ResetRequest,
  type SessionAnswer,
  SetupRequest,
} from '../../contract/wire.ts'
import { Problem } from '../../base/problem.ts'
import type { Account } from '../../accounts/account.ts'
import { passwordProof } from '../../login/password-method.ts'
import type { Env } from '../request/hono-env.ts'
import { logAttempt } from './attempts.ts'
import { languageIn } from './language-in.ts'
import type { AuthDeps } from './auth-deps.ts'
import { readJson } from './read-body.ts'
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

  /** Also tells a new account's owner how to confirm its address. That they can do so later, too, so it may fail. */
  async function welcome(c: Context<Env>, account: Account): Promise<SessionAnswer> {
    const answer = await signInNew(c, account)
    const { id, email, emailVerified } = account
    if (deps.config.mail !== null && email !== null && !emailVerified) {
      const actor = { userId: id, sessionId: answer.session?.id ?? null, client: c.get('caller').client }
      await people.addresses.ask(account, email, actor, languageIn(c)).catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error
      })
    }
    return answer
  }

  app.post('/setup', c =>
    submitted(
      c,
      deps,
      { schema: SetupRequest, page: '/set-up', keep: ['code', 'email', 'name'], next: null },
      async fields => {
        const account = await logAttempt(c, log, { attempt: 'registration', method: 'password' }, () =>
          people.registration.setUp(fields, c.get('caller').client),
        )
        return welcome(c, account)
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
        return welcome(c, account)
      },
    ),
  )

  // The answer is the same for every address (ASVS 6.3.8).
  app.post('/password/forgot', async c => {
    const answer = await submitted(
      c,
      deps,
      { schema: ForgotPasswordRequest, page: '/forgot', keep: ['email'], next: '/forgot?sent=1' },
      async ({ email }) => {
        await people.resets.mailLink(email, c.get('caller').client, languageIn(c))
        return {}
      },
    )
    return answer.status === 200 ? c.json({}, 202) : answer
  })

  app.post('/password/strength', async c => {
    const { signedIn, client } = c.get('caller')
    const request = await readJson(c, PasswordStrengthRequest)
    return c.json<PasswordStrength>(await people.passwordMeter.measure(request, signedIn?.user ?? null, client.network))
  })

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
