import type { CallObserver, ObservedCall, OutgoingCall } from '../../base/call-observer.ts'
import { type Span, traceHeaders } from './span.ts'
import type { Tracer } from './tracer.ts'

/** Makes a span of each call to an upstream or provider, and tells the other server whose part it is. */
export function traceCalls(tracer: Tracer, to: 'upstream' | 'provider'): CallObserver {
  return {
    begin(call) {
      const name = nameOf(call)
      const parent = tracer.current()
      const span = parent === null ? backgroundSpan(tracer, name, to) : tracer.begin(parent, name, 'client')
      span?.set({
        'http.request.method': call.method,
        'peer.service': call.peer,
        'porchlight.operation': call.operation,
      })
      const sender = span ?? parent
      // Without one, what a client said about its own trace still does not pass.
      return observed(tracer, span, sender === null ? [] : traceHeaders(sender, to))
    },
  }
}

/** Of a renewal that no request waits for. Every relayed call belongs to a request. */
function backgroundSpan(tracer: Tracer, name: string, to: 'upstream' | 'provider'): Span | null {
  return to === 'provider' ? tracer.beginTrace({ name, kind: 'client', parent: null }) : null
}

const nameOf = ({ operation, peer }: OutgoingCall): string =>
  operation === 'relay' || operation === 'upgrade' ? `${operation} ${peer}` : `provider ${peer} ${operation}`

function observed(tracer: Tracer, span: Span | null, headers: readonly string[]): ObservedCall {
  return {
    headers,
    answered(status) {
      span?.set({ 'http.response.status_code': status })
      if (status >= 400) span?.fail(String(status))
    },
    ended(failure) {
      if (span === null) return
      if (failure === 'aborted') span.set({ 'porchlight.aborted': true })
      else if (failure !== null) span.fail(failure)
      tracer.end(span)
    },
  }
}
