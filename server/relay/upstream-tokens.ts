import { SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { type Clock, MINUTE, SECOND, type UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import type { AccountUser } from '../accounts/account.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { acrOf } from '../contract/acr.ts'
import { NAME } from '../contract/name.ts'
import type { Language } from '../contract/languages.ts'
import type { Signing } from '../keys/signing.ts'
import { personalClaims, type PersonalClaims } from './personal-claims.ts'
import type { RelayCaller, UpstreamTokens } from './types.ts'

interface Deps {
  clock: Clock
  signing: Pick<Signing, 'signer'>
  publicUrl: string
  /** The maximum lifetime of a token. */
  upstreamTokenMs: number
}

/** A token that is cached or being signed: concurrent calls wait for the same one. */
interface CachedToken {
  /** The claims that may change during a session, and the user and language that they were read from. */
  about: string
  user: AccountUser
  language: Language | null
  mintedAt: UnixMs
  usableUntil: UnixMs
  fresh: boolean
  token: Promise<string>
  /** The resolved token, once available. */
  text: string | null
}

interface Life {
  iat: number
  exp: number
}

/** The number of sessions whose tokens are cached; evicting one costs a signature and nothing else. */
const SESSIONS_MAX = 10_000
/** The number of ended sessions remembered for requests that began before. */
const ENDED_MAX = 50_000
/** Calls refused together share one new token, so that an upstream that refuses everything costs few signatures. */
const FRESH_SHARED_MS = 5 * SECOND

/** Issues a JWT per session and upstream (RFC 9068 §2), and caches it until shortly before it expires. */
export function createUpstreamTokens({ clock, signing, publicUrl, upstreamTokenMs }: Deps): UpstreamTokens {
  const cache = new LRUCache<string, Map<string, CachedToken>>({ max: SESSIONS_MAX })
  const ended = new LRUCache<string, true>({ max: ENDED_MAX })

  async function mint(
    upstream: Upstream,
    { session, user }: RelayCaller,
    personal: PersonalClaims,
    { iat, exp }: Life,
  ): Promise<string> {
    const { kid, alg, key } = signing.signer(clock.now().wall)
    const scope = upstream.scopes.length === 0 ? {} : { scope: upstream.scopes.join(' ') }
    const token = await new SignJWT({
      iss: publicUrl,
      aud: upstream.audience,
      sub: user.id,
      client_id: NAME,
      iat,
      exp,
      jti: randomId(),
      auth_time: Math.floor(session.authTime / SECOND),
      acr: acrOf(session.amr),
      amr: session.amr,
      sid: session.publicId,
      roles: user.roles,
      ...scope,
      ...personal,
    })
      .setProtectedHeader({ alg, kid, typ: upstream.tokenType })
      .sign(key)
    // The session may have ended during signing.
    refuseEnded(session.publicId)
    return token
  }

  function refuseEnded(sessionId: string): void {
    if (ended.has(sessionId)) throw new Problem('not_signed_in')
  }

  /** The fast path: a cached token of an active session whose user has not changed. */
  function cachedFor(upstream: Upstream, { session, user, language }: RelayCaller): string | null {
    const known = cache.get(session.publicId)?.get(upstream.name)
    if (known?.user !== user || known.language !== language) return null
    if (user.id !== session.userId || ended.has(session.publicId)) return null
    return isUsable(known, clock.now().wall) ? known.text : null
  }

  async function obtain(upstream: Upstream, caller: RelayCaller, fresh: boolean): Promise<string> {
    const { session, user, language } = caller
    if (user.id !== session.userId)
      throw new Problem('internal', {}, new Error('a session was paired with another person'))
    const now = clock.now().wall
    refuseEnded(session.publicId)
    const personal = personalClaims(upstream.claims, caller)
    const about = JSON.stringify([user.id, user.roles.toSorted(), personal])
    let ofSession = cache.get(session.publicId)
    const known = ofSession?.get(upstream.name)
    if (known?.about === about && isUsable(known, now) && (!fresh || isShared(known, now))) {
      known.user = user
      known.language = language
      return known.token
    }

    const life = lifeOf(session.absoluteEndsAt, upstreamTokenMs, now)
    const token = mint(upstream, caller, personal, life)
    const entry: CachedToken = {
      about,
      user,
      language,
      mintedAt: now,
      usableUntil: usableUntil(life),
      fresh,
      token,
      text: null,
    }
    if (ofSession === undefined) {
      ofSession = new Map()
      cache.set(session.publicId, ofSession)
    }
    const home = ofSession.set(upstream.name, entry)
    token.then(
      text => {
        entry.text = text
      },
      () => {
        // Failures are not cached.
        if (home.get(upstream.name) === entry) home.delete(upstream.name)
      },
    )
    return token
  }

  return {
    tokenFor: (upstream, caller, fresh) =>
      (fresh ? null : cachedFor(upstream, caller)) ?? obtain(upstream, caller, fresh),

    forget(sessionId) {
      ended.set(sessionId, true)
      cache.delete(sessionId)
    },
  }
}

/**
 * Whole seconds (RFC 7519 §2), and never past the session's end.
 * @throws Problem `not_signed_in` if the session has no time left
 */
export function lifeOf(sessionEndsAt: UnixMs, upstreamTokenMs: number, now: UnixMs): Life {
  const iat = Math.floor(now / SECOND)
  const exp = Math.min(iat + Math.floor(upstreamTokenMs / SECOND), Math.floor(sessionEndsAt / SECOND))
  if (exp * SECOND <= now) throw new Problem('not_signed_in')
  return { iat, exp }
}

/**
 * Calls may be slow and an upstream's clock may be fast: a token is not used in its last minute, or last fifth if that
 * is less.
 */
export function usableUntil({ iat, exp }: Life): UnixMs {
  return exp * SECOND - Math.min(MINUTE, ((exp - iat) * SECOND) / 5)
}

/** A token dated in the future was issued before the clock was set back: an upstream would reject it. */
function isUsable({ mintedAt, usableUntil }: CachedToken, now: UnixMs): boolean {
  return mintedAt <= now && now < usableUntil
}

function isShared({ fresh, mintedAt }: CachedToken, now: UnixMs): boolean {
  return fresh && now - mintedAt < FRESH_SHARED_MS
}
