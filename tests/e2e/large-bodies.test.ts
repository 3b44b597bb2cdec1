import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setUp } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

const MEGABYTE = 1024 * 1024
/** Half a gigabyte each way; in the other framing, which costs the same, enough to see that nothing piles up. */
const LARGE = 500 * MEGABYTE
const FRAMED = 160 * MEGABYTE
/** How far the server may grow above idle: its buffers and what V8 has not collected yet, and far from what passes. */
const GROWTH_BELOW = 150 * MEGABYTE

const seen = existsSync('/proc/self/status')
if (!seen)
  process.stderr.write(
    '\n!! large-bodies: this system has no /proc, so how much memory the server takes is NOT checked; that every byte arrives is.\n\n',
  )

let server: Server
let upstream: http.Server
let headers: Record<string, string>
let idle = 0

beforeAll(async () => {
  upstream = http.createServer(answer).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  server = await startServer({
    settings: { UPSTREAMS: JSON.stringify([{ name: 'files', target: `http://127.0.0.1:${port}` }]) },
  })
  const { browser } = await setUp(server.origin)
  headers = {
    host: new URL(server.origin).host,
    cookie: browser.jar.header() ?? '',
    origin: server.origin,
    'sec-fetch-site': 'same-origin',
  }
  // What the first call loads belongs to the relay, not to a body.
  await upload({ 'content-length': '1' }, [Buffer.from('x')])
  if (seen) idle = resident('VmRSS')
})
afterAll(async () => {
  upstream?.closeAllConnections()
  upstream?.close()
  await stopAll()
})

const block = randomBytes(MEGABYTE)

/** The same bytes each time, no two megabytes alike. */
function* content(size: number): Generator<Buffer> {
  for (let i = 0; i < size / MEGABYTE; i++) {
    const next = Buffer.from(block)
    next.writeUInt32BE(i)
    yield next
  }
}

function hashOf(size: number): string {
  const hash = createHash('sha256')
  for (const chunk of content(size)) hash.update(chunk)
  return hash.digest('hex')
}

interface Received {
  bytes: number
  hash: string
}

async function received(body: Readable): Promise<Received> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, hash: hash.digest('hex') }
}

function answer(incoming: http.IncomingMessage, outgoing: http.ServerResponse): void {
  if (incoming.method === 'POST') {
    received(incoming).then(
      what => outgoing.end(JSON.stringify({ ...what, length: incoming.headers['content-length'] ?? null })),
      () => outgoing.destroy(),
    )
    return
  }
  const isSized = incoming.url === '/sized'
  outgoing.writeHead(200, {
    'content-type': 'application/octet-stream',
    ...(isSized ? { 'content-length': LARGE } : {}),
  })
  pipeline(Readable.from(content(isSized ? LARGE : FRAMED)), outgoing).catch(() => outgoing.destroy())
}

async function upload(
  size: Record<string, string>,
  body: Iterable<Buffer>,
): Promise<Received & { length: string | null }> {
  const sent = http.request({
    host: '127.0.0.1',
    port: server.port,
    path: '/api/files/',
    method: 'POST',
    agent: false,
    headers: { ...headers, ...size },
  })
  const [[response]] = await Promise.all([
    once(sent, 'response') as Promise<[http.IncomingMessage]>,
    pipeline(Readable.from(body), sent),
  ])
  return JSON.parse((await response.toArray()).join('')) as Received & { length: string | null }
}

async function download(path: string): Promise<Received & { length: string | null }> {
  const sent = http.get({ host: '127.0.0.1', port: server.port, path: `/api/files${path}`, agent: false, headers })
  const [response] = (await once(sent, 'response')) as [http.IncomingMessage]
  return { ...(await received(response)), length: response.headers['content-length'] ?? null }
}

/** Bytes resident in the server: now, or the most there have ever been. */
function resident(line: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${line}:\\s+(\\d+)`).exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) * 1024
}

test.each<{
  what: string
  size: number
  pass: () => Promise<Received & { length: string | null }>
  length: string | null
}>([
  {
    what: 'an upload of 500 MB of known length',
    size: LARGE,
    pass: () => upload({ 'content-length': String(LARGE) }, content(LARGE)),
    length: String(LARGE),
  },
  {
    what: 'a chunked upload of 160 MB',
    size: FRAMED,
    pass: () => upload({ 'transfer-encoding': 'chunked' }, content(FRAMED)),
    length: null,
  },
  { what: 'a download of 500 MB of known length', size: LARGE, pass: () => download('/sized'), length: String(LARGE) },
  { what: 'a chunked download of 160 MB', size: FRAMED, pass: () => download('/chunked'), length: null },
])(
  '$what arrives byte for byte, and the server keeps none of it',
  { timeout: 300_000 },
  async ({ size, pass, length }) => {
    expect(await pass()).toEqual({ bytes: size, hash: hashOf(size), length })
    // The most there has been in all of the process's life: no sample can miss it.
    if (seen) expect(resident('VmHWM') - idle).toBeLessThan(GROWTH_BELOW)
  },
)
