import { type Context, Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import { HOME } from '../../contract/return-to.ts'
import { LoginRequest, MethodLoginRequest, type ProviderLoginAnswer, type SignOutAnswer } from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { type How, logAttempt, loggedAs } from './attempts.ts'
import type { AuthDeps } from './auth-deps.ts'
import { authenticateBy, posted, type SignInCall } from './method-calls.ts'
import { formDestination, scriptDestination, logoutCookie } from './provider-logout-routes.ts'
import { clearPending } from './pending-cookie.ts'
import { isForm, readJson } from './read-body.ts'
import { submitted } from './sign-in-reply.ts'

/** Sign-in by a form or a script, and sign-out. */
export function signInOutRoutes(deps: AuthDeps): Hono<Env> {
  const { methods, sessions, logouts, config, log } = deps
  const app = new Hono<Env>()

  app.post('/login', c =>
    submitted(
      c,
      deps,
      { schema: LoginRequest, page: '/sign-in', keep: ['email', 'remember'], next: null },
      ({ email, password, remember = false }) => {
        const method = methods.password()
        return signIn(c, { method, input: posted({ email, password }), remember, returnTo: HOME })
      },
    ),
  )

  // From a script: any method, a provider with an invitation too, which must not appear in a URL.
  app.post('/login/:method', async c => {
    const { remember = false, returnTo: wanted, ...fields } = await readJson(c, MethodLoginRequest)
    const method = methods.find(c.req.param('method'))
    const returnTo = deps.returnPaths.safe(wanted)
    const call = { method, input: posted(fields), remember, returnTo }
    if (method.describe().kind === 'provider') {
      if (c.get('caller').signedIn !== null) return c.json<ProviderLoginAnswer>({ href: returnTo })
      // The attempt is logged by the callback, which decides it.
      return c.json(await authenticateBy(c, deps, call, () => {}))
    }
    return c.json(await signIn(c, call))
  })

  function signIn(c: Context<Env>, call: SignInCall) {
    const how: How = { attempt: 'sign_in', ...loggedAs(call.method) }
    return logAttempt(c, log, how, async isAbout => {
      const answer = await authenticateBy(c, deps, call, isAbout)
      how.undecided = !('session' in answer)
      return answer
    })
  }

  app.post('/logout', async c => {
    const form = isForm(c)
    const type = c.req.header('content-type')
    if (!form && type !== undefined && !type.startsWith('application/json')) throw new Problem('unsupported_media_type')
    const who = c.get('caller').signedIn
    // Ends the session here first, whatever the provider does (LO-10).
    if (who !== null)
      await sessions.end(who.session.publicId, { reason: 'signed_out', userId: who.user.id, byUserId: null })
    signOut(c, config)
    const offer = who === null ? null : await logouts.after(who.session.publicId)
    if (offer !== null) c.get('answer').cookie(logoutCookie(offer, config.secureCookies))
    if (form) return c.redirect(formDestination(offer), 303)
    const next = offer === null ? null : scriptDestination(offer)
    return c.json<SignOutAnswer>({ user: null, session: null, ...(next === null ? {} : { next }) })
  })

  return app
}

/**
 * Clears everything of ours from the browser at a sign-out, except that the device is known (HD-11). Not "cookies",
 * which would also clear those of sibling hosts. Not "cache", which blocks a large site for seconds, whereas no
 * personal data is cached. The storage of another front end is its own to clear.
 */
export function signOut(
  c: Context<Env>,
  { site, secureCookies }: Pick<AuthDeps['config'], 'site' | 'secureCookies'>,
): void {
  c.get('answer').clear()
  c.get('answer').cookie(clearPending(secureCookies))
  if (site.kind === 'own') c.header('Clear-Site-Data', '"storage"')
}
