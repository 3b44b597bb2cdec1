import { sha256 } from '../../base/ids.ts'
import { type Clock, SECOND } from '../../base/clock.ts'
import type { Signing } from '../../keys/signing.ts'
import type { RequestContext } from '../request/request-context.ts'
import type { Reply } from '../response/reply.ts'

export const JWKS_PATH = '/.well-known/jwks.json'

interface Deps {
  clock: Clock
  signing: Pick<Signing, 'published'>
  /** Shorter than the time that a new key is published before it signs. */
  jwksMaxAgeMs: number
}

/**
 * The public keys that upstreams verify our tokens with.
 * @see RFC 7517 §5, §8.5
 */
export function answerJwks({ clock, signing, jwksMaxAgeMs }: Deps) {
  const caching = `public, max-age=${Math.floor(jwksMaxAgeMs / SECOND)}`
  return ({ headers }: Pick<RequestContext, 'headers'>): Reply => {
    const body = JSON.stringify({ keys: signing.published(clock.now().wall) })
    const tag = `"${sha256(body).slice(0, 22)}"`
    const shared = ['Cache-Control', caching, 'ETag', tag]
    if (holds(headers['if-none-match'], tag)) return { status: 304, headers: shared, body: null }
    return { status: 200, headers: ['Content-Type', 'application/jwk-set+json', ...shared], body }
  }
}

/** Weak comparison (RFC 9110 §13.1.2), because a proxy that compresses a response weakens its tag. */
function holds(ifNoneMatch: string | undefined, tag: string): boolean {
  return ifNoneMatch?.split(',').some(one => one.trim().replace(/^W\//, '') === tag) ?? false
}
