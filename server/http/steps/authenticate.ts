import { mapMaybe, type MaybePromise } from '../../base/maybe-promise.ts'
import { Problem } from '../../base/problem.ts'
import type { AccountUser } from '../../accounts/account.ts'
import { isRestricted, knowsCallers } from '../../config/upstream-config.ts'
import {
  type CookieKind,
  cookieName,
  cookieValues,
  transactionCookieName,
  transactionIds,
} from '../../session/cookie-names.ts'
import type { Client, RequestTraits, Resolution, Sessions } from '../../session/types.ts'
import type { Caller } from '../request/caller.ts'
import type { RequestContext } from '../request/request-context.ts'
import { cookieReader } from '../request/presented-cookies.ts'
import { isPrefetch } from '../request/prefetch.ts'

interface Deps {
  sessions: Pick<Sessions, 'resolve'>
  /**
   * @returns null for an account that was deleted or disabled
   * @throws Problem `store_unavailable`
   */
  findUser: (userId: string) => MaybePromise<AccountUser | null>
  secureCookies: boolean
}

type CookieNames = Record<Exclude<CookieKind, 'login'>, string> & { secure: boolean }

/**
 * Authenticates a request by its cookies. The only place that reads our cookies; whether to refresh is decided here,
 * once per request.
 */
export function authenticate({ sessions, findUser, secureCookies }: Deps) {
  const names: CookieNames = {
    access: cookieName('access', secureCookies),
    refresh: cookieName('refresh', secureCookies),
    device: cookieName('device', secureCookies),
    form: cookieName('form', secureCookies),
    logout: cookieName('logout', secureCookies),
    'second-factor': cookieName('second-factor', secureCookies),
    secure: secureCookies,
  }
  const readCookies = cookieReader(names)

  return (ctx: RequestContext): MaybePromise<undefined> => {
    if (ctx.parent) {
      actAs(ctx, ctx.parent)
      return
    }
    const { cookie } = ctx.headers
    if (cookie === undefined) {
      ctx.caller = new RequestCaller(ctx, names, ANONYMOUS)
      return
    }
    const presented = readCookies(cookie)
    if (presented.duplicated && (ctx.navigation || !ctx.safe)) throw new Problem('duplicate_cookies')
    if (presented.access === null && presented.refresh === null) {
      ctx.caller = new RequestCaller(ctx, names, ANONYMOUS)
      return
    }
    return mapMaybe(sessions.resolve(presented, traitsOf(ctx)), resolution => resolved(ctx, resolution))
  }

  function resolved(ctx: RequestContext, resolution: Resolution): MaybePromise<undefined> {
    if (resolution.state === 'anonymous') {
      ctx.caller = new RequestCaller(ctx, names, { ...ANONYMOUS, ended: resolution.ended })
      return
    }
    const replaced = resolution.state === 'replaced'
    if (replaced && !servesReplaced(ctx)) throw new Problem('session_replaced')
    return mapMaybe(findUser(resolution.session.userId), user => {
      if (user !== null && resolution.issued !== null) ctx.answer.issue(resolution.issued)
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
 * A call of a rendering page acts as its visitor.
 * @throws Problem `session_replaced`
 */
export function actAs(ctx: RequestContext, page: RequestContext): void {
  ctx.caller = page.caller
  if (ctx.caller?.replaced && !servesReplaced(ctx)) throw new Problem('session_replaced')
}

const ANONYMOUS: Finding = { signedIn: null, replaced: false, ended: null }

type Finding = Pick<Caller, 'signedIn' | 'replaced' | 'ended'>

/**
 * Other cookies are parsed on demand, which is rare. A class, because object literals with getters are slow to create.
 */
class RequestCaller implements Caller {
  readonly client: Client
  readonly signedIn: Finding['signedIn']
  readonly replaced: boolean
  readonly ended: Finding['ended']
  readonly #cookies: string | undefined
  readonly #names: CookieNames

  constructor({ client, headers }: RequestContext, names: CookieNames, { signedIn, replaced, ended }: Finding) {
    // Resolved now, because a connection that closes in the meantime loses its address.
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

  get secondFactor(): string | null {
    return only(this.#cookies, this.#names['second-factor'])
  }

  transactions(): readonly string[] {
    return transactionIds(this.#cookies, this.#names.secure)
  }

  transaction(id: string): string | null {
    return only(this.#cookies, transactionCookieName(id, this.#names.secure))
  }
}

/**
 * A session that was just replaced may still load the requested page and report who is signed in, but not what copied
 * tokens could be used for: making calls or opening streams. Our scripts then retry with the new cookies. A front end
 * is not told who it is.
 */
function servesReplaced({ method, path, family, match, navigation, upgrade }: RequestContext): boolean {
  const reads = !upgrade && (method === 'GET' || method === 'HEAD')
  if (family === 'front' && match !== null)
    return !knowsCallers(match.upstream) || (reads && !isRestricted(match.upstream.requires))
  return reads && (path === '/auth/session' || ((family === 'site' || family === 'app') && navigation))
}

/**
 * HEAD and upgrades are judged but get no cookies; background calls of scripts and streams do not count as user
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

/** A duplicate cookie was set by someone else as well, so neither value is trusted. */
function only(header: string | undefined, name: string): string | null {
  const values = cookieValues(header, name)
  return values.length === 1 ? values[0] || null : null
}
