import { type Context, Hono } from 'hono'
import type { Attempt } from '../../base/log-events.ts'
import { Problem } from '../../base/problem.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import { HOME, safeReturnTo } from '../../contract/return-to.ts'
import { type ProviderLoginAnswer, ProviderLoginRequest } from '../../contract/wire.ts'
import { transactionIdOf } from '../../providers/transactions.ts'
import type { Finished, Purpose } from '../../providers/types.ts'
import type { Env } from '../request/hono-env.ts'
import { type How, logAttempt } from './attempts.ts'
import { readJson } from './read-body.ts'
import { signedIn } from './require-caller.ts'
import type { AuthDeps } from './auth-deps.ts'
import { mustBeFollowed, refusePrefetch } from './navigations.ts'
import { clearTransaction, keepTransaction, roomForTransaction } from './provider-cookie.ts'
import { currentSession, openGranted } from './sign-in-reply.ts'

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
    providers,
    providerLogin,
    vault,
    log,
    people,
    config: { secureCookies: secure },
  } = deps
  const app = new Hono<Env>()

  app.get('/login/:provider', async c => {
    const id = c.req.param('provider')
    if (!providers.all().some(one => one.id === id)) throw new Problem('not_found')
    refusePrefetch(c)
    mustBeFollowed(c, 'A sign-in at a provider must start with a link that a person follows.')
    const returnTo = safeReturnTo(c.req.query('returnTo'))
    const who = c.get('caller').signedIn
    const anew = c.req.query('reauthenticate') === '1'
    if (who !== null && !anew) return c.redirect(returnTo, 303)
    const purpose: Purpose =
      who === null
        ? { kind: 'sign_in', remember: c.req.query('remember') === '1', invite: null }
        : { kind: 'reauthenticate', userId: who.user.id, sessionId: who.session.publicId }
    try {
      // A provider that is not linked cannot confirm anyone's identity.
      if (who !== null && !(await providerLogin.links(who.user.id)).some(link => link.provider === id))
        return redirectToProvider(c, pageWith(ACCOUNT, 'provider_sign_in_required', id))
      return redirectToProvider(c, await begin(c, id, purpose, returnTo))
    } catch (error) {
      return failed(c, id, returnTo, error)
    }
  })

  // From a script: with an invitation, which must not appear in a URL.
  app.post('/login/:provider', async c => {
    const { invite = null, remember = false, returnTo } = await readJson(c, ProviderLoginRequest)
    const wanted = safeReturnTo(returnTo)
    if (c.get('caller').signedIn !== null) return c.json<ProviderLoginAnswer>({ href: wanted })
    return c.json<ProviderLoginAnswer>({
      href: await begin(c, c.req.param('provider'), { kind: 'sign_in', remember, invite }, wanted),
    })
  })

  app.get('/callback/:provider', async c => {
    refusePrefetch(c)
    const id = c.req.param('provider')
    const { search } = c.env.ctx
    const name = transactionIdOf(search)
    const sealed = name === null ? null : c.get('caller').transaction(name)
    if (name !== null && sealed !== null) clearTransaction(c, name, secure)
    let finished: Finished | null = null
    try {
      const how: How = { attempt: 'sign_in', method: 'provider', provider: id }
      return await logAttempt(c, log, how, async isAbout => {
        finished = await providers.finish(id, { search, sealed, network: c.get('caller').client.network })
        const { person, tokens, purpose, returnTo } = finished
        how.attempt = ATTEMPT_OF[purpose.kind]
        const confirmed = await arrive(c, finished, isAbout).catch((error: unknown) => {
          // The sign-in failed, so nothing else would ever revoke these tokens.
          vault.revoke(person, tokens)
          throw error
        })
        return redirectToProvider(c, confirmed ? returnTo : unconfirmed(id, returnTo))
      })
    } catch (error) {
      // A repeated callback of a signed-in browser just continues; other failures are reported.
      const isOver = finished === null && error instanceof Problem && error.code === 'login_expired'
      const wanted = (await providers.returnTo(search, sealed)) ?? HOME
      if (isOver && c.get('caller').signedIn !== null) return redirectToProvider(c, wanted)
      return failed(c, id, wanted, error)
    }
  })

  /** @returns the URL of the provider */
  async function begin(c: Context<Env>, id: string, purpose: Purpose, returnTo: string): Promise<string> {
    const {
      client: { network },
    } = c.get('caller')
    const begun = await providers.begin(id, { purpose, returnTo, maxBytes: roomForTransaction(c, secure), network })
    keepTransaction(c, begun, secure)
    return begun.href
  }

  /**
   * Completes the purpose of the sign-in. If it fails, this browser's session continues unchanged.
   * @returns false if the user was to confirm their identity, but the provider does not say that it asked
   */
  async function arrive(
    c: Context<Env>,
    { person, tokens, purpose }: Finished,
    isAbout: (accountId: string) => void,
  ): Promise<boolean> {
    const { client } = c.get('caller')
    if (purpose.kind === 'sign_in') {
      const proven = await providerLogin.authenticate(person, { invite: purpose.invite, client })
      isAbout(proven.account.id)
      await openGranted(
        c,
        deps,
        { ...proven, person, tokens },
        { remember: purpose.remember, replaces: currentSession(c), reauthenticates: false, endsAt: null },
      )
      return true
    }
    const who = mustBeSame(c, purpose)
    isAbout(who.user.id)
    if (purpose.kind === 'link') {
      const grant = await vault.createGrant(
        { person, userId: who.user.id, sessionId: who.session.publicId, origin: 'link' },
        tokens,
      )
      if (await providerLogin.link(person, grant, who.actor)) vault.linked(who.session.publicId)
      else vault.revoke(person, tokens)
      return true
    }
    const proven = await providerLogin.confirm(person, { userId: who.user.id, client })
    // Without auth_time, the provider has identified the user, but not proven that they are present now.
    const asked = { ...person, authTime: person.authTime ?? who.session.authTime }
    // The token API's grant moves to the new session, and ends as early as before.
    const endsAt = people.accounts.authority === 'local' ? null : who.session.absoluteEndsAt
    await openGranted(
      c,
      deps,
      { ...proven, person: asked, tokens },
      { remember: who.session.remember, replaces: who.session.publicId, reauthenticates: true, endsAt },
    )
    return person.authTime !== null
  }

  return app
}

/**
 * What was begun in one session can only be completed in it (OA-20).
 * @throws Problem `not_signed_in`, `login_expired`
 */
function mustBeSame(c: Context<Env>, { userId, sessionId }: Exclude<Purpose, { kind: 'sign_in' }>) {
  const who = signedIn(c)
  if (who.user.id !== userId || who.session.publicId !== sessionId) throw new Problem('login_expired')
  return { ...who, actor: { ...who.actor, userId } }
}

/** A callback's URL contains a code and a state, which must not leak as a referrer (OA-21). */
function redirectToProvider(c: Context<Env>, href: string): Response {
  c.header('Referrer-Policy', 'no-referrer')
  return c.redirect(href, 303)
}

/**
 * The session continues with the provider's tokens, but without counting as recent: pages that require that are told.
 */
function unconfirmed(provider: string, returnTo: string): string {
  return CONFIRMING.has(returnTo) ? pageWith(returnTo, 'reauthentication_required', provider) : returnTo
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
