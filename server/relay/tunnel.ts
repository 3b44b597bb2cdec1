import type { Duplex } from 'node:stream'
import { MINUTE, SECOND } from '../base/clock.ts'
import { closeFrame, createFrameTracker } from './frames.ts'

/** How long the current frame may take to complete before the connection is dropped without a close frame. */
const LAST_FRAME_MS = 500
/**
 * How long one side may stay open after the other has ended, which covers the round trip of answering a close frame.
 */
const HALF_OPEN_MS = 5 * SECOND
/** TCP keep-alive detects a peer that vanished silently. */
const KEEP_ALIVE_MS = MINUTE

/** For an idle tunnel. 1001: the client may reconnect (RFC 6455 §7.4.1). */
const IDLE = { code: 1001, reason: 'idle' }

interface Tunnel {
  client: Duplex
  upstream: Duplex
  idleMs: number
  onClose: () => void
}

/**
 * Joins two sockets after a WebSocket handshake, with backpressure and ends propagated both ways. Once one side ends,
 * the other follows.
 * @returns closes the tunnel after the current frame, with a close frame to the client
 */
export function joinSockets({ client, upstream, idleMs, onClose }: Tunnel): (code: number, reason: string) => void {
  const frames = createFrameTracker()
  let last: Buffer | null = null
  let closed = false

  const close = () => {
    if (closed) return
    closed = true
    clearTimeout(idle)
    client.destroy()
    upstream.destroy()
    onClose()
  }
  const finish = () => {
    upstream.destroy()
    client.end(last)
    client.once('finish', close)
    setTimeout(close, LAST_FRAME_MS).unref()
  }
  const closeWith = (code: number, reason: string) => {
    if (closed || last !== null) return
    last = closeFrame(code, reason)
    if (frames.atBoundary()) return finish()
    upstream.resume()
    setTimeout(close, LAST_FRAME_MS).unref()
  }
  const idle = setTimeout(() => closeWith(IDLE.code, IDLE.reason), idleMs).unref()

  client.pipe(upstream)
  client.on('data', () => idle.refresh())
  upstream.on('data', (chunk: Buffer) => {
    idle.refresh()
    if (last !== null) {
      const taken = frames.advance(chunk, true)
      client.write(chunk.subarray(0, taken))
      if (frames.atBoundary()) finish()
      return
    }
    frames.advance(chunk, false)
    if (!client.write(chunk)) upstream.pause()
  })
  client.on('drain', () => upstream.resume())
  onEnd(upstream, () => client.end())
  for (const socket of [client, upstream]) {
    keepAlive(socket)
    socket.on('error', close)
    onEnd(socket, () => setTimeout(close, HALF_OPEN_MS).unref())
    socket.on('close', () => last === null && close())
  }
  return closeWith
}

/** A side may have ended during connecting, before this listener was added. */
function onEnd(socket: Duplex, then: () => void): void {
  if (socket.readableEnded) then()
  else socket.once('end', then)
}

function keepAlive(socket: Duplex): void {
  if ('setKeepAlive' in socket && typeof socket.setKeepAlive === 'function') socket.setKeepAlive(true, KEEP_ALIVE_MS)
}
