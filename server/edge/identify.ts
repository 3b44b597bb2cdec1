import { Problem } from '../base/problem.ts'
import type { WireUser } from '../contract/wire.ts'
import { cookieName, cookieValues, readSessionCookies, transactionCookieName, transactionIds } from '../session/cookies.ts'
import type { RequestTraits, Resolution, Sessions } from '../session/types.ts'
import type { Caller } from './caller.ts'
import type { Exchange } from './exchange.ts'

interface Deps {
  sessions: Pick<Sessions, 'resolve'>
  /** @returns null for an account that is gone or disabled @throws Problem `store_unavailable` */
  findUser: (userId: string) => Promise<WireUser | null>
  secureCookies: boolean
}

/** Cookies → who is asking. The only place that reads our cookies; renewal is decided here, once for each request. */
export function identify({ sessions, findUser, secureCookies }: Deps) {
  const names = { access: cookieName('access', secureCookies), refresh: cookieName('refresh', secureCookies) }
  const device = cookieName('device', secureCookies)
  const form = cookieName('form', secureCookies)
  const logout = cookieName('logout', secureCookies)

  return (exchange: Exchange): undefined | Promise<undefined> => {
    if (exchange.parent) {
      exchange.caller = exchange.parent.caller
      return
    }
    const { cookie } = exchange.headers
    if (cookie === undefined) {
      exchange.caller = callerOf(exchange, NOBODY)
      return
    }
    const shown = readSessionCookies(cookie, names)
    if (shown.duplicated && (exchange.navigation || !exchange.safe)) throw new Problem('duplicate_cookies')
    if (shown.access === null && shown.refresh === null) {
      exchange.caller = callerOf(exchange, NOBODY)
      return
    }
    return resolved(exchange, sessions.resolve(shown, traitsOf(exchange)))
  }

  async function resolved(exchange: Exchange, pending: Promise<Resolution>): Promise<undefined> {
    const resolution = await pending
    if (resolution.state === 'nobody') {
      exchange.caller = callerOf(exchange, { ...NOBODY, ended: resolution.ended })
      return
    }
    if (resolution.session.throwaway && !mayThrowaway(exchange)) throw new Problem('forbidden')
    const replaced = resolution.state === 'replaced'
    if (replaced && !exchange.safe) throw new Problem('session_replaced')
    const user = await findUser(resolution.session.userId)
    if (user !== null && resolution.grant !== null) exchange.answer.grant(resolution.grant)
    exchange.caller = callerOf(exchange, { signedIn: user === null ? null : { session: resolution.session, user }, replaced, ended: null })
  }

  /** The other cookies are looked for when somebody wants one, which few requests do. */
  function callerOf(exchange: Exchange, who: Pick<Caller, 'signedIn' | 'replaced' | 'ended'>): Caller {
    return {
      client: exchange.client,
      signedIn: who.signedIn,
      replaced: who.replaced,
      ended: who.ended,
      get device() {
        return only(exchange.headers.cookie, device)
      },
      get form() {
        return only(exchange.headers.cookie, form)
      },
      get logout() {
        return only(exchange.headers.cookie, logout)
      },
      transactions: () => transactionIds(exchange.headers.cookie, secureCookies),
      transaction: id => only(exchange.headers.cookie, transactionCookieName(id, secureCookies)),
    }
  }
}

const NOBODY = { signedIn: null, replaced: false, ended: null }

/** A throwaway session shows how sessions live. It is no way in: all that it may do is ask who is signed in. */
function mayThrowaway({ method, path, upgrade }: Exchange): boolean {
  return method === 'GET' && path === '/auth/session' && !upgrade
}

/** HEAD and upgrades are judged but get no cookies; what a script or an open stream asks for is not the person's activity. */
function traitsOf(exchange: Exchange): RequestTraits {
  const { headers, upgrade } = exchange
  return {
    renews: exchange.method !== 'HEAD' && !upgrade,
    foreground: !upgrade && headers['x-porchlight-background'] !== '1' && !(headers.accept?.includes('text/event-stream') ?? false),
  }
}

/** A cookie that came twice was set by somebody else too, and neither value is believed. */
function only(header: string | undefined, name: string): string | null {
  const values = cookieValues(header, name)
  return values.length === 1 ? values[0] || null : null
}
