import { LRUCache } from 'lru-cache'
import { mapMaybe, type MaybePromise } from '../base/maybe-promise.ts'
import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { tokenHeaderValue } from '../config/token-header.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { dpopProof } from '../providers/dpop.ts'
import type { ProviderTokens } from '../providers/types.ts'
import type { Vault } from '../providers/vault.ts'
import { joined } from './response-headers.ts'
import type { UpstreamAuth, Credentials, RelayCaller, UpstreamHeaders, UpstreamTokens } from './types.ts'

interface Deps {
  clock: Clock
  tokens: UpstreamTokens
  vault: Pick<Vault, 'tokenFor' | 'exchange'>
}

/** The number of sessions whose refused tokens are remembered; an evicted one meets the refusal once more. */
const SESSIONS_MAX = 10_000

/** A call as sent to the upstream. */
interface Outgoing {
  method: string
  path: string
}

type Bearer = Pick<ProviderTokens, 'accessToken' | 'tokenType' | 'dpopKey'>

/**
 * Provides the token that a call carries: ours, a provider's, or one exchanged for this upstream. One kind never
 * substitutes for another.
 */
export function createCredentials({ clock, tokens, vault }: Deps): Credentials {
  /** The latest nonce that each upstream requested for DPoP proofs (RFC 9449 §8.2). */
  const nonces = new Map<string, string>()
  /** By session and upstream, the last token that was refused and not replaced yet. */
  const refusals = new LRUCache<string, Map<string, string>>({ max: SESSIONS_MAX })

  async function providerToken(upstream: Upstream, caller: RelayCaller, refused: string | null): Promise<Bearer> {
    const { provider } = upstream
    if (provider === null)
      throw new Problem('internal', {}, new Error(`no provider is set for the token of "${upstream.name}"`))
    return upstream.token === 'exchange'
      ? vault.exchange(caller.session, provider, upstream, refused)
      : vault.tokenFor(caller.session, provider, refused)
  }

  async function withProviderToken(
    upstream: Upstream,
    caller: RelayCaller,
    { method, path }: Outgoing,
    refused: string | null,
  ): Promise<UpstreamAuth> {
    const { accessToken, tokenType, dpopKey } = await providerToken(upstream, caller, refused)
    // The token is another system's text in our header: a line break in it would inject a header.
    if (!/^[\x21-\x7e]+$/.test(accessToken))
      throw new Problem(
        'provider_answer_invalid',
        { provider: upstream.provider ?? '' },
        new Error('a token holds what no header may'),
      )
    if (tokenType === 'Bearer') return unbound(upstream, accessToken)
    if (dpopKey === null) throw new Problem('internal', {}, new Error('a bound token came without its key'))
    const proof = await dpopProof(dpopKey, {
      method,
      url: upstream.target.origin + path,
      accessToken,
      nonce: nonces.get(upstream.name) ?? null,
      now: clock.now().wall,
    })
    return { headers: ['authorization', `DPoP ${accessToken}`, 'dpop', proof], token: accessToken, bound: true }
  }

  /** @param refused the token to replace; passed on to its issuer, which returns another one if it can */
  function obtain(
    upstream: Upstream,
    caller: RelayCaller,
    outgoing: Outgoing,
    refused: string | null,
  ): MaybePromise<UpstreamAuth> {
    return upstream.token === 'porchlight'
      ? mapMaybe(tokens.tokenFor(upstream, caller, refused !== null), token => unbound(upstream, token))
      : withProviderToken(upstream, caller, outgoing, refused)
  }

  /**
   * The next call after a refusal, whatever its method: a consumed body cannot be sent again, but later calls should
   * not fail alike.
   */
  function afterRefusal(
    upstream: Upstream,
    caller: RelayCaller,
    outgoing: Outgoing,
    refused: string,
  ): MaybePromise<UpstreamAuth> {
    return mapMaybe(obtain(upstream, caller, outgoing, refused), auth => {
      const ofSession = refusals.get(caller.session.publicId)
      if (auth.token !== refused && ofSession?.get(upstream.name) === refused) ofSession.delete(upstream.name)
      return auth
    })
  }

  return {
    headersFor(upstream, caller, outgoing, refused) {
      const before =
        refused ?? (refusals.size === 0 ? null : (refusals.get(caller.session.publicId)?.get(upstream.name) ?? null))
      return before === null
        ? obtain(upstream, caller, outgoing, null)
        : afterRefusal(upstream, caller, outgoing, before)
    },

    refused(upstream, { session }, token) {
      const ofSession = refusals.get(session.publicId) ?? new Map<string, string>()
      refusals.set(session.publicId, ofSession.set(upstream.name, token))
    },

    forget: sessionId => void refusals.delete(sessionId),

    onResponse(upstream, headers) {
      const nonce = valueOf(headers['dpop-nonce'])
      if (nonce !== null && /^[\x21\x23-\x5b\x5d-\x7e]{1,1000}$/.test(nonce)) nonces.set(upstream.name, nonce)
    },
  }
}

function unbound({ tokenHeader }: Upstream, token: string): UpstreamAuth {
  const headers =
    tokenHeader === null
      ? ['authorization', `Bearer ${token}`]
      : [tokenHeader.name, tokenHeaderValue(tokenHeader, token)]
  return { headers, token, bound: false }
}

/**
 * Whether an upstream rejected a proof only because it requires a nonce.
 * @see RFC 9449 §9
 */
export function asksForNonce(headers: UpstreamHeaders): boolean {
  const challenge = valueOf(headers['www-authenticate']) ?? ''
  return (
    /\bDPoP\b/i.test(challenge) && /error="?use_dpop_nonce"?/.test(challenge) && valueOf(headers['dpop-nonce']) !== null
  )
}

function valueOf(values: string | string[] | undefined): string | null {
  return values === undefined ? null : joined(values)
}
