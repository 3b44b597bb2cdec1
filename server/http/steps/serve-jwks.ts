import type { Clock } from '../../base/clock.ts'
import type { Signing } from '../../keys/signing.ts'
import type { RequestContext } from '../request/request-context.ts'
import { cacheableJson } from '../response/cacheable-json.ts'
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
  const form = { contentType: 'application/jwk-set+json', maxAgeMs: jwksMaxAgeMs }
  return (ctx: Pick<RequestContext, 'headers'>): Reply =>
    cacheableJson(ctx, form, { keys: signing.published(clock.now().wall) })
}
