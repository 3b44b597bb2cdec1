import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Agent } from 'undici'
import { SECOND } from '../base/clock.ts'
import { type Reach, reachOf } from './addresses.ts'
import { type CallFailure, failureOf, failureOfNetwork, mayFail } from './call-failure.ts'

const TIMEOUT_MS = 10 * SECOND
/** No answer of a provider is longer: neither metadata, nor keys, nor tokens. */
const MAX_BYTES = 1024 * 1024

/** What openid-client hands to whatever calls out for it. */
interface Call {
  method: string
  headers: Record<string, string> | Headers
  body?: unknown
  signal?: AbortSignal
}

export interface Outbound {
  /**
   * Like fetch, but bounded in time and size, following no redirect, and careful where it goes.
   * @throws TypeError with the cause when nothing or not everything came back; Error when it was too much
   */
  fetch(url: string, call: Call): Promise<Response>
  close(): Promise<void>
}

/**
 * Calls out to one provider.
 * @param trusted hosts that stand in the configuration, the issuer's first: whatever their addresses, they are meant.
 * What the provider itself names may be no nearer to us than its issuer is: nobody outside shall choose what we ask
 * inside (SSRF).
 * @param mayBePlain whether the issuer is plain http on this machine; then its endpoints may be, too
 * @param report hears of each call that came to nothing
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
      // Of several addresses the farthest counts: an issuer that is public is no nearer for also naming this machine.
      if (bare === trusted[0]) issuerReach = farther(issuerReach, reach)
      return true
    }
    if (reach === 'public') return true
    return reach !== 'link_local' && (reach === issuerReach || (reach === 'private' && issuerReach === 'loopback'))
  }

  /**
   * Judged on the very address that is connected to: a name that resolves to another one a moment later gains nothing.
   */
  const guardedLookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '')
      const allowed = found.filter(one => mayReach(hostname, one.address))
      const [first] = allowed
      if (first === undefined) return callback(refusedAddress(hostname), '')
      if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }

  /** Loaded by the first call: a server without providers carries none of it. */
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

  async function ask(url: string, { method, headers, body, signal }: Call): Promise<Response> {
    const { protocol, hostname } = new URL(url)
    if (protocol !== 'https:' && !(protocol === 'http:' && mayBePlain)) throw refused('only https is called')
    // A host that is an address is not looked up.
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
        [value ?? []].flat().map((one): [string, string] => [name, one]),
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
      const response = await ask(url, call).catch((error: unknown) => {
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
    // Leaving the loop ends the connection.
    if (length > MAX_BYTES) throw new TooLarge(`a response of more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** In the form that fetch gives to a call that failed on its way: openid-client passes it on as it is. */
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
