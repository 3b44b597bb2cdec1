// The least that a proxy on Node can be: node:http, undici's dispatch straight onto the response, and the header rules
// that any proxy has to follow (RFC 9110 §7.6). It knows no sessions: its token and the headers that it adds to answers
// are given. Upgrades are joined to a bare socket.
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { argv } from 'node:process'
import { Pool } from 'undici'
import type { BareProxy } from '../baselines.ts'

const { port, upstream, prefix, headers: added } = JSON.parse(argv[2] ?? '') as BareProxy
const pool = new Pool(`http://127.0.0.1:${upstream}`, { allowH2: false, bodyTimeout: 0 })
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const NOT_FORWARDED = new Set([...HOP_BY_HOP, 'host', 'cookie', 'authorization', 'expect'])
const TOKEN = `Bearer ${'x'.repeat(600)}`

function endToEnd(raw: readonly (string | Buffer)[], removed: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = text(raw[i])
    if (!removed.has(name.toLowerCase())) kept.push(name, text(raw[i + 1]))
  }
  return kept
}

function text(part: string | Buffer | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '')
}

const server = createServer((request, response: ServerResponse) => {
  const headers = endToEnd(request.rawHeaders, NOT_FORWARDED)
  headers.push(
    'x-forwarded-for',
    request.socket.remoteAddress ?? '',
    'x-forwarded-proto',
    'http',
    'x-forwarded-host',
    request.headers.host ?? '',
    'authorization',
    TOKEN,
  )
  pool.dispatch(
    {
      method: request.method ?? 'GET',
      path: request.url?.slice(prefix.length) ?? '/',
      headers,
      body: request.method === 'GET' ? null : request,
    },
    {
      onRequestStart() {},
      onResponseStart(controller, status) {
        const answered = endToEnd(controller.rawHeaders as Buffer[], HOP_BY_HOP)
        answered.push(...added)
        response.writeHead(status, answered)
        response.on('drain', () => controller.resume())
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) controller.pause()
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  )
})
server.on('upgrade', (request, client, head) => {
  const other = connect(upstream, '127.0.0.1', () => {
    let opening = `GET ${request.url?.slice(prefix.length)} HTTP/1.1\r\n`
    for (let i = 0; i + 1 < request.rawHeaders.length; i += 2)
      opening += `${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`
    other.write(`${opening}\r\n`)
    other.write(head)
    other.pipe(client).pipe(other)
  })
  other.setNoDelay(true)
  for (const [one, another] of [
    [client, other],
    [other, client],
  ] as const)
    one.on('error', () => {}).on('close', () => another.destroy())
})
server.listen(port, '127.0.0.1', () => process.send?.('listening'))
