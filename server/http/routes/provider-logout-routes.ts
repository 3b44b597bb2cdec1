import { Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import type { Onward } from '../../providers/logout.ts'
import { clearCookie, cookieName, serializeCookie } from '../../session/cookies.ts'
import type { Env } from '../request/hono-env.ts'
import type { AuthDeps } from './auth-deps.ts'
import { mustBeFollowed, refusePrefetch } from './navigations.ts'

const PAGE = '/signed-out'
/** They are out here all the same, and the page says what keeps them from there. */
const UNUSABLE: ReadonlySet<ProblemCode> = new Set(['provider_unavailable', 'provider_misconfigured'])

/** `GET /auth/logout/PROVIDER`: on to the provider after a sign-out here, and back from there.
 * @see OIDC RP-Initiated Logout §2, §3 */
export function providerLogoutRoutes({ logouts, config: { secureCookies: secure } }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  app.get('/logout/:provider', async c => {
    refusePrefetch(c)
    const provider = c.req.param('provider')
    const { logout: sealed } = c.get('caller')
    const state = c.req.query('state')
    if (state !== undefined) {
      // A return that we did not ask for says nothing: the page then does not claim that they are signed out there.
      if (!(await logouts.returned(provider, sealed, state))) return c.redirect(PAGE, 303)
      c.get('answer').cookie(clearCookie(cookieName('logout', secure), { secure }))
      return c.redirect(`${PAGE}?${new URLSearchParams({ from: provider }).toString()}`, 303)
    }
    try {
      const leaving = await logouts.leave(provider, sealed)
      // Nobody signed out here, or a provider that sends no `state` has sent them back: whether they are out there, it
      // did not say.
      if (leaving === null) return c.redirect(PAGE, 303)
      mustBeFollowed(c, 'A sign-out at a provider must start with a link that a person follows.')
      c.get('answer').cookie(logoutCookie(leaving, secure))
      return c.redirect(leaving.href, 303)
    } catch (error) {
      if (!(error instanceof Problem) || !UNUSABLE.has(error.code)) throw error
      return c.redirect(`${PAGE}?${new URLSearchParams({ provider, problem: error.code }).toString()}`, 303)
    }
  })

  return app
}

/**
 * Names the grant whose ID token the provider is to be shown: the token itself is too long for a cookie, and no
 * browser's business.
 */
export function logoutCookie(
  { cookie, maxAgeSeconds }: Pick<Onward, 'cookie' | 'maxAgeSeconds'>,
  secure: boolean,
): string {
  return serializeCookie(cookieName('logout', secure), cookie, { secure, maxAgeSeconds })
}

/**
 * Where a form goes after a sign-out. Our own page, always: `form-action 'self'` lets no form's redirect leave the
 * origin.
 */
export function afterForm(onward: Onward | null): string {
  if (onward === null) return PAGE
  return `${PAGE}?${new URLSearchParams({ provider: onward.provider, ...(onward.mode === 'always' ? { go: '1' } : {}) }).toString()}`
}

/** Where a script goes: straight on, or to the page that offers it. */
export function afterScript(onward: Onward): string {
  return onward.mode === 'always' ? `/auth/logout/${onward.provider}` : afterForm(onward)
}
