import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Upstream } from '../config/upstream-config.ts'
import { testUpstream, front, listen } from './relay.testing.ts'

// For tests: the relay with one upstream. Both close when the test ends.

export async function relayTo(
  listener: RequestListener,
  changes: Partial<Upstream> = {},
  callers?: Parameters<typeof front>[1],
) {
  const upstream = await listen(listener)
  const here = await front([testUpstream(upstream.origin, changes)], callers)
  onTestFinished(async () => {
    await here.close()
    await upstream.close()
  })
  return { ...here, upstream }
}

/** An upstream that is a raw TCP socket, and can send what no HTTP server would. */
export async function relayToRaw(talk: (socket: Socket) => void, changes: Partial<Upstream> = {}) {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    talk(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const here = await front([testUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, changes)])
  onTestFinished(async () => {
    await here.close()
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return here
}
