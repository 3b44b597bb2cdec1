import { type Context, Hono } from 'hono'
import { toEmailKey } from '../../base/email-key.ts'
import {
  ChangeEmailRequest,
  type EmailAnswer,
  RestoreEmailRequest,
  type SessionAnswer,
  VerifyEmailRequest,
} from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { signedInAnswer } from '../response/session-body.ts'
import { logAttempt } from './attempts.ts'
import type { AuthDeps } from './auth-deps.ts'
import { languageIn } from './language-in.ts'
import { ownForm } from './own-form.ts'
import { requireFresh, signedIn } from './require-caller.ts'
import { submitted } from './sign-in-reply.ts'

/** The address of the caller's account: confirming it, changing it, and restoring an earlier one. */
export function emailRoutes(deps: AuthDeps): Hono<Env> {
  const { people, clock, log } = deps
  const app = new Hono<Env>()

  app.get('/email', async c => c.json<EmailAnswer>(await people.addresses.of(signedIn(c).user)))

  const ask = async (c: Context<Env>, email: string) => {
    const who = signedIn(c)
    // Whoever found a session unattended could otherwise take the account away with it (ASVS 7.5.1).
    if (toEmailKey(email) !== toEmailKey(who.user.email ?? '')) requireFresh(who, clock.now().wall)
    await people.addresses.ask(who.user, email, { ...who.actor, client: who.client }, languageIn(c))
  }
  app.post('/email', async c => {
    const form = { schema: ChangeEmailRequest, page: '/account#email', keep: ['email'], next: '/account?saved=email' }
    const answer = await ownForm(c, deps, form, async ({ email }) => {
      await ask(c, email)
      return {}
    })
    return answer.status === 200 ? c.json({}, 202) : answer
  })

  app.delete('/email', async c => {
    const { user, actor } = signedIn(c)
    await people.addresses.cancel(user.id, actor)
    return c.json({})
  })

  app.post('/email/verify', c => {
    const form = { schema: VerifyEmailRequest, page: '/verify-email', keep: ['code'], next: '/account?saved=verified' }
    return ownForm(c, deps, form, async ({ code }) => {
      const { user, session, actor } = signedIn(c)
      const account = await logAttempt(c, log, { attempt: 'email_confirmation', method: 'mail' }, isAbout => {
        isAbout(user.id)
        return people.addresses.confirm(user.id, code, actor)
      })
      return signedInAnswer(account, session)
    })
  })

  // The link proves the earlier address, not whose browser this is: users have to sign in.
  app.post('/email/restore', c => {
    const form = { schema: RestoreEmailRequest, page: '/restore-email', keep: ['code'], next: '/restore-email?done=1' }
    return submitted(c, deps, form, async fields => {
      await logAttempt(c, log, { attempt: 'email_restoration', method: 'mail' }, isAbout =>
        people.addresses.restore(fields, c.get('caller').client).then(account => {
          isAbout(account.id)
          return account
        }),
      )
      return { user: null, session: null } satisfies SessionAnswer
    })
  })

  return app
}
