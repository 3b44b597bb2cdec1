import type { CallObserver, ProviderOperation } from '../base/call-observer.ts'
import type { ProviderClient } from './types.ts'
import { failureOfNetwork } from './call-failure.ts'
import type { Outbound } from './outbound.ts'

/** @param peer the provider's id, under which its calls are reported */
export function observedOutbound(
  outbound: Outbound,
  {
    observer,
    peer,
    operationOf,
  }: { observer: CallObserver; peer: string; operationOf: (url: string) => ProviderOperation },
): Outbound {
  return {
    close: outbound.close,
    async fetch(url, call) {
      const observed = observer.begin({ peer, method: call.method, operation: operationOf(url) })
      try {
        const response = await outbound.fetch(
          url,
          observed.headers === null ? call : withHeaders(call, observed.headers),
        )
        observed.answered(response.status)
        observed.ended(null)
        return response
      } catch (error) {
        const sent = { method: call.method, url, headers: new Headers(call.headers), body: call.body }
        observed.ended(failureOfNetwork(sent, error).code ?? 'failed')
        throw error
      }
    },
  }
}

type Call = Parameters<Outbound['fetch']>[1]

/** @param added name, value, … */
function withHeaders(call: Call, added: readonly string[]): Call {
  const headers = new Headers(call.headers)
  for (let i = 0; i + 1 < added.length; i += 2) headers.set(added[i] ?? '', added[i + 1] ?? '')
  return { ...call, headers }
}

const ENDPOINTS = {
  jwks_uri: 'keys',
  token_endpoint: 'token',
  userinfo_endpoint: 'userinfo',
  revocation_endpoint: 'revocation',
  pushed_authorization_request_endpoint: 'pushed_request',
} as const

/** @param client null: what is called is what leads to one */
export function operationAt(url: string, client: Pick<ProviderClient, 'configuration'> | null): ProviderOperation {
  const path = url.split('?', 1)[0] ?? url
  if (client === null) return 'discovery'
  const metadata = client.configuration.serverMetadata()
  for (const [field, operation] of Object.entries(ENDPOINTS))
    if (metadata[field as keyof typeof ENDPOINTS]?.split('?', 1)[0] === path) return operation
  return path.includes('/.well-known/') ? 'discovery' : 'other'
}
