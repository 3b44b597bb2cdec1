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
/** Proxies have room for 4096 bytes of an answer's headers, all in all. */
const MAX_QUERY_LENGTH = 2048
/** Our pages that ask people to confirm who they are. */
const CONFIRMING = new Set([ACCOUNT, '/people'])
const ATTEMPT_OF = {
  sign_in: 'sign_in',
  link: 'identity_link',
  reauthenticate: 'reauthentication',
} as const satisfies Record<Purpose['kind'], Attempt>

/**
 * Signing in by a provider: to it, and back from it. Both are navigations, so both answer with 303, never with a token
 * and never with 307, which would send a form along (OA-12).
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
      // Nobody can show there who they are before it is linked.
      if (who !== null && !(await providerLogin.links(who.user.id)).some(link => link.provider === id))
        return redirectToProvider(c, pageWith(ACCOUNT, 'provider_sign_in_required', id))
      return redirectToProvider(c, await begin(c, id, purpose, returnTo))
    } catch (error) {
      return failed(c, id, returnTo, error)
    }
  })

  // From a script: with an invitation, which stands in no address.
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
          // Nobody came in by them, so nobody would ever give them back.
          vault.revoke(person, tokens)
          throw error
        })
        return redirectToProvider(c, confirmed ? returnTo : unconfirmed(id, returnTo))
      })
    } catch (error) {
      // Pressed twice, or gone back to: whoever is signed in goes on. What came to nothing for another reason is told.
      const isOver = finished === null && error instanceof Problem && error.code === 'login_expired'
      const wanted = (await providers.returnTo(search, sealed)) ?? HOME
      if (isOver && c.get('caller').signedIn !== null) return redirectToProvider(c, wanted)
      return failed(c, id, wanted, error)
    }
  })

  /** @returns where the browser goes: an address of the provider */
  async function begin(c: Context<Env>, id: string, purpose: Purpose, returnTo: string): Promise<string> {
    const {
      client: { network },
    } = c.get('caller')
    const begun = await providers.begin(id, { purpose, returnTo, room: roomForTransaction(c, secure), network })
    keepTransaction(c, begun, secure)
    return begun.href
  }

  /**
   * What the sign-in was begun for. Whatever fails, the session that this browser has goes on as it was.
   * @returns false when somebody was to confirm who they are, and the provider does not say that it asked
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
      const grant = await vault.grant(
        { person, userId: who.user.id, sessionId: who.session.publicId, origin: 'link' },
        tokens,
      )
      if (await providerLogin.link(person, grant, who.actor)) vault.linked(who.session.publicId)
      else vault.revoke(person, tokens)
      return true
    }
    const proven = await providerLogin.confirm(person, { userId: who.user.id, client })
    // A provider that does not say when it asked has shown that it knows them, not that they are there now.
    const asked = { ...person, authTime: person.authTime ?? who.session.authTime }
    // What the token API gave goes over to the new session, and ends as soon as before.
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
 * What was begun in a session ends in it and in no other (OA-20).
 * @throws Problem `not_signed_in`, `login_expired`
 */
function mustBeSame(c: Context<Env>, { userId, sessionId }: Exclude<Purpose, { kind: 'sign_in' }>) {
  const who = signedIn(c)
  if (who.user.id !== userId || who.session.publicId !== sessionId) throw new Problem('login_expired')
  return { ...who, actor: { ...who.actor, userId } }
}

/** A callback's address holds a code and a state: nobody gets to hear it (OA-21). */
function redirectToProvider(c: Context<Env>, href: string): Response {
  c.header('Referrer-Policy', 'no-referrer')
  return c.redirect(href, 303)
}

/** The session goes on, with what the provider gave, and is no fresher: pages that wanted it fresh are told. */
function unconfirmed(provider: string, returnTo: string): string {
  return CONFIRMING.has(returnTo) ? pageWith(returnTo, 'reauthentication_required', provider) : returnTo
}

function pageWith(page: string, problem: ProblemCode, provider: string): string {
  return `${page}?${new URLSearchParams({ problem, provider }).toString()}`
}

/**
 * To a page that says it in the person's language, and from which the next attempt leads where they wanted to go. What
 * nobody foresaw, and what no page could show, is for others to tell.
 */
function failed(c: Context<Env>, provider: string, returnTo: string, error: unknown): Response {
  if (!(error instanceof Problem) || error.code === 'not_found' || error.code === 'internal') throw error
  const query = new URLSearchParams({ problem: error.code, provider })
  const whole = new URLSearchParams([...query, ['returnTo', returnTo]])
  const isKept = returnTo !== HOME && whole.toString().length <= MAX_QUERY_LENGTH
  return redirectToProvider(c, `/sign-in?${(isKept ? whole : query).toString()}`)
}
