import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Agent } from 'undici'
import { SECOND } from '../base/clock.ts'
import { type Reach, reachOf } from './addresses.ts'
import { type CallFailure, failureOf, failureOfNetwork, mayFail } from './call-failure.ts'

const TIMEOUT_MS = 10 * SECOND
/** Longer than any response of a provider, be it metadata, keys or tokens. */
const MAX_BYTES = 1024 * 1024

/** The arguments that openid-client passes to its custom fetch. */
interface Call {
  method: string
  headers: Record<string, string> | Headers
  body?: unknown
  signal?: AbortSignal
}

export interface Outbound {
  /**
   * Like fetch, but bounded in time and size, without redirects, and restricted in where it connects.
   * @throws TypeError with the cause if the response is missing or incomplete; Error if it is too large
   */
  fetch(url: string, call: Call): Promise<Response>
  close(): Promise<void>
}

/**
 * Calls one provider.
 * @param trusted hosts from the configuration, the issuer's first, which may have any address. Hosts that the provider
 * names may be no closer to us than its issuer, so that an outsider cannot direct our calls at internal services
 * (SSRF).
 * @param mayBePlain whether the issuer is plain http on this machine, in which case its endpoints may be, too
 * @param report called for each failed call
 */
export function createOutbound({
  trusted,
  mayBePlain,
  report,
}: {
  trusted: readonly string[]
  mayBePlain: boolean
  report: (failure: CallFailure) => void
}): Outbound {
  let issuerReach: Reach | null = null
  let agent: Promise<Agent> | null = null

  function mayReach(hostname: string, address: string): boolean {
    const reach = reachOf(address)
    const bare = hostname.replace(/^\[|\]$/g, '')
    if (trusted.includes(bare)) {
      // Of several addresses the most distant counts: a public issuer gets no access to this machine by also resolving
      // to it.
      if (bare === trusted[0]) issuerReach = farther(issuerReach, reach)
      return true
    }
    if (reach === 'public') return true
    return reach !== 'link_local' && (reach === issuerReach || (reach === 'private' && issuerReach === 'loopback'))
  }

  /** Checks the very address that is connected to, so that DNS rebinding gains nothing. */
  const guardedLookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '')
      const allowed = found.filter(candidate => mayReach(hostname, candidate.address))
      const [first] = allowed
      if (first === undefined) return callback(refusedAddress(hostname), '')
      if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }

  /** Loaded by the first call, because a server without providers needs none of it. */
  const connected = (): Promise<Agent> =>
    (agent ??= import('undici').then(
      undici =>
        new undici.Agent({
          connect: { lookup: guardedLookup, timeout: TIMEOUT_MS / 2 },
          connections: 32,
          headersTimeout: TIMEOUT_MS,
          bodyTimeout: TIMEOUT_MS,
        }),
    ))

  async function send(url: string, { method, headers, body, signal }: Call): Promise<Response> {
    const { protocol, hostname } = new URL(url)
    if (protocol !== 'https:' && !(protocol === 'http:' && mayBePlain)) throw refused('only https is called')
    // A host that is an IP address is not looked up.
    const bare = hostname.replace(/^\[|\]$/g, '')
    if (isIP(bare) !== 0 && !mayReach(bare, bare)) throw failed(refusedAddress(bare))
    const limit = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const dispatcher = await connected()
      const { request } = await import('undici')
      const answer = await request(url, {
        dispatcher,
        headers: Object.fromEntries(new Headers(headers)),
        method: method as 'GET' | 'POST',
        body: body === undefined || body === null ? null : String(body as string | URLSearchParams),
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      })
      const bytes = await readBounded(answer.body)
      const pairs = Object.entries(answer.headers).flatMap(([name, value]) =>
        [value ?? []].flat().map((item): [string, string] => [name, item]),
      )
      const isBodiless = answer.statusCode === 204 || answer.statusCode === 304
      return new Response(isBodiless ? null : bytes, { status: answer.statusCode, headers: pairs })
    } catch (error) {
      throw error instanceof TooLarge ? error : failed(error)
    }
  }

  return {
    async fetch(url, call) {
      const sent = { method: call.method, url, headers: new Headers(call.headers), body: call.body }
      const response = await send(url, call).catch((error: unknown) => {
        report(failureOfNetwork(sent, error))
        throw error
      })
      const { status } = response
      const failure = mayFail(sent, status)
        ? failureOf(sent, { status, headers: response.headers, text: await response.clone().text() })
        : null
      if (failure !== null) report(failure)
      return response
    },
    close: async () => (await agent)?.destroy(),
  }
}

const NEAR_TO_FAR: readonly Reach[] = ['link_local', 'loopback', 'private', 'public']

function farther(a: Reach | null, b: Reach): Reach {
  return a !== null && NEAR_TO_FAR.indexOf(a) > NEAR_TO_FAR.indexOf(b) ? a : b
}

class TooLarge extends Error {
  override readonly name = 'TooLarge'
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    // Leaving the loop destroys the connection.
    if (length > MAX_BYTES) throw new TooLarge(`a response of more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** In the form of a failed fetch, which openid-client passes on unchanged. */
function failed(cause: unknown): TypeError {
  return new TypeError('the call failed', { cause })
}

function refused(why: string): TypeError {
  return failed(Object.assign(new Error(why), { code: 'EREFUSED' }))
}

function refusedAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(
    new Error(`${hostname} is at an address of this machine or its network, but its issuer is not`),
    { code: 'EREFUSED' },
  )
}
