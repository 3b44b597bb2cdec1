import type { Duplex } from 'node:stream'
import { closeFrame, createFrameTracker } from './frames.ts'

/** How long the frame under way may take to end before the connection is cut without a word. */
const LAST_FRAME_MS = 500

/** Joins two sockets after a WebSocket handshake: bytes pass as they come, pauses and ends are passed both ways.
 * @returns closes the tunnel with a close frame to the client, after the frame that is under way */
export function joinSockets(client: Duplex, upstream: Duplex, onClose: () => void): (code: number, reason: string) => void {
  const frames = createFrameTracker()
  let last: Buffer | null = null
  let closed = false

  const close = () => {
    if (closed) return
    closed = true
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

  client.pipe(upstream)
  upstream.on('data', (chunk: Buffer) => {
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
  upstream.on('end', () => client.end())
  for (const socket of [client, upstream]) {
    socket.on('error', close)
    socket.on('close', () => last === null && close())
  }

  return (code, reason) => {
    if (closed || last !== null) return
    last = closeFrame(code, reason)
    if (frames.atBoundary()) return finish()
    upstream.resume()
    setTimeout(close, LAST_FRAME_MS).unref()
  }
}
