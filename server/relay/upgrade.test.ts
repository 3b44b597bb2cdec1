import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Problem } from '../base/problem.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { ANNA, testUpstream, listen, testRelay, testStreams } from './relay.testing.ts'
import type { RelayCaller } from './types.ts'

// WebSocket handshakes with upstreams that are raw TCP sockets, and can send what no server would.

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n'

async function dial(
  talk: (socket: Socket, request: string) => void,
  changes: Partial<Upstream> = {},
  { caller = null, sent = '' }: { caller?: RelayCaller | null; sent?: string } = {},
) {
  const upstream = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', chunk => talk(socket, chunk.toString('latin1')))
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const streams = testStreams()
  const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const requires = { signedIn: false, roles: [], maxAgeMs: null, acr: null }
  const relay = testRelay(
    [testUpstream(target, { websocket: true, token: 'none', requires, ...changes })],
    undefined,
    streams,
  )
  const here = await listen(() => {})
  const outcome = Promise.withResolvers<string>()
  here.server.on('upgrade', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => {})
    const match = relay.match('/api/notes/feed')
    if (match === null) throw new Error('no upstream')
    const asked = {
      id: 'r-1',
      method: 'GET',
      path: '/api/notes/feed',
      search: '',
      rawHeaders: incoming.rawHeaders,
      body: null,
      network: '192.0.2.7',
      caller,
    }
    relay.passUpgrade(match, asked, client, head).then(
      () => outcome.resolve('over'),
      (error: unknown) => {
        outcome.resolve(error instanceof Problem ? error.code : String(error))
        client.destroy()
      },
    )
  })
  const client = connect((here.server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  client.write(
    `GET /api/notes/feed HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${sent}\r\n`,
  )
  onTestFinished(async () => {
    client.destroy()
    await relay.close()
    await here.close()
    upstream.close()
  })
  return { client, streams, outcome: outcome.promise }
}

test('RFC 9110 §8.6 a switch of protocols announces no body, and bytes beyond ASCII in it arrive unchanged', async () => {
  const { client } = await dial(socket =>
    socket.write(`${SWITCH}content-length: 5\r\nx-name: caf\xc3\xa9\r\n\r\n`, 'latin1'),
  )
  const [chunk] = (await once(client, 'data')) as [Buffer]
  const answer = chunk.toString('latin1')
  expect(answer).toMatch(/^HTTP\/1\.1 101 /)
  expect(answer).not.toMatch(/content-length/i)
  expect(answer).toContain('x-name: caf\xc3\xa9\r\n')
})

test('an upgrade carries the token in the header that the upstream expects, and none from the client', async () => {
  const handshake = Promise.withResolvers<string>()
  const { client } = await dial(
    (socket, request) => {
      handshake.resolve(request)
      socket.write(`${SWITCH}\r\n`)
    },
    { token: 'porchlight', tokenHeader: { name: 'X-Shop-Key', scheme: null } },
    { caller: ANNA, sent: 'x_shop_key: forged\r\nX-Shop-Key: forged\r\nAuthorization: Bearer forged\r\n' },
  )
  const request = await handshake.promise
  expect(request).toContain('X-Shop-Key: kept.notes.anna\r\n')
  expect(request).not.toMatch(/forged|authorization/i)
  await once(client, 'data')
})

test.each([100, 102, 103])(
  'an upstream that keeps answering an upgrade with %i is given up, and the slot is freed',
  async status => {
    const { streams, outcome } = await dial(async socket => {
      while (!socket.destroyed) {
        socket.write(`HTTP/1.1 ${status} Soon\r\n\r\n`)
        await wait(5)
      }
    })
    expect(await Promise.race([outcome, wait(4000, 'still dialled')])).toBe('upstream_unreachable')
    expect(streams.count()).toBe(0)
  },
)

test('an upstream that sends a few interim responses is still relayed', async () => {
  const { client } = await dial(socket => socket.write(`${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(5)}${SWITCH}\r\n`))
  expect(String((await once(client, 'data'))[0])).toMatch(/^HTTP\/1\.1 101 /)
})
