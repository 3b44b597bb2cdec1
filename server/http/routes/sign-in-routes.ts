import { type Context, Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import { LoginRequest, type SignOutAnswer } from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { logAttempt } from './attempts.ts'
import { isForm } from './read-body.ts'
import type { AuthDeps } from './auth-deps.ts'
import { afterForm, afterScript, logoutCookie } from './provider-logout-routes.ts'
import { currentSession, openGranted, openSession, submitted } from './sign-in-reply.ts'

/** Signing in with a password, and signing out. */
export function signInOutRoutes(deps: AuthDeps): Hono<Env> {
  const { passwordLogin, tokenApiLogin, sessions, logouts, config, log } = deps
  const app = new Hono<Env>()

  app.post('/login', c =>
    submitted(
      c,
      deps,
      { schema: LoginRequest, page: '/sign-in', keep: ['email', 'remember'], next: null },
      async ({ email, password, remember = false }) => {
        const { client, device } = c.get('caller')
        if (tokenApiLogin !== null) {
          return logAttempt(c, log, { attempt: 'sign_in', method: 'token_api' }, async isAbout => {
            const known = await tokenApiLogin.authenticate({ username: email, password, device, client })
            isAbout(known.account.id)
            return openGranted(c, deps, known, {
              remember,
              replaces: currentSession(c),
              reauthenticates: false,
              endsAt: known.endsAt,
            })
          })
        }
        return logAttempt(c, log, { attempt: 'sign_in', method: 'password' }, async isAbout => {
          const proven = await passwordLogin.authenticate({ email, password, device, client })
          isAbout(proven.account.id)
          return openSession(c, deps, {
            ...proven,
            remember,
            replaces: currentSession(c),
            passwordSetAt: proven.account.passwordChangedAt,
          })
        })
      },
    ),
  )

  app.post('/logout', async c => {
    const form = isForm(c)
    const type = c.req.header('content-type')
    if (!form && type !== undefined && !type.startsWith('application/json')) throw new Problem('unsupported_media_type')
    const who = c.get('caller').signedIn
    // Ends the session here first, whatever the provider does (LO-10).
    if (who !== null)
      await sessions.end(who.session.publicId, { reason: 'signed_out', userId: who.user.id, byUserId: null })
    signOut(c, config)
    const onward = who === null ? null : await logouts.after(who.session.publicId)
    if (onward !== null) c.get('answer').cookie(logoutCookie(onward, config.secureCookies))
    if (form) return c.redirect(afterForm(onward), 303)
    const next = onward === null ? null : afterScript(onward)
    return c.json<SignOutAnswer>({ user: null, session: null, ...(next === null ? {} : { next }) })
  })

  return app
}

/**
 * Clears everything of ours from the browser at a sign-out, except that the device is known (HD-11). Not "cookies",
 * which would also clear those of sibling hosts. Not "cache", which blocks a large site for seconds, whereas no
 * personal data is cached. The storage of another front end is its own to clear.
 */
export function signOut(c: Context<Env>, { site }: Pick<AuthDeps['config'], 'site'>): void {
  c.get('answer').clear()
  if (site.kind === 'own') c.header('Clear-Site-Data', '"storage"')
}
