import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { SECOND, type Timers } from '../../base/clock.ts'
import type { Caller } from './bearer.ts'
import { createPresence } from './presence.ts'
import { Refused } from './refused.ts'

/** Twenty updates a second look like motion. */
const TICK_MS = 50
const HEARTBEAT_MS = 15 * SECOND
const MAX_MESSAGE_BYTES = 1024
const MAX_BEHIND_BYTES = 64 * 1024
const MAX_PAGES_EACH = 20
const MAX_PAGES = 500
/** How long a page may take to answer a close frame. */
const GOODBYE_MS = 500

/** Presence over WebSocket (RFC 6455), by `ws` with our limits. */
export function createPresenceSocket(timers: Timers) {
  const presence = createPresence()
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  })
  const answering = new WeakSet<WebSocket>()

  // Ticks only while somebody is connected, so that an idle server stays idle.
  let stopTicks: (() => void) | null = null
  const stopHeartbeat = timers.every(HEARTBEAT_MS, () => {
    for (const socket of server.clients) {
      // No answer to the last ping: the connection is dead.
      if (!answering.delete(socket)) socket.terminate()
      else socket.ping()
    }
  })

  function join(socket: WebSocket, caller: Caller): void {
    const { receive, leave } = presence.join(caller, {
      send(text) {
        if (socket.readyState !== WebSocket.OPEN) return
        if (socket.bufferedAmount > MAX_BEHIND_BYTES) socket.terminate()
        else socket.send(text)
      },
      close: (code, why) => socket.close(code, why),
    })
    stopTicks ??= timers.every(TICK_MS, () => presence.tick())
    answering.add(socket)
    socket.on('pong', () => answering.add(socket))
    socket.on('message', (data: RawData, isBinary) => {
      if (isBinary) socket.close(1003, 'texts only')
      else receive((data as Buffer).toString())
    })
    socket.on('close', () => {
      leave()
      if (presence.size > 0) return
      stopTicks?.()
      stopTicks = null
    })
    // An invalid frame or a lost connection; ws closes the socket itself.
    socket.on('error', () => {})
  }

  return {
    /** @throws Refused `too_many_streams`, before a response was sent */
    open(caller: Caller, request: IncomingMessage, socket: Duplex, head: Buffer): void {
      if (presence.countOf(caller.sub) >= MAX_PAGES_EACH || presence.size >= MAX_PAGES)
        throw new Refused('too_many_streams', { headers: { 'retry-after': '10' } })
      server.handleUpgrade(request, socket, head, opened => join(opened, caller))
    },

    close(): void {
      stopHeartbeat()
      server.close()
      for (const socket of server.clients) {
        socket.close(1001, 'the server is stopping')
        const timer = setTimeout(() => socket.terminate(), GOODBYE_MS)
        socket.on('close', () => clearTimeout(timer))
      }
    },
  }
}
