import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Hono } from 'hono'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Running, startApp, CONFIG } from '../../../tests/support/app.ts'
import type { Env } from '../request/hono-env.ts'
import { readProxyHeaders } from './proxy-protocol.ts'

const HEADER_1 = 'PROXY TCP4 203.0.113.9 192.0.2.1 50000 443\r\n'
const HEADER_2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\xc0\0\x02\x01\xc3\x50\x01\xbb'
const LOCAL = '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'
const get = (path: string, ...headers: string[]) =>
  ['GET /auth/' + path + ' HTTP/1.1', 'Host: porch.example', ...headers, '', ''].join('\r\n')
const LAST = 'Connection: close'

const running: Running[] = []
afterEach(async () => {
  for (const app of running.splice(0)) await app.close()
})

/** Tells the client's address that throttles, logs and upstreams see. */
const routes = () => new Hono<Env>().get('/who', c => c.json({ who: c.env.ctx.client.network }))

async function start(trusted: string[], proxyProtocol = true): Promise<Running> {
  const app = await startApp({
    config: { ...CONFIG, trustedProxies: trusted, proxyProtocol },
    authRoutes: routes(),
  })
  running.push(app)
  return app
}

const whoIn = (answer: string) => [...answer.matchAll(/"who":"([^"]*)"/g)].map(([, who]) => who)

describe('PROXY §2 behind a trusted proxy', () => {
  test('the client is the one of the header, for every request of the connection', async () => {
    const app = await start(['127.0.0.1'])
    for (const header of [HEADER_1, HEADER_2])
      expect(whoIn(await app.raw(header + get('who') + get('who') + get('who', LAST)))).toEqual(
        Array(3).fill('203.0.113.9'),
      )
    expect(whoIn(await app.raw(LOCAL + get('who', LAST))), 'a health check').toEqual(['127.0.0.1'])
  })

  test('a header may arrive byte by byte, and HTTP with its end or long after', async () => {
    const app = await start(['127.0.0.1'])
    const socket = connect({ port: app.port, host: '127.0.0.1', noDelay: true })
    let text = ''
    socket.on('data', data => (text += String(data)))
    for (const byte of HEADER_2 + get('who')) {
      socket.write(byte, 'latin1')
      await wait(1)
    }
    await expect.poll(() => whoIn(text)).toEqual(['203.0.113.9'])
    socket.write(get('who', LAST))
    await once(socket, 'close')
    expect(whoIn(text)).toEqual(['203.0.113.9', '203.0.113.9'])
  })

  test('a large body after the header arrives whole', async () => {
    const app = await start(['127.0.0.1'])
    const body = JSON.stringify({ filler: 'x'.repeat(60_000) })
    const more = [
      'Origin: http://porch.example',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      LAST,
    ]
    const answer = await app.raw(HEADER_1 + get('nothing', ...more).replace('GET', 'POST') + body)
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  })

  test('X-Forwarded-For is read if the client in the header is a trusted proxy, too, and ignored otherwise', async () => {
    const forged = 'X-Forwarded-For: 198.51.100.7'
    const app = await start(['127.0.0.1', '10.0.0.0/8'])
    expect(whoIn(await app.raw(HEADER_1 + get('who', forged, LAST)))).toEqual(['203.0.113.9'])
    const edge = HEADER_1.replace('203.0.113.9', '10.1.2.3')
    expect(whoIn(await app.raw(edge + get('who', forged, LAST)))).toEqual(['198.51.100.7'])
    expect(whoIn(await app.raw(LOCAL + get('who', forged, LAST)))).toEqual(['198.51.100.7'])
  })

  test('a connection without a valid header is closed without an answer, and logged once', async () => {
    const app = await start(['127.0.0.1'])
    for (const bytes of [
      get('who', LAST),
      'PROXY nonsense\r\n' + get('who'),
      '\r\n\r\nGET',
      HEADER_2.replace('\x21', '\x31'),
    ])
      expect(await app.raw(bytes)).toBe('')
    const logged = app.log.lines.filter(({ event }) => event === 'proxy_protocol_missing')
    expect(logged).toEqual([expect.objectContaining({ peer: '127.0.0.1', why: 'no PROXY protocol header' })])
  })

  test('one that ends or breaks off within the header is closed', async () => {
    const app = await start(['127.0.0.1'])
    const breakOff = (end: (socket: Socket) => void) =>
      new Promise(closed => {
        const socket = connect(app.port, '127.0.0.1', () => socket.write('PROXY TCP4', () => end(socket)))
        socket
          .on('error', () => {})
          .on('close', closed)
          .resume()
      })
    await Promise.all([breakOff(socket => socket.end()), breakOff(socket => socket.resetAndDestroy())])
    expect(whoIn(await app.raw(HEADER_1 + get('who', LAST)))).toEqual(['203.0.113.9'])
  })

  test('an upgrade keeps the address and every byte', async () => {
    const server = createServer()
    server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.write(
        `${incoming.socket.remoteAddress} ${incoming.socket.remotePort} ${incoming.socket.remoteFamily} ${head}`,
      )
      socket.on('data', data => socket.write(data))
    })
    readProxyHeaders(server, { isTrusted: () => true, refused: () => {} })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    onTestFinished(() => void (socket.destroy(), server.close()))
    let text = ''
    socket.on('data', data => (text += String(data)))
    socket.write(`${HEADER_1}GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhead`)
    await expect.poll(() => text).toBe('203.0.113.9 50000 IPv4 head')
    socket.write(' and more')
    await expect.poll(() => text).toBe('203.0.113.9 50000 IPv4 head and more')
  })
})

describe('PROXY §2 ASVS 4.1.3 from any other peer', () => {
  test('a forged header is refused and names nobody, while plain HTTP works', async () => {
    const app = await start(['10.0.0.1'])
    for (const header of [HEADER_1, HEADER_2, LOCAL]) {
      const answer = await app.raw(header + get('who'))
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer).not.toContain('203.0.113.9')
    }
    expect(whoIn(await app.raw(get('who', LAST)))).toEqual(['127.0.0.1'])
    expect(JSON.stringify(app.log.lines)).not.toContain('203.0.113.9')
  })

  test('nothing is read from anyone, nor anything put in front of HTTP, unless it is switched on', async () => {
    const app = await start(['127.0.0.1'], false)
    expect(await app.raw(HEADER_2 + get('who'))).toMatch(/^HTTP\/1\.1 400 /)
    expect(whoIn(await app.raw(get('who', LAST)))).toEqual(['127.0.0.1'])
    expect(app.server.listeners('connection')[0]).toBe(createServer().listeners('connection')[0])
  })
})
