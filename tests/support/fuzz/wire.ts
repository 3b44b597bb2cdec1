import net from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** How a client behaves once it has written everything. */
export const ENDINGS = ['stays', 'says goodbye', 'is gone'] as const
export type Ending = (typeof ENDINGS)[number]

export interface Delivery {
  /** Written one after the other, each in a packet of its own. */
  pieces: readonly Buffer[]
  ending: Ending
  /** How long to wait without a byte, before leaving. */
  quietMs?: number
}

/**
 * Writes bytes as they are.
 * @returns everything that came back until either side ended it, or nothing more came
 */
export async function deliver(port: number, { pieces, ending, quietMs = 250 }: Delivery): Promise<Buffer> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setNoDelay(true)
  const chunks: Buffer[] = []
  let last = performance.now()
  let over = false
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    last = performance.now()
  })
  const closed = new Promise<void>(done => {
    const finish = () => {
      over = true
      done()
    }
    socket.on('error', finish).on('close', finish).on('end', finish)
  })
  for (const [at, piece] of pieces.entries()) {
    if (over) break
    socket.write(piece)
    if (at < pieces.length - 1) await wait(1)
  }
  if (ending === 'is gone') await wait(5)
  else {
    if (ending === 'says goodbye') socket.end()
    while (!over && performance.now() - last < quietMs) await Promise.race([closed, wait(quietMs / 5)])
  }
  socket.destroy()
  return Buffer.concat(chunks)
}
