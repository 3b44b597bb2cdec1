import { once } from 'node:events'
import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Log } from '../../base/log.ts'
import { OperatorError } from '../../base/operator-error.ts'
import type { Config } from '../../config/types.ts'
import { UNIX_PEER } from '../../config/trusted-proxies.ts'
import { setPeer } from '../request/peer-address.ts'
import { type InheritedSocket, pathOfDescriptor, unusable } from './inherited-sockets.ts'
import { listenOnPath } from './unix-socket.ts'

/** A server and the address on which it listens, `127.0.0.1:3000` or `unix:/run/porchlight.sock`. */
export interface Listener {
  server: Server
  address: string
}

/**
 * Opens a server on each inherited socket or, without any, on each address of the configuration. An IPv6 address that
 * this machine does not have is skipped if there is another.
 * @throws OperatorError if an address cannot be used; none is left open then
 */
export async function listenOn(
  { hosts, port, socket }: Pick<Config, 'hosts' | 'port' | 'socket'>,
  inherited: readonly InheritedSocket[],
  makeServer: () => Server,
  log: Log,
): Promise<Listener[]> {
  if (inherited.length > 0) return listenOnInherited(inherited, makeServer)
  const listeners: Listener[] = []
  try {
    for (const host of hosts) {
      const server = makeServer()
      server.listen({ host, port, ipv6Only: isIPv6(host) && hosts.length > 1 })
      try {
        await once(server, 'listening')
        listeners.push({ server, address: isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}` })
      } catch (error) {
        if (!isMissingAddress(error) || hosts.length === 1) throw error
        log.debug({ event: 'address_skipped', host }, 'skipped an address that this machine does not have')
      }
    }
    if (socket !== null) {
      const server = trustingPeers(makeServer())
      await listenOnPath(server, socket)
      listeners.push({ server, address: `unix:${socket.path}` })
    }
  } catch (error) {
    for (const { server } of listeners) server.close()
    throw asOperatorError(error, port)
  }
  return listeners
}

/** As long as connections may wait while a supervisor restarts us. The system's own limit may be lower (somaxconn). */
const BACKLOG = 4096

async function listenOnInherited(sockets: readonly InheritedSocket[], makeServer: () => Server): Promise<Listener[]> {
  const listeners: Listener[] = []
  for (const socket of sockets) {
    const server = makeServer()
    try {
      server.listen({ fd: socket.fd, backlog: BACKLOG })
      const address = server.address()
      // Node only knows the address of TCP.
      if (address === null || typeof address === 'string') trustingPeers(server)
      await once(server, 'listening')
      listeners.push({ server, address: addressText(address, socket.fd) })
    } catch (error) {
      for (const { server: opened } of listeners) opened.close()
      throw unusable(socket, error)
    }
  }
  return listeners
}

function addressText(address: ReturnType<Server['address']>, fd: number): string {
  if (address === null || typeof address === 'string') return `unix:${pathOfDescriptor(fd) ?? `descriptor ${fd}`}`
  return isIPv6(address.address) ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
}

/** Before other listeners, which read the address. */
function trustingPeers(server: Server): Server {
  return server.prependListener('connection', socket => setPeer(socket, UNIX_PEER))
}

function isMissingAddress(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}

function asOperatorError(error: unknown, port: number): unknown {
  if (error instanceof OperatorError) return error
  const { code, address } = error as NodeJS.ErrnoException & { address?: string }
  switch (code) {
    case 'EADDRINUSE':
      return new OperatorError(
        `Port ${port} is already in use.`,
        [
          'Stop the other program, or choose another port: PORCHLIGHT_PORT=3001 PORCHLIGHT_PUBLIC_URL=http://localhost:3001',
        ],
        error,
      )
    case 'EACCES':
      return new OperatorError(
        `This user may not listen on port ${port}.`,
        ['Choose a port from 1024 up (PORCHLIGHT_PORT) and let a proxy listen on the low one.'],
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new OperatorError(
        `This machine has no address ${address ?? 'of that name'} to listen on.`,
        ['Set PORCHLIGHT_HOST to one of its addresses.'],
        error,
      )
    default:
      return error
  }
}
