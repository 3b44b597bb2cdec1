import { type EventEmitter, once } from 'node:events'
import { type ClientRequest, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { PUBLIC_URL, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { testUpstream, listen, testRelay, testStreams } from '../../relay/relay.testing.ts'

// Whoever leaves is noticed at the other end, through everything that a request passes, on real sockets.

/** The promise is a second; a busy machine is slow, not wrong. */
const SOON_MS = 10_000

const here = { host: 'porch.example', cookie: SIGNED_IN, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }

interface Call {
  incoming: IncomingMessage
  outgoing: ServerResponse
}

async function start() {
  const calls: Call[] = []
  const sockets = new WebSocketServer({ noServer: true })
  let hear: () => void = () => {}
  const upstream = await listen((incoming, outgoing) => {
    calls.push({ incoming: incoming.on('error', () => {}), outgoing })
    hear()
  })
  const joined = new Promise<WebSocket>(resolve => {
    upstream.server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) =>
      sockets.handleUpgrade(incoming, socket, head, resolve),
    )
  })
  const streams = testStreams()
  const relay = testRelay([testUpstream(upstream.origin, { websocket: true })], undefined, streams)
  const app = await startApp({ relay })
  onTestFinished(async () => {
    await app.close()
    await relay.close()
    await upstream.close()
  })
  return {
    /** @returns the call as the upstream sees it */
    async called(): Promise<Call> {
      while (calls.length === 0)
        await new Promise<void>(resolve => {
          hear = resolve
        })
      return calls[0] as Call
    },
    joined,
    streams,
    send: (method = 'GET', headers = {}) =>
      request({ port: app.port, path: '/api/notes/x', method, agent: false, headers: { ...here, ...headers } }).on(
        'error',
        () => {},
      ),
    open: () =>
      new WebSocket(`ws://127.0.0.1:${app.port}/api/notes/live`, {
        headers: { host: 'porch.example', cookie: SIGNED_IN, origin: PUBLIC_URL },
      }),
  }
}

/** Fails unless it happens, and soon after `leave`. */
async function soon(what: Promise<unknown>, leave: () => void): Promise<void> {
  const left = performance.now()
  leave()
  await what
  expect(performance.now() - left).toBeLessThan(SOON_MS)
}

/** An error on the way is no news here. */
const closed = (end: EventEmitter) => new Promise<void>(resolve => void end.once('close', () => resolve()))
const answered = async (sent: ClientRequest) =>
  ((await once(sent, 'response')) as [IncomingMessage])[0].on('error', () => {})

describe('a client that goes away stops the upstream within a second', () => {
  test.each(['text/plain', 'text/event-stream'])('in the middle of an answer: %s', async type => {
    const { called, send, streams } = await start()
    const leaver = send().end()
    const { outgoing } = await called()
    outgoing.writeHead(200, { 'content-type': type }).write('begun')
    await once(await answered(leaver), 'data')
    await soon(closed(outgoing), () => leaver.destroy())
    await expect.poll(() => streams.count()).toBe(0)
  })

  test('before there is an answer', async () => {
    const { called, send } = await start()
    const leaver = send().end()
    const { outgoing } = await called()
    await soon(closed(outgoing), () => leaver.destroy())
  })

  test.each(['content-length', 'transfer-encoding'])(
    'in the middle of an upload with %s, which is never taken for whole',
    async framing => {
      const { called, send } = await start()
      const leaver = send(
        'POST',
        framing === 'content-length' ? { 'content-length': 1000 } : { 'transfer-encoding': 'chunked' },
      )
      leaver.write('begun')
      const { incoming } = await called()
      await once(incoming, 'data')
      await soon(closed(incoming), () => leaver.destroy())
      expect(incoming.complete).toBe(false)
    },
  )

  test('with a WebSocket', async () => {
    const { joined, open } = await start()
    const leaver = open()
    const [far] = await Promise.all([joined, once(leaver, 'open')])
    await soon(closed(far), () => leaver.terminate())
  })
})

describe("an upstream that goes away ends its client's call within a second", () => {
  test('in the middle of an answer, which is never taken for whole', async () => {
    const { called, send } = await start()
    const staying = send().end()
    const { outgoing } = await called()
    outgoing.writeHead(200).write('begun')
    const answer = await answered(staying)
    await once(answer, 'data')
    await soon(closed(answer), () => outgoing.destroy())
    expect(answer.complete).toBe(false)
  })

  test.each(['GET', 'POST'])('before there is an answer to a %s: 502', async method => {
    const { called, send } = await start()
    const staying = send(method, method === 'POST' ? { 'content-length': 1000 } : {})
    if (method === 'POST') staying.write('begun')
    else staying.end()
    const { incoming } = await called()
    const answer = answered(staying)
    await soon(answer, () => incoming.socket.destroy())
    expect((await answer).statusCode).toBe(502)
    staying.destroy()
  })

  test('with a WebSocket', async () => {
    const { joined, open } = await start()
    const staying = open()
    const [far] = await Promise.all([joined, once(staying, 'open')])
    await soon(closed(staying), () => far.terminate())
  })
})
