import { mapMaybe, type MaybePromise } from '../../base/maybe-promise.ts'
import { Problem } from '../../base/problem.ts'
import type { WireUser } from '../../contract/wire.ts'
import {
  type CookieKind,
  cookieName,
  cookieValues,
  transactionCookieName,
  transactionIds,
} from '../../session/cookies.ts'
import type { Client, RequestTraits, Resolution, Sessions } from '../../session/types.ts'
import type { Caller } from '../request/caller.ts'
import type { RequestContext } from '../request/request-context.ts'
import { cookieReader } from '../request/presented-cookies.ts'
import { isPrefetch } from '../request/prefetch.ts'

interface Deps {
  sessions: Pick<Sessions, 'resolve'>
  /**
   * @returns null for an account that is gone or disabled
   * @throws Problem `store_unavailable`
   */
  findUser: (userId: string) => MaybePromise<WireUser | null>
  secureCookies: boolean
}

type CookieNames = Record<Exclude<CookieKind, 'login'>, string> & { secure: boolean }

/** Cookies → who is asking. The only place that reads our cookies; renewal is decided here, once for each request. */
export function authenticate({ sessions, findUser, secureCookies }: Deps) {
  const names: CookieNames = {
    access: cookieName('access', secureCookies),
    refresh: cookieName('refresh', secureCookies),
    device: cookieName('device', secureCookies),
    form: cookieName('form', secureCookies),
    logout: cookieName('logout', secureCookies),
    secure: secureCookies,
  }
  const readCookies = cookieReader(names)

  return (ctx: RequestContext): MaybePromise<undefined> => {
    if (ctx.parent) {
      standFor(ctx, ctx.parent)
      return
    }
    const { cookie } = ctx.headers
    if (cookie === undefined) {
      ctx.caller = new RequestCaller(ctx, names, NOBODY)
      return
    }
    const shown = readCookies(cookie)
    if (shown.duplicated && (ctx.navigation || !ctx.safe)) throw new Problem('duplicate_cookies')
    if (shown.access === null && shown.refresh === null) {
      ctx.caller = new RequestCaller(ctx, names, NOBODY)
      return
    }
    return mapMaybe(sessions.resolve(shown, traitsOf(ctx)), resolution => resolved(ctx, resolution))
  }

  function resolved(ctx: RequestContext, resolution: Resolution): MaybePromise<undefined> {
    if (resolution.state === 'nobody') {
      ctx.caller = new RequestCaller(ctx, names, { ...NOBODY, ended: resolution.ended })
      return
    }
    if (resolution.session.throwaway && !mayThrowaway(ctx)) throw new Problem('forbidden')
    const replaced = resolution.state === 'replaced'
    if (replaced && !mayReplaced(ctx)) throw new Problem('session_replaced')
    return mapMaybe(findUser(resolution.session.userId), user => {
      if (user !== null && resolution.grant !== null) ctx.answer.grant(resolution.grant)
      ctx.caller = new RequestCaller(ctx, names, {
        signedIn: user === null ? null : { session: resolution.session, user },
        replaced,
        ended: null,
      })
      return undefined
    })
  }
}

/**
 * A call of a page that is rendering is its visitor's.
 * @throws Problem `session_replaced`
 */
export function standFor(ctx: RequestContext, page: RequestContext): void {
  ctx.caller = page.caller
  if (ctx.caller?.replaced && !mayReplaced(ctx)) throw new Problem('session_replaced')
}

const NOBODY: Finding = { signedIn: null, replaced: false, ended: null }

type Finding = Pick<Caller, 'signedIn' | 'replaced' | 'ended'>

/**
 * The other cookies are looked for when somebody wants one, which few requests do: a class, because an object literal
 * with getters is slow to make.
 */
class RequestCaller implements Caller {
  readonly client: Client
  readonly signedIn: Finding['signedIn']
  readonly replaced: boolean
  readonly ended: Finding['ended']
  readonly #cookies: string | undefined
  readonly #names: CookieNames

  constructor({ client, headers }: RequestContext, names: CookieNames, { signedIn, replaced, ended }: Finding) {
    // Now, not when it is asked for: a connection that has gone by then has no address any more.
    this.client = client
    this.signedIn = signedIn
    this.replaced = replaced
    this.ended = ended
    this.#cookies = headers.cookie
    this.#names = names
  }

  get device(): string | null {
    return only(this.#cookies, this.#names.device)
  }

  get form(): string | null {
    return only(this.#cookies, this.#names.form)
  }

  get logout(): string | null {
    return only(this.#cookies, this.#names.logout)
  }

  transactions(): readonly string[] {
    return transactionIds(this.#cookies, this.#names.secure)
  }

  transaction(id: string): string | null {
    return only(this.#cookies, transactionCookieName(id, this.#names.secure))
  }
}

/** A throwaway session shows how sessions live. It is no way in: all that it may do is ask who is signed in. */
function mayThrowaway({ method, path, upgrade }: RequestContext): boolean {
  return method === 'GET' && path === '/auth/session' && !upgrade
}

/**
 * A session that was replaced a moment ago shows the page that was asked for before, and says who is signed in. What a
 * thief could do with copied tokens, call something or open a stream, it does not; our scripts then ask once more, with
 * the new cookies. A front end never learns who asks.
 */
function mayReplaced({ method, path, family, navigation, upgrade }: RequestContext): boolean {
  if (family === 'front') return true
  const reads = !upgrade && (method === 'GET' || method === 'HEAD')
  return reads && (path === '/auth/session' || (family === 'site' && navigation))
}

/**
 * HEAD and upgrades are judged but get no cookies; what a script or an open stream asks for is not the person's
 * activity.
 */
function traitsOf(ctx: RequestContext): RequestTraits {
  const { headers, upgrade } = ctx
  return {
    renews: ctx.method !== 'HEAD' && !upgrade,
    foreground:
      !upgrade &&
      !isPrefetch(headers) &&
      headers['x-porchlight-background'] !== '1' &&
      !(headers.accept?.includes('text/event-stream') ?? false),
  }
}

/** A cookie that came twice was set by somebody else too, and neither value is believed. */
function only(header: string | undefined, name: string): string | null {
  const values = cookieValues(header, name)
  return values.length === 1 ? values[0] || null : null
}
