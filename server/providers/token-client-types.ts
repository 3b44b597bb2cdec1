import type { UnixMs } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Role } from '../contract/wire.ts'
import type { ProviderTokens } from './types.ts'

/** Whose tokens they are, as their provider calls the person. */
export interface TokenOwner {
  issuer: string
  subject: string
}

/** A token for one upstream, traded for a person's own (RFC 8693 §2.1). */
export interface ExchangeTarget {
  audience: string
  scopes: readonly string[]
}
/** `endsAt: null`: the provider did not say. */
export interface ExchangedToken {
  accessToken: string
  tokenType: 'Bearer' | 'DPoP'
  endsAt: UnixMs | null
}

/** What a refresh gave. */
export interface Refreshed {
  /** With the ID token from before. */
  tokens: ProviderTokens
  /** The one that came along: about the same person, for us, and not checked any further. null: none did */
  idToken: string | null
}

/** What a provider says of a person while their session lives. */
export interface Standing {
  /** The ID token that came along, once it is checked. null: there is none to be believed */
  idToken: string | null
  /**
   * As the mapping has it; empty: it does not let this person in any more. null: none is configured, or the provider
   * did not tell
   */
  roles: Role[] | null
}

/** What the vault asks of one provider. Whatever keeps, guards and times the tokens is the vault's. */
export interface Refresher {
  /**
   * Trades the refresh token, which is not null, for new tokens. An answer without a new one keeps the old one.
   * @throws RefreshFailure
   */
  refresh(tokens: ProviderTokens, owner: TokenOwner): Promise<Refreshed>
  /**
   * Looks at the person again, by what a refresh gave. Asks the provider only where that does not tell.
   * @throws Error when it cannot be told just now
   */
  standing(refreshed: Refreshed, owner: TokenOwner): Promise<Standing>
  /**
   * Gives the tokens back (RFC 7009); null: this provider takes none back.
   * @throws RefreshFailure
   */
  revoke: ((tokens: ProviderTokens) => Promise<void>) | null
  /**
   * null: this provider exchanges none.
   * @throws RefreshFailure; `over`: the person's own token is refused
   */
  exchange: ((tokens: ProviderTokens, target: ExchangeTarget) => Promise<ExchangedToken>) | null
}

/** What a failed call leaves behind at the provider:
 * `over`: the grant is refused for good (`invalid_grant`) ·
 * `refused`: the call is refused, and another one would be, though the grant may be good: the site is not known any
 * more, say ·
 * `unchanged`: nothing happened there; the same token may be shown again ·
 * `unknown`: it may have happened, and only the answer was lost. */
export type FailureKind = 'over' | 'refused' | 'unchanged' | 'unknown'
/** Whether a failure tells of the provider, which is then in trouble for everybody, or of this grant alone. */
export type Blame = 'provider' | 'grant'

export class RefreshFailure extends Error {
  override readonly name = 'RefreshFailure'
  readonly kind: FailureKind
  /** What a request that waited for it is told. */
  readonly problem: Problem
  /** How long the provider asks to be left alone, in ms; null: it did not say. */
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

/** Whatever a refresher threw, as a failure: what is not one of ours may have happened after the provider acted. */
export function asRefreshFailure(error: unknown): RefreshFailure {
  if (error instanceof RefreshFailure) return error
  if (error instanceof Problem) return new RefreshFailure('unchanged', error)
  return new RefreshFailure('unknown', new Problem('provider_unavailable', { retryAfter: 5 }, error))
}
