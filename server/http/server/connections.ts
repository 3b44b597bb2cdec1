import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Every connection of a server until it closes. Node forgets one that leaves HTTP (an upgrade, CONNECT, what its parser
 * refused): no timeout of its server ends it then, nor does `closeAllConnections`.
 */
const open = new WeakMap<object, Set<Socket>>()

export function trackConnections(server: Pick<Server, 'on'>): void {
  const sockets = new Set<Socket>()
  open.set(server, sockets)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
}

export function isConnected(server: object): boolean {
  return (open.get(server)?.size ?? 0) > 0
}

/** Browsers open connections ahead of need; one that has carried nothing would hold up a server's end. */
export function destroySilent(server: object): void {
  for (const socket of open.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy()
}

export function destroyAll(server: object): void {
  for (const socket of open.get(server) ?? []) socket.destroy()
}
