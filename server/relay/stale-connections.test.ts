import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { testUpstream, ask, front } from './relay.testing.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
type Deed = (socket: Socket, head: string) => void

/** An upstream with keep-alive that handles successive requests, on any connection, as scripted. */
async function keeping(deeds: readonly Deed[]) {
  const heads: { connection: number; head: string }[] = []
  const sockets: Socket[] = []
  const server = createServer(socket => {
    const connection = sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      const head = String(chunk)
      heads.push({ connection, head })
      deeds[heads.length - 1]?.(socket, head)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const here = await front([
    testUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      timeouts: { connectMs: 500, headersMs: 1000, idleMs: 1000, websocketIdleMs: 1000 },
    }),
  ])
  onTestFinished(async () => {
    await here.close()
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { ...here, heads, connections: () => heads.map(one => one.connection) }
}

const answer: Deed = socket => void socket.write(OK)
const hangUp: Deed = socket => void socket.end()
const reset: Deed = socket => void socket.resetAndDestroy()
const begin: Deed = socket => void socket.end('H')

describe('a connection that the upstream closed just as it was reused:', () => {
  test.each([
    ['closes', hangUp],
    ['resets', reset],
  ])('RFC 9112 §9.3.1 GET and HEAD are retried once if it %s', async (_what, deed) => {
    for (const method of ['GET', 'HEAD']) {
      const { origin, connections } = await keeping([answer, deed, answer])
      expect((await ask(origin, '/api/notes')).status).toBe(200)
      expect((await ask(origin, '/api/notes?x=1', { method })).status).toBe(200)
      expect(connections()).toEqual([1, 1, 2])
    }
  })

  test('the retry is the same call, and there is no third attempt', async () => {
    const { origin, heads, connections } = await keeping([answer, reset, hangUp, answer])
    await ask(origin, '/api/notes')
    expect((await ask(origin, '/api/notes?x=1', { headers: { 'X-A': '1' } })).status).toBe(502)
    expect(heads[2]?.head).toBe(heads[1]?.head)
    expect(connections()).toEqual([1, 1, 2])
  })

  test('a call on a new connection is not retried, as it cannot be stale', async () => {
    const { origin, connections } = await keeping([hangUp, answer])
    expect((await ask(origin, '/api/notes')).status).toBe(502)
    expect(connections()).toEqual([1])
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY'])(
    '%s is never sent twice',
    async method => {
      const { origin, connections } = await keeping([answer, reset, answer])
      await ask(origin, '/api/notes')
      expect((await ask(origin, '/api/notes', { method })).status).toBe(502)
      expect(connections()).toEqual([1, 1])
    },
  )

  test('GET with a body, and a call that received a byte, are not repeated', async () => {
    const withBody = await keeping([answer, reset, answer])
    await ask(withBody.origin, '/api/notes')
    expect((await ask(withBody.origin, '/api/notes', { headers: { 'content-length': 4 }, send: 'body' })).status).toBe(
      502,
    )
    expect(withBody.connections().filter(connection => connection > 1)).toEqual([])

    const { origin, connections } = await keeping([answer, begin, answer])
    await ask(origin, '/api/notes')
    expect((await ask(origin, '/api/notes')).status).toBe(502)
    expect(connections()).toEqual([1, 1])
  })

  test('a call whose client has disconnected is not retried', async () => {
    const { origin, connections } = await keeping([
      answer,
      socket => void setTimeout(() => socket.resetAndDestroy(), 100),
      answer,
    ])
    await ask(origin, '/api/notes')
    await expect(ask(origin, '/api/notes', { signal: AbortSignal.timeout(30) })).rejects.toThrow()
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(connections()).toEqual([1, 1])
  })
})
