import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Tracks all connections of a server until they close. Node forgets one that leaves HTTP (an upgrade, CONNECT, a parser
 * error): neither the server's timeouts nor `closeAllConnections` end it then.
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

/** Browsers open connections in advance; one without any data would block the server's shutdown. */
export function destroySilent(server: object): void {
  for (const socket of open.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy()
}

export function destroyAll(server: object): void {
  for (const socket of open.get(server) ?? []) socket.destroy()
}
