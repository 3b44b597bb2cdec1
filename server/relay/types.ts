import type { Readable } from 'node:stream'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Upstream } from '../config/upstream-config.ts'
import type { WireUser } from '../contract/wire.ts'
import type { LiveSession } from '../session/types.ts'

/** Who is asking, as far as an upstream may care. */
export interface RelayCaller {
  session: LiveSession
  user: WireUser
}

/** A request to pass on. Everything in it is as it came: what must not get through is taken out here. */
export interface RelayRequest {
  id: string
  method: string
  /** The raw target up to `?`, and from it on. */
  path: string
  search: string
  /** Name, value, name, value … */
  rawHeaders: readonly string[]
  /** null: none was sent. */
  body: Readable | null
  /** As trustedProxies let us know it. */
  network: string
  caller: RelayCaller | null
}

/** What an upstream's headers or trailers say: names in lower case, several values of one name as a list. */
export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Where an answer goes: Node's response for a browser, a web Response for a page that is rendering. */
export interface Sink {
  /** @param headers name, value, name, value … with what must not get out taken out already */
  start(status: number, headers: string[], policy: string | null): void
  /**
   * @param chunk is the sink's from now on: it may free it
   * @returns false when it wants a pause; `onDrain` is called when it has room again
   */
  write(chunk: Buffer): boolean
  onDrain(resume: () => void): void
  /** @param trailers names and their values */
  end(trailers: [string, string][]): void
  /** Cuts an answer that has begun: whoever reads it must not take it for whole. */
  cut(): void
  /** Called once, when nobody reads any more. */
  onGone(stop: () => void): void
}

/** What one call carries to say whose it is. */
export interface UpstreamAuth {
  /** Name, value, … */
  headers: string[]
  token: string
  /** Whether the token is bound to a key of ours, and each call proves that it is held (RFC 9449). */
  bound: boolean
}

export interface Credentials {
  /**
   * @param outgoing the call as the upstream gets it
   * @param refused the token that it has just refused; null: the first try
   */
  headersFor(
    upstream: Upstream,
    caller: RelayCaller,
    outgoing: { method: string; path: string },
    refused: string | null,
  ): MaybePromise<UpstreamAuth>
  /** An upstream has refused a token: the next call brings another, if there is another. */
  refused(upstream: Upstream, caller: RelayCaller, token: string): void
  /** A session has ended. */
  forget(sessionId: string): void
  /** An upstream has answered a call with a bound token: it may say what it wants to see in the next proof. */
  onResponse(upstream: Upstream, headers: UpstreamHeaders): void
}

/** Tokens for upstreams: minted here, kept here, seen by nobody else. */
export interface UpstreamTokens {
  /** @param fresh leaves a kept token aside, because the upstream refused it */
  tokenFor(upstream: Upstream, caller: RelayCaller, fresh: boolean): MaybePromise<string>
  /** Forgets what was minted for a session, which has ended, and mints nothing for it from then on. */
  forget(sessionId: string): void
}
