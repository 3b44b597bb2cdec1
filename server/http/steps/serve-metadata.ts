import type { Clock } from '../../base/clock.ts'
import type { Signing } from '../../keys/signing.ts'
import type { RequestContext } from '../request/request-context.ts'
import { cacheableJson } from '../response/cacheable-json.ts'
import type { Reply } from '../response/reply.ts'
import { JWKS_PATH } from './serve-jwks.ts'

export const METADATA_PATHS: ReadonlySet<string> = new Set([
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
])

interface Deps {
  clock: Clock
  signing: Pick<Signing, 'published'>
  jwksMaxAgeMs: number
  publicUrl: string
}

/**
 * Who issues our tokens, and where the keys are: enough for libraries that are given the issuer alone. There is no
 * flow and no endpoint to obtain a token from, and the document says so, since RFC 8414 would otherwise imply two.
 * @see RFC 8414 §2 · OpenID Connect Discovery 1.0 §3
 */
export function answerMetadata({ clock, signing, jwksMaxAgeMs, publicUrl }: Deps) {
  const form = { contentType: 'application/json', maxAgeMs: jwksMaxAgeMs }
  return (ctx: Pick<RequestContext, 'headers'>): Reply => {
    const algs = [...new Set(signing.published(clock.now().wall).map(({ alg }) => alg))]
    return cacheableJson(ctx, form, {
      issuer: publicUrl,
      jwks_uri: publicUrl + JWKS_PATH,
      response_types_supported: [],
      grant_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: algs,
    })
  }
}
