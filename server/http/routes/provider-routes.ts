import { type Context, Hono } from 'hono'
import type { Attempt } from '../../base/log-events.ts'
import { Problem } from '../../base/problem.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import { HOME } from '../../contract/return-to.ts'
import { transactionIdOf } from '../../providers/transactions.ts'
import type { Finished, Purpose } from '../../providers/types.ts'
import type { Env } from '../request/hono-env.ts'
import { type How, logAttempt } from './attempts.ts'
import type { AuthDeps } from './auth-deps.ts'
import { authenticateBy, posted, reauthenticateBy, type StepAnswer, takeTransaction } from './method-calls.ts'
import { mustBeFollowed, refusePrefetch } from './navigations.ts'
import { signedIn } from './require-caller.ts'
import { isPending, secondFactorPage } from './sign-in-reply.ts'

type InSession = Exclude<Purpose, { kind: 'sign_in' }>

const ACCOUNT = '/account'
/** Proxies commonly limit all response headers together to 4096 bytes. */
const MAX_QUERY_LENGTH = 2048
/** Our pages that ask users to confirm their identity. */
const CONFIRMING = new Set([ACCOUNT, '/people'])
const ATTEMPT_OF = {
  sign_in: 'sign_in',
  link: 'identity_link',
  reauthenticate: 'reauthentication',
} as const satisfies Record<Purpose['kind'], Attempt>

/**
 * Signing in by a provider: the redirect there and the callback. Both are navigations, so they respond with 303, never
 * with a token, and never with 307, which would repeat a form post (OA-12).
 */
export function providerRoutes(deps: AuthDeps): Hono<Env> {
  const {
    methods,
    providers,
    providerLogin,
    vault,
    log,
    config: { secureCookies: secure },
  } = deps
  const app = new Hono<Env>()

  app.get('/login/:method', async c => {
    const id = c.req.param('method')
    const method = methods.find(id)
    if (method.describe().kind !== 'provider') throw new Problem('not_found')
    refusePrefetch(c)
    mustBeFollowed(c, 'A sign-in at a provider must start with a link that a person follows.')
    const returnTo = deps.returnPaths.safe(c.req.query('returnTo'))
    const who = c.get('caller').signedIn
    const anew = c.req.query('reauthenticate') === '1'
    if (who !== null && !anew) return c.redirect(returnTo, 303)
    const call = { method, input: posted({}), returnTo }
    try {
      const step =
        who === null
          ? await authenticateBy(c, deps, { ...call, remember: c.req.query('remember') === '1' }, () => {})
          : await reauthenticateBy(c, deps, call)
      return redirectToProvider(c, onward(step, returnTo))
    } catch (error) {
      if (error instanceof Problem && error.code === 'provider_sign_in_required')
        return redirectToProvider(c, pageWith(ACCOUNT, error.code, id))
      return failed(c, id, returnTo, error)
    }
  })

  app.get('/callback/:provider', async c => {
    refusePrefetch(c)
    const id = c.req.param('provider')
    const { search } = c.env.ctx
    const name = transactionIdOf(search)
    const sealed = name === null ? null : takeTransaction(c, name, secure)
    let finished: Finished | null = null
    try {
      const how: How = { attempt: 'sign_in', method: 'provider', provider: id }
      return await logAttempt(c, log, how, async isAbout => {
        finished = await providers.finish(id, { search, sealed, network: c.get('caller').client.network })
        how.attempt = ATTEMPT_OF[finished.purpose.kind]
        return redirectToProvider(c, await complete(c, id, finished, isAbout))
      })
    } catch (error) {
      // A repeated callback of a signed-in browser just continues; other failures are reported.
      const isOver = finished === null && error instanceof Problem && error.code === 'login_expired'
      const wanted = (await providers.returnTo(search, sealed)) ?? HOME
      if (isOver && c.get('caller').signedIn !== null) return redirectToProvider(c, wanted)
      return failed(c, id, wanted, error)
    }
  })

  /**
   * Completes the purpose of the sign-in. If it fails, this browser's session continues unchanged.
   * @returns where the browser goes
   */
  async function complete(
    c: Context<Env>,
    id: string,
    finished: Finished,
    isAbout: (accountId: string) => void,
  ): Promise<string> {
    const { person, purpose, returnTo } = finished
    const call = { method: methods.find(id), input: { kind: 'returned', finished } as const, returnTo }
    switch (purpose.kind) {
      case 'sign_in': {
        const { remember } = purpose
        return onward(await authenticateBy(c, deps, { ...call, remember }, isAbout), returnTo)
      }
      case 'link':
        await orRevoke(finished, () => link(c, finished, purpose, isAbout))
        return returnTo
      case 'reauthenticate': {
        const who = await orRevoke(finished, async () => signedIn(c))
        if (who.user.id === purpose.userId) isAbout(purpose.userId)
        const step = await reauthenticateBy(c, deps, call)
        // Without auth_time, the session does not count as recent, and a page that requires that is told.
        return onward(step, person.authTime === null ? unconfirmed(id, returnTo, deps.returnPaths) : returnTo)
      }
      default:
        return purpose satisfies never
    }
  }

  /** Links the account at the provider to the user who is signed in. */
  async function link(
    c: Context<Env>,
    { person, tokens }: Finished,
    purpose: InSession,
    isAbout: (accountId: string) => void,
  ): Promise<void> {
    const { user, session, actor } = mustBeSame(c, purpose)
    isAbout(user.id)
    const to = { person, userId: user.id, sessionId: session.publicId, origin: 'link' } as const
    const grant = await vault.createGrant(to, tokens)
    if (await providerLogin.link(person, grant, actor)) vault.linked(session.publicId)
    else vault.revoke(person, tokens)
  }

  /** Revokes the tokens if `work` fails: nothing else ever would. */
  async function orRevoke<T>({ person, tokens }: Finished, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      vault.revoke(person, tokens)
      throw error
    }
  }

  return app
}

