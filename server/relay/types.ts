import type { Readable } from 'node:stream'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { AccountUser } from '../accounts/account.ts'
import type { Upstream } from '../config/upstream-config.ts'
import type { Language } from '../contract/languages.ts'
import type { LiveSession } from '../session/types.ts'

/** The caller, as far as it matters for upstreams. */
export interface RelayCaller {
  session: LiveSession
  user: AccountUser
  /** The language that they chose in this browser; null: none, or no upstream claim needs it. */
  language: Language | null
}

/** A request to relay, as received: what must not pass is removed here. */
export interface RelayRequest {
  id: string
  method: string
  /** The raw request target up to `?`, and the rest from there. */
  path: string
  search: string
  /** Name, value, name, value … */
  rawHeaders: readonly string[]
  /** null: no body. */
  body: Readable | null
  /** The client's address, as derived with trustedProxies. */
  network: string
  caller: RelayCaller | null
}

/** An upstream's headers or trailers: names in lower case, repeated values as a list. */
export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Where a response goes: Node's response for a browser, a web Response for a page that is rendering. */
export interface Sink {
  /** @param headers name, value, name, value …, already filtered */
  start(status: number, headers: string[], policy: string | null): void
  /**
   * @param chunk owned by the sink from now on, which may free it
   * @returns false to apply backpressure; `onDrain` is called when there is room again
   */
  write(chunk: Buffer): boolean
  onDrain(resume: () => void): void
  /** @param trailers names and their values */
  end(trailers: [string, string][]): void
  /** Aborts a response that has begun, so that the client cannot mistake it for complete. */
  cut(): void
  /** Called once, when the client has disconnected. */
  onGone(stop: () => void): void
}

/** The credentials of one call. */
export interface UpstreamAuth {
  /** Name, value, … */
  headers: string[]
  token: string
  /** Whether the token is bound to a key of ours, so that each call needs a proof of possession (RFC 9449). */
  bound: boolean
}

export interface Credentials {
  /**
   * @param outgoing the call as sent to the upstream
   * @param refused the token that it has just refused; null: the first attempt
   */
  headersFor(
    upstream: Upstream,
    caller: RelayCaller,
    outgoing: { method: string; path: string },
    refused: string | null,
  ): MaybePromise<UpstreamAuth>
  /** Records that an upstream refused a token, so that the next call uses another one if possible. */
  refused(upstream: Upstream, caller: RelayCaller, token: string): void
  /** Drops the state of a session that has ended. */
  forget(sessionId: string): void
  /** Records the nonce that a response to a call with a bound token may request for the next proof. */
  onResponse(upstream: Upstream, headers: UpstreamHeaders): void
}

/** Issues and caches tokens for upstreams, which never leave the server otherwise. */
export interface UpstreamTokens {
  /** @param fresh bypasses a cached token, because the upstream refused it */
  tokenFor(upstream: Upstream, caller: RelayCaller, fresh: boolean): MaybePromise<string>
  /** Drops the tokens of a session that has ended, and issues none for it from then on. */
  forget(sessionId: string): void
}
