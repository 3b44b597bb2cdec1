import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Role } from '../contract/wire.ts'
import type { ProviderTokens } from './types.ts'

/** The owner of tokens, as identified by the provider. */
export interface TokenOwner {
  issuer: string
  subject: string
}

/** The target of a token exchange (RFC 8693 §2.1). */
export interface ExchangeTarget {
  audience: string
  scopes: readonly string[]
}
/** `endsAt: null`: the provider did not report it. */
export interface ExchangedToken {
  accessToken: string
  tokenType: 'Bearer' | 'DPoP'
  endsAt: UnixMs | null
}

/** The result of a refresh. */
export interface Refreshed {
  /** With the previous ID token. */
  tokens: ProviderTokens
  /** The new ID token: for the same user and our client, but not verified further. null: none */
  idToken: string | null
}

/** What a provider reports about a user during their session. */
export interface Standing {
  /** The new ID token, verified. null: none, or an invalid one */
  idToken: string | null
  /**
   * By the role mapping; empty: it no longer admits the user. null: no mapping is configured, or the roles are unknown
   */
  roles: Role[] | null
}

/** The calls to one provider's token endpoint; storing, protecting and scheduling tokens is the vault's job. */
export interface TokenClient {
  /**
   * Trades the refresh token, which is not null, for new tokens. Keeps it if the response has no new one.
   * @throws RefreshFailure
   */
  refresh(tokens: ProviderTokens, owner: TokenOwner): Promise<Refreshed>
  /**
   * Rechecks the user with the result of a refresh. Calls the provider only if that is not enough.
   * @throws Error if it cannot be determined now
   */
  standing(refreshed: Refreshed, owner: TokenOwner): Promise<Standing>
  /**
   * Revokes the tokens (RFC 7009); null: not supported by this provider.
   * @throws RefreshFailure
   */
  revoke: ((tokens: ProviderTokens) => Promise<void>) | null
  /**
   * Exchanges the user's token; null: not supported by this provider.
   * @throws RefreshFailure; `over`: the user's own token is refused
   */
  exchange: ((tokens: ProviderTokens, target: ExchangeTarget) => Promise<ExchangedToken>) | null
}

/**
 * The effect of a failed call at the provider. `over`: the grant is refused for good (`invalid_grant`) · `refused`:
 * this and further calls are refused, although the grant may be valid: for instance, the client is no longer registered
 * · `unchanged`: it had no effect, so the same token may be presented again · `unknown`: it may have taken effect, and
 * only the response was lost.
 */
export type FailureKind = 'over' | 'refused' | 'unchanged' | 'unknown'
/** Whether a failure means that the provider is down for everyone, or only concerns this grant. */
export type Blame = 'provider' | 'grant'

export class RefreshFailure extends Error {
  override readonly name = 'RefreshFailure'
  readonly kind: FailureKind
  /** The problem for waiting requests. */
  readonly problem: Problem
  /** The pause that the provider requested, in ms; null: none. */
  readonly retryAfterMs: number | null
  readonly blame: Blame

  constructor(
    kind: FailureKind,
    problem: Problem,
    { retryAfterMs = null, blame = blameFor(kind) }: { retryAfterMs?: number | null; blame?: Blame } = {},
  ) {
    super(`${kind}: ${problem.code}`, { cause: problem.cause })
    this.kind = kind
    this.problem = problem
    this.retryAfterMs = retryAfterMs
    this.blame = blame
  }
}

function blameFor(kind: FailureKind): Blame {
  return kind === 'over' || kind === 'refused' ? 'grant' : 'provider'
}

/** Converts any error of a token client to a failure: an unexpected one may have occurred after the provider acted. */
export function asRefreshFailure(error: unknown): RefreshFailure {
  if (error instanceof RefreshFailure) return error
  if (error instanceof Problem) return new RefreshFailure('unchanged', error)
  return new RefreshFailure('unknown', new Problem('provider_unavailable', { retryAfter: 5 }, error))
}