/**
 * What was begun in one session can only be completed in it (OA-20).
 * @throws Problem `not_signed_in`, `login_expired`
 */
function mustBeSame(c: Context<Env>, { userId, sessionId }: InSession) {
  const who = signedIn(c)
  if (who.user.id !== userId || who.session.publicId !== sessionId) throw new Problem('login_expired')
  return { ...who, actor: { ...who.actor, userId } }
}

/** A callback's URL contains a code and a state, which must not leak as a referrer (OA-21). */
function redirectToProvider(c: Context<Env>, href: string): Response {
  c.header('Referrer-Policy', 'no-referrer')
  return c.redirect(href, 303)
}

function onward(step: StepAnswer, returnTo: string): string {
  if ('href' in step) return step.href
  return isPending(step) ? secondFactorPage(returnTo) : returnTo
}

/**
 * The session continues with the provider's tokens, but without counting as recent: pages that require that are told.
 */
function unconfirmed(provider: string, returnTo: string, { requiresRecent }: AuthDeps['returnPaths']): string {
  if (CONFIRMING.has(returnTo)) return pageWith(returnTo, 'reauthentication_required', provider)
  if (!requiresRecent(returnTo)) return returnTo
  return `${pageWith('/reauthenticate', 'reauthentication_required', provider)}&${new URLSearchParams({ returnTo }).toString()}`
}

function pageWith(page: string, problem: ProblemCode, provider: string): string {
  return `${page}?${new URLSearchParams({ problem, provider }).toString()}`
}

/**
 * Redirects to a page that explains the problem in the user's language, from which the next attempt leads to the
 * original destination. Unexpected errors, and those that no page explains, are rethrown.
 */
function failed(c: Context<Env>, provider: string, returnTo: string, error: unknown): Response {
  if (!(error instanceof Problem) || error.code === 'not_found' || error.code === 'internal') throw error
  const query = new URLSearchParams({ problem: error.code, provider })
  const whole = new URLSearchParams([...query, ['returnTo', returnTo]])
  const isKept = returnTo !== HOME && whole.toString().length <= MAX_QUERY_LENGTH
  return redirectToProvider(c, `/sign-in?${(isKept ? whole : query).toString()}`)
}
