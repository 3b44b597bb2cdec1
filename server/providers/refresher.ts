import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { ProviderTokens } from './types.ts'

/** Whose tokens they are, as their provider calls the person. */
export interface TokenOwner { issuer: string, subject: string }

/** A token for one upstream, traded for a person's own (RFC 8693 §2.1). */
export interface ExchangeTarget { audience: string, scopes: readonly string[] }
/** `endsAt: null`: the provider did not say. */
export interface ExchangedToken { accessToken: string, tokenType: 'Bearer' | 'DPoP', endsAt: UnixMs | null }

/** What the vault asks of one provider. Whatever keeps, guards and times the tokens is the vault's. */
export interface Refresher {
  /** Trades the refresh token, which is not null, for new tokens. An answer without a new one keeps the old one.
   * @throws RefreshFailure */
  refresh(tokens: ProviderTokens, owner: TokenOwner): Promise<ProviderTokens>
  /** Gives the tokens back (RFC 7009); null: this provider takes none back. @throws RefreshFailure */
  revoke: ((tokens: ProviderTokens) => Promise<void>) | null
  /** null: this provider exchanges none. @throws RefreshFailure; `over`: the person's own token is refused */
  exchange: ((tokens: ProviderTokens, target: ExchangeTarget) => Promise<ExchangedToken>) | null
}

/** What a failed call leaves behind at the provider:
 * `over`: the grant is refused for good (`invalid_grant`) ·
 * `unchanged`: nothing happened there; the same token may be shown again ·
 * `unknown`: it may have happened, and only the answer was lost. */
export type FailureKind = 'over' | 'unchanged' | 'unknown'

export class RefreshFailure extends Error {
  override readonly name = 'RefreshFailure'
  readonly kind: FailureKind
  /** What a request that waited for it is told. */
  readonly problem: Problem
  /** How long the provider asks to be left alone, in ms; null: it did not say. */
  readonly retryAfterMs: number | null

  constructor(kind: FailureKind, problem: Problem, retryAfterMs: number | null = null) {
    super(`${kind}: ${problem.code}`, { cause: problem.cause })
    this.kind = kind
    this.problem = problem
    this.retryAfterMs = retryAfterMs
  }
}

/** Whatever a refresher threw, as a failure: what is not one of ours may have happened after the provider acted. */
export function asRefreshFailure(error: unknown): RefreshFailure {
  if (error instanceof RefreshFailure) return error
  if (error instanceof Problem) return new RefreshFailure('unchanged', error)
  return new RefreshFailure('unknown', new Problem('provider_unavailable', { retryAfter: 5 }, error))
}
