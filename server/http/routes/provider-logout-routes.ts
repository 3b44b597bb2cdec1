import { Hono } from 'hono'
import { Problem } from '../../base/problem.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import type { LogoutOffer } from '../../providers/logout.ts'
import { clearCookie, cookieName, serializeCookie } from '../../session/cookie-names.ts'
import type { Env } from '../request/hono-env.ts'
import type { AuthDeps } from './auth-deps.ts'
import { mustBeFollowed, refusePrefetch } from './navigations.ts'

const PAGE = '/signed-out'
/** The sign-out here has succeeded all the same, so the page only explains why it could not continue there. */
const UNUSABLE: ReadonlySet<ProblemCode> = new Set(['provider_unavailable', 'provider_misconfigured'])

/** `GET /auth/logout/PROVIDER`: continues to the provider after a sign-out here, and handles the return. @see OIDC RP-Initiated Logout §2, §3 */
export function providerLogoutRoutes({ logouts, config: { secureCookies: secure } }: AuthDeps): Hono<Env> {
  const app = new Hono<Env>()

  app.get('/logout/:provider', async c => {
    refusePrefetch(c)
    const provider = c.req.param('provider')
    const { logout: sealed } = c.get('caller')
    const state = c.req.query('state')
    if (state !== undefined) {
      // An unsolicited return proves nothing, so the page does not claim that the user is signed out at the provider.
      if (!(await logouts.returned(provider, sealed, state))) return c.redirect(PAGE, 303)
      c.get('answer').cookie(clearCookie(cookieName('logout', secure), { secure }))
      return c.redirect(`${PAGE}?${new URLSearchParams({ from: provider }).toString()}`, 303)
    }
    try {
      const redirect = await logouts.redirect(provider, sealed)
      // Either there was no sign-out here, or a provider that sends no `state` has redirected back, which does not
      // prove a sign-out there.
      if (redirect === null) return c.redirect(PAGE, 303)
      mustBeFollowed(c, 'A sign-out at a provider must start with a link that a person follows.')
      c.get('answer').cookie(logoutCookie(redirect, secure))
      return c.redirect(redirect.href, 303)
    } catch (error) {
      if (!(error instanceof Problem) || !UNUSABLE.has(error.code)) throw error
      return c.redirect(`${PAGE}?${new URLSearchParams({ provider, problem: error.code }).toString()}`, 303)
    }
  })

  return app
}

/**
 * References the grant whose ID token the provider needs: the token itself is too long for a cookie, and should not
 * reach the browser.
 */
export function logoutCookie(
  { cookie, maxAgeSeconds }: Pick<LogoutOffer, 'cookie' | 'maxAgeSeconds'>,
  secure: boolean,
): string {
  return serializeCookie(cookieName('logout', secure), cookie, { secure, maxAgeSeconds })
}

/**
 * Where a form goes after a sign-out. Always our own page, because `form-action 'self'` blocks redirects of a form to
 * other origins.
 */
export function formDestination(offer: LogoutOffer | null): string {
  if (offer === null) return PAGE
  return `${PAGE}?${new URLSearchParams({ provider: offer.provider, ...(offer.mode === 'always' ? { go: '1' } : {}) }).toString()}`
}

/** Where a script goes: directly to the provider, or to the page that offers it. */
export function scriptDestination(onward: LogoutOffer): string {
  return onward.mode === 'always' ? `/auth/logout/${onward.provider}` : formDestination(onward)
}
