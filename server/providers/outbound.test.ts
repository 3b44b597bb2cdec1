import type * as Dns from 'node:dns'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createOutbound, type Outbound } from './outbound.ts'

/** Host names that only resolve in these tests. */
const names = vi.hoisted(() => new Map<string, { address: string; family: number }[]>())
vi.mock('node:dns', async original => {
  const dns = await original<typeof Dns>()
  const lookup = (host: string, options: object, callback: (error: null, found: object) => void) =>
    names.has(host)
      ? callback(null, names.get(host) ?? [])
      : dns.lookup(host, options as { all: true }, callback as never)
  return { ...dns, lookup }
})

let asked: string[]
let answer: (request: IncomingMessage, response: ServerResponse) => void
let server: http.Server
let origin: string
let outbound: Outbound
beforeEach(async () => {
  asked = []
  server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host?.replace(/:\d+$/, '')} ${request.url}`)
    answer(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  origin = `127.0.0.1:${(server.address() as AddressInfo).port}`
  outbound = createOutbound({ trusted: ['127.0.0.1'], mayBePlain: true, report: () => {} })
})
afterEach(async () => {
  await outbound.close()
  await new Promise(resolve => {
    server.close(resolve)
    server.closeAllConnections()
  })
})

const GET = { method: 'GET', headers: {} }
const causeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: Error) =>
      `${error.name} ${error.cause instanceof Error ? ((error.cause as NodeJS.ErrnoException).code ?? error.cause.name) : ''}`.trim(),
  )

describe('a call', () => {
  test('is sent with its body and headers, and the response is returned whole', async () => {
    answer = (request, response) =>
      request.pipe(
        response.writeHead(201, { 'x-kind': request.headers['content-type'] ?? '', 'set-cookie': ['a=1', 'b=2'] }),
      )
    const response = await outbound.fetch(`http://${origin}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ a: 'ä b' }),
    })
    expect([response.status, response.headers.get('x-kind'), await response.text()]).toEqual([
      201,
      'application/x-www-form-urlencoded',
      'a=%C3%A4+b',
    ])
  })

  test('follows no redirect', async () => {
    answer = (_request, response) => response.writeHead(302, { location: `http://${origin}/elsewhere` }).end()
    expect((await outbound.fetch(`http://${origin}/a`, GET)).status).toBe(302)
    expect(asked).toEqual(['GET 127.0.0.1 /a'])
  })

  test('fails if the response is too long or truncated', async () => {
    answer = (_request, response) => response.end('x'.repeat(1024 * 1024))
    expect((await (await outbound.fetch(`http://${origin}/`, GET)).text()).length).toBe(1024 * 1024)
    answer = (_request, response) => response.end('x'.repeat(1024 * 1024 + 1))
    expect(await causeOf(outbound.fetch(`http://${origin}/`, GET))).toBe('TooLarge')
    answer = (_request, response) =>
      void response.writeHead(200, { 'content-length': '10' }).write('x', () => response.destroy())
    expect(await causeOf(outbound.fetch(`http://${origin}/`, GET))).toMatch(/^TypeError/)
  })

  test('is aborted by its signal', async () => {
    answer = () => {}
    expect(await causeOf(outbound.fetch(`http://${origin}/`, { ...GET, signal: AbortSignal.timeout(50) }))).toMatch(
      /^TypeError/,
    )
  })

  test('to a closed port fails with its error code', async () => {
    expect(await causeOf(outbound.fetch('http://127.0.0.1:1/', GET))).toBe('TypeError ECONNREFUSED')
  })
})

describe('SSRF by discovery: a remote provider', () => {
  // Its name resolves to this machine, but its issuer is remote, as the address that it is reached at shows.
  test('reaches nothing on this machine or its network, by address or by name', async () => {
    answer = (_request, response) => response.end('{}')
    const port = origin.split(':')[1] ?? ''
    const guarded = createOutbound({ trusted: ['provider.example'], mayBePlain: true, report: () => {} })
    const places = [
      `http://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      `http://[::1]:${port}`,
      `http://[::ffff:127.0.0.1]:${port}`,
      `http://0.0.0.0:${port}`,
      `http://0x7f.1:${port}`,
      `http://2130706433:${port}`,
      'http://169.254.169.254/latest/meta-data',
      'http://10.0.0.1/',
      'http://[fd00::1]/',
    ]
    for (const place of places) expect(await causeOf(guarded.fetch(place, GET)), place).toBe('TypeError EREFUSED')
    expect(asked).toEqual([])
    await guarded.close()
  })

  test('plain http is only used if the issuer is plain http on this machine', async () => {
    const careful = createOutbound({ trusted: ['127.0.0.1'], mayBePlain: false, report: () => {} })
    expect(await causeOf(careful.fetch(`http://${origin}/`, GET))).toBe('TypeError EREFUSED')
    expect(await causeOf(careful.fetch('ftp://127.0.0.1/', GET))).toBe('TypeError EREFUSED')
    await careful.close()
  })

  test('a public issuer gets no more access if its name also resolves to this machine', async () => {
    names.set('issuer.test', [
      { address: '2001:db8::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ])
    names.set('inner.test', [{ address: '127.0.0.1', family: 4 }])
    answer = (_request, response) => response.end('here')
    await outbound.close()
    outbound = createOutbound({ trusted: ['issuer.test'], mayBePlain: true, report: () => {} })
    const port = origin.split(':')[1] ?? ''
    await outbound.fetch(`http://issuer.test:${port}/`, GET).catch(() => {})
    expect(await causeOf(outbound.fetch(`http://inner.test:${port}/keys`, GET))).toBe('TypeError EREFUSED')
    expect(asked.filter(line => line.includes('/keys'))).toEqual([])
  })

  test('a provider on this machine may name others on it, but never link-local metadata services', async () => {
    answer = (_request, response) => response.end('{}')
    await outbound.fetch(`http://${origin}/`, GET)
    expect((await outbound.fetch(`http://localhost:${origin.split(':')[1] ?? ''}/keys`, GET)).status).toBe(200)
    expect(await causeOf(outbound.fetch('http://169.254.169.254/', GET))).toBe('TypeError EREFUSED')
  })
})
