import type { Clock } from '../../base/clock.ts'
import type { Problem } from '../../base/problem.ts'
import { ENROLMENT_PAGE } from '../../contract/reserved.ts'
import { HOME } from '../../contract/return-to.ts'
import { TOKEN_API } from '../../contract/token-api-id.ts'
import { refusalOf } from '../../relay/admission.ts'
import { isPrefetch } from '../request/prefetch.ts'
import type { RequestContext, WayOn } from '../request/request-context.ts'
import type { ReturnPaths } from '../request/return-paths.ts'
import type { Reply } from '../response/reply.ts'

interface Deps {
  clock: Clock
  publicUrl: string
  returnPaths: ReturnPaths
}

/**
 * Leads people who open a page of a protected upstream to the page that lets them in, and from there back
 * (RFC 9110 §15.4.4). Refuses nothing itself: what is not redirected is refused by the relay, and its error page gets a
 * link. A page that the account may never see is not redirected, because signing in again would lead here again.
 */
export function leadToSignIn({ clock, publicUrl, returnPaths }: Deps) {
  const { origin } = new URL(publicUrl)

  return (ctx: RequestContext): Reply | undefined => {
    const { match, caller } = ctx
    if (match === null || caller === null || !ctx.navigation || ctx.upgrade) return undefined
    const arrival = arrivalOf(ctx)
    ctx.wayOn = problem => wayOn(problem, arrival, ctx)
    const refusal = refusalOf(match.upstream, caller.signedIn, clock.now().wall)
    const page = refusal === null ? null : pageFor(refusal, ctx)
    if (page === null || arrival !== 'page' || !match.upstream.document) return undefined
    return { status: 303, headers: ['Location', withReturn(page, returnPaths.backTo(ctx))], body: '' }
  }

  /** A page in a frame or behind a form cannot be replaced by the sign-in page without losing what is around it. */
  function wayOn(problem: Problem, arrival: Arrival, ctx: RequestContext): WayOn | null {
    if (problem.code === 'forbidden') return accountLink(ctx.caller?.signedIn?.user.email)
    const page = pageFor(problem, ctx)
    if (page === null) return null
    const found = arrival === 'frame' || arrival === 'form' ? refererPath(ctx) : null
    // What a form posts to need not be a page.
    const back = found ?? (arrival === 'form' ? returnPaths.startOf(ctx) : returnPaths.backTo(ctx))
    return { href: withReturn(page, back), label: page.label, note: null, place: PLACES[arrival] }
  }

  /** The page with the frame or the form; null if unknown. */
  function refererPath({ headers }: RequestContext): string | null {
    const from = URL.parse(headers.referer ?? '')
    if (from?.origin !== origin) return null
    const path = returnPaths.safe(from.pathname + from.search)
    return path === HOME ? null : path
  }
}

interface LeadingPage {
  path: string
  query?: Record<string, string>
  label: WayOn['label']
}

/** @returns null if no page of ours helps */
function pageFor({ code, extras: { provider, acr } }: Problem, { caller }: RequestContext): LeadingPage | null {
  if (code === 'not_signed_in') return { path: '/sign-in', label: 'sign_in' }
  const hasNone = caller?.signedIn?.user.secondFactorAt === null
  if (code === 'second_factor_required' || (code === 'insufficient_user_authentication' && acr === 'aal2' && hasNone))
    return { path: ENROLMENT_PAGE, label: 'confirm' }
  const ofTokenApi = code === 'provider_sign_in_required' && provider === TOKEN_API
  if (code === 'insufficient_user_authentication' || ofTokenApi) return { path: '/reauthenticate', label: 'confirm' }
  if (code !== 'provider_sign_in_required' || provider === undefined) return null
  return { path: `/auth/login/${provider}`, query: { reauthenticate: '1' }, label: 'provider' }
}

/** `/account` is ours in every site mode: it tells who is signed in, and signs out. */
function accountLink(email: string | null | undefined): WayOn {
  return { href: '/account', label: 'account', note: email ?? null, place: 'here' }
}

function withReturn({ path, query = {} }: LeadingPage, returnTo: string): string {
  const search = new URLSearchParams({ ...query, ...(returnTo === HOME ? {} : { returnTo }) }).toString()
  return search === '' ? path : `${path}?${search}`
}

/**
 * How a navigation came about. `page`: by a link or the address bar · `frame`: as a part of another page · `form`: by a
 * form, whose fields a redirect would lose · `ahead`: by a browser that guesses where its user goes, and asks again
 * after a failure.
 */
type Arrival = 'page' | 'frame' | 'form' | 'ahead'

const PLACES = { page: 'here', ahead: 'here', frame: 'around', form: 'beside' } as const

function arrivalOf({ method, headers }: RequestContext): Arrival {
  const destination = headers['sec-fetch-dest']
  if (isPrefetch(headers)) return 'ahead'
  if (destination !== undefined && destination !== 'document') return 'frame'
  return method === 'GET' || method === 'HEAD' ? 'page' : 'form'
}
