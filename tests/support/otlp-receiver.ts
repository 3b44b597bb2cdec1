import http, { type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** A span as it arrived, its attributes as a plain object. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | null
  traceState: string | null
  name: string
  kind: number
  startNanos: bigint
  endNanos: bigint
  attributes: Record<string, string | number | boolean>
  links: { traceId: string; spanId: string }[]
  isError: boolean
}

export interface OtlpReceiver {
  /** What PORCHLIGHT_TRACES_URL takes. */
  url: string
  spans: ReceivedSpan[]
  /** Every body, for a search of what must not be in any. */
  bodies: string[]
  headers: IncomingHttpHeaders[]
  /** The attributes of whoever sent. */
  resource: ReceivedSpan['attributes']
  /** What the next requests are answered with; 200 when there is none left. */
  answers: { status: number; headers?: Record<string, string>; body?: string }[]
  stop(): Promise<void>
}

type Json = Record<string, unknown>

/**
 * A receiver of OTLP over http in JSON, strict about its form.
 * @see https://opentelemetry.io/docs/specs/otlp/
 */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const server = http.createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    bodies: [],
    headers: [],
    resource: {},
    answers: [],
    stop: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  server.on('request', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      receiver.headers.push(request.headers)
      const answer = receiver.answers.shift()
      const isExpected =
        request.method === 'POST' &&
        request.url === '/v1/traces' &&
        request.headers['content-type'] === 'application/json' &&
        request.headers['content-encoding'] === 'gzip'
      if (!isExpected) return void response.writeHead(400).end()
      if (answer === undefined || answer.status === 200) take(receiver, gunzipSync(Buffer.concat(chunks)).toString())
      response.writeHead(answer?.status ?? 200, { 'content-type': 'application/json', ...answer?.headers })
      response.end(answer?.body ?? '{}')
    })
  })
  return receiver
}

function take(receiver: OtlpReceiver, body: string): void {
  receiver.bodies.push(body)
  const { resourceSpans } = JSON.parse(body) as { resourceSpans: Json[] }
  for (const { resource, scopeSpans } of resourceSpans) {
    receiver.resource = attributesIn((resource as Json)['attributes'])
    for (const { spans } of scopeSpans as Json[]) receiver.spans.push(...(spans as Json[]).map(span => received(span)))
  }
}

function received(span: Json): ReceivedSpan {
  const status = span['status'] as { code?: number }
  return {
    traceId: matching(span['traceId'], /^[\da-f]{32}$/),
    spanId: matching(span['spanId'], /^[\da-f]{16}$/),
    parentSpanId: span['parentSpanId'] === undefined ? null : matching(span['parentSpanId'], /^[\da-f]{16}$/),
    traceState: (span['traceState'] as string | undefined) ?? null,
    name: matching(span['name'], /./),
    kind: Number(span['kind']),
    startNanos: BigInt(matching(span['startTimeUnixNano'], /^\d{19}$/)),
    endNanos: BigInt(matching(span['endTimeUnixNano'], /^\d{19}$/)),
    attributes: attributesIn(span['attributes']),
    links: ((span['links'] ?? []) as Json[]).map(link => ({
      traceId: matching(link['traceId'], /^[\da-f]{32}$/),
      spanId: matching(link['spanId'], /^[\da-f]{16}$/),
    })),
    isError: status.code === 2,
  }
}

function matching(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new Error(`not of the form ${pattern}: ${String(value)}`)
  return value
}

function attributesIn(list: unknown): ReceivedSpan['attributes'] {
  return Object.fromEntries(
    (list as { key: string; value: Json }[]).map(({ key, value }) => {
      if ('intValue' in value) return [key, Number(matching(value['intValue'], /^-?\d+$/))]
      const [plain] = [value['stringValue'], value['boolValue'], value['doubleValue']].filter(one => one !== undefined)
      if (plain === undefined) throw new Error(`no value of ${key}`)
      return [key, plain as string | number | boolean]
    }),
  )
}
