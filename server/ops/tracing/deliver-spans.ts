import type { Agent } from 'undici'
import { SECOND } from '../../base/clock.ts'
import type { Config } from '../../config/types.ts'
import type { Deliver, Delivery } from './span-exporter.ts'

/** A receiver's answer is a few words. */
const MAX_BYTES = 64 * 1024
const RETRYABLE = new Set([429, 502, 503, 504])

/**
 * Posts batches to a receiver of OTLP over HTTP. Redirects are not followed, since the headers may hold a key.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function createDelivery({ url, headers }: Pick<NonNullable<Config['traces']>, 'url' | 'headers'>): {
  deliver: Deliver
  close(): Promise<void>
} {
  let agent: Promise<Agent> | null = null
  const connected = () => (agent ??= import('undici').then(undici => new undici.Agent({ connections: 1 })))
  const sent = [
    ...headers.flatMap(({ name, value }) => [name, value.reveal()]),
    ...['content-type', 'application/json', 'content-encoding', 'gzip'],
  ]
  return {
    async deliver(body, withinMs): Promise<Delivery> {
      try {
        const dispatcher = await connected()
        const { request } = await import('undici')
        const signal = AbortSignal.timeout(withinMs)
        const answer = await request(url, { dispatcher, method: 'POST', headers: sent, body, signal })
        const status = answer.statusCode
        const text = await readBounded(answer.body)
        if (status >= 200 && status < 300) return { kind: 'taken', rejected: rejectedIn(text) }
        const why = `status ${status}`
        if (!RETRYABLE.has(status)) return { kind: 'refused', why }
        return { kind: 'again', why, waitMs: waitIn(answer.headers['retry-after']) }
      } catch (error) {
        return { kind: 'again', why: reasonOf(error), waitMs: null }
      }
    },
    close: async () => (await agent)?.destroy(),
  }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    // Leaving the loop destroys the connection.
    if (length > MAX_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** A receiver may take a part only (§ partial success). What is no JSON tells nothing. */
function rejectedIn(text: string): number {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: string | number } }
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0)
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0
  } catch {
    return 0
  }
}

function waitIn(retryAfter: string | string[] | undefined): number | null {
  return typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * SECOND : null
}

/** A code rather than a message, which might repeat what was sent. */
function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, name } = at as NodeJS.ErrnoException
    if (name === 'TimeoutError') return 'no answer in time'
    if (typeof code === 'string') return code
  }
  return 'no connection'
}
