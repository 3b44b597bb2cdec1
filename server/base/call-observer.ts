/** Watches calls to other servers, to measure them. Where nothing does, there is none, which costs nothing. */
export interface CallObserver {
  begin(call: OutgoingCall): ObservedCall
}

export interface OutgoingCall {
  /** The name of the upstream or the id of the provider, as configured. */
  peer: string
  /** The request method; `CONNECT` is not among them, and an upgrade is a GET. */
  method: string
  /** upgrade: to a WebSocket. For a provider, which endpoint is called. */
  operation: 'relay' | 'upgrade' | ProviderOperation
}

/** What is called at a provider. */
export type ProviderOperation =
  'discovery' | 'keys' | 'token' | 'userinfo' | 'revocation' | 'pushed_request' | 'token_api' | 'other'

/** Has two observers watch the same calls; null: neither does. */
export function bothObservers(first: CallObserver | null, second: CallObserver | null): CallObserver | null {
  if (first === null || second === null) return first ?? second
  return {
    begin(call) {
      const calls = [first.begin(call), second.begin(call)] as const
      return {
        headers: calls[0].headers ?? calls[1].headers,
        answered(status) {
          for (const each of calls) each.answered(status)
        },
        ended(failure) {
          for (const each of calls) each.ended(failure)
        },
      }
    },
  }
}

export interface ObservedCall {
  /**
   * Trace context to send with the call, in place of what a client sent (W3C Trace Context): name, value, …
   * null: nothing is added or removed.
   */
  readonly headers: readonly string[] | null
  /** The headers of the response have arrived. */
  answered(status: number): void
  /**
   * Called once, at the end.
   * @param failure a problem code, or another name from a closed list; null: the response is complete
   */
  ended(failure: string | null): void
}
