import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Visitor } from '../client.ts'

const UPLOAD_BYTES = 3_000_000
const SLOW_CHUNKS = 20

export interface Outcome {
  what: string
  /** null: as it should be. */
  failure: string | null
  ms: number
}

/**
 * Requests without a pause, each kind on connections of its own, until it is stopped: the session, a page, and uploads to
 * the upstream `files`.
 */
export function load(visitors: readonly Visitor[]): { outcomes: Outcome[]; stop(): Promise<void> } {
  const outcomes: Outcome[] = []
  let going = true
  async function repeat(what: string, call: () => Promise<string | null>): Promise<void> {
    while (going) {
      const started = performance.now()
      const failure = await call().catch((error: unknown) => String(error))
      outcomes.push({ what, failure, ms: performance.now() - started })
    }
  }
  const lanes = visitors.flatMap(visitor => [
    repeat('session', async () => {
      const answer = await visitor.get('/auth/session')
      const user = answer.status === 200 ? answer.json<{ user: unknown }>().user : null
      return user === null ? `${answer.status} ${answer.text}` : null
    }),
    repeat('page', async () => {
      const { status } = await visitor.page('/account')
      return status === 200 ? null : `${status}`
    }),
    repeat('upload', async () => {
      const body = 'x'.repeat(UPLOAD_BYTES)
      const { status, text } = await visitor.post('/api/files/upload', body, { 'content-type': 'text/plain' })
      return status === 200 && text === String(UPLOAD_BYTES) ? null : `${status} ${text}`
    }),
    repeat('slow upload', () => slowUpload(visitor)),
  ])
  return {
    outcomes,
    async stop() {
      going = false
      await Promise.all(lanes)
    },
  }
}

/** Takes two seconds, so that every restart meets some. */
function slowUpload(visitor: Visitor): Promise<string | null> {
  const { origin, host, port } = new URL(visitor.origin)
  return new Promise((resolve, reject) => {
    const upload = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: '/api/files/upload',
        agent: false,
        headers: { host, origin, cookie: visitor.jar.header() ?? '', 'content-type': 'text/plain' },
      },
      answer => {
        let text = ''
        answer.on('data', data => (text += String(data)))
        answer.on('end', () => {
          visitor.jar.take(answer.headers['set-cookie'] ?? [])
          resolve(
            answer.statusCode === 200 && text === String(SLOW_CHUNKS * 1000) ? null : `${answer.statusCode} ${text}`,
          )
        })
        answer.on('error', reject)
      },
    )
    upload.on('error', reject)
    let left = SLOW_CHUNKS
    const timer = setInterval(() => {
      if (upload.destroyed || left-- <= 0) return void (clearInterval(timer), upload.end())
      upload.write('y'.repeat(1000))
    }, 100)
  })
}

/** The upstream `files`, which tells how many bytes arrived. */
export async function startFiles(): Promise<{ origin: string; stop(): void }> {
  const server = createServer((incoming, outgoing) => {
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => (bytes += chunk.length))
    incoming.on('end', () => outgoing.end(String(bytes)))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() }
}
