import { once } from 'node:events'
import type { Server } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Log } from '../../base/log.ts'
import { OperatorError } from '../../base/operator-error.ts'

/**
 * Opens a server on each address. An IPv6 address that this machine does not have is skipped if there is another.
 * @throws OperatorError if an address cannot be used; none is left open then
 */
export async function listenOn(
  hosts: readonly string[],
  port: number,
  makeServer: () => Server,
  log: Log,
): Promise<Server[]> {
  const servers: Server[] = []
  try {
    for (const host of hosts) {
      const server = makeServer()
      server.listen({ host, port, ipv6Only: isIPv6(host) && hosts.length > 1 })
      try {
        await once(server, 'listening')
        servers.push(server)
      } catch (error) {
        if (!isMissingAddress(error) || hosts.length === 1) throw error
        log.debug({ event: 'address_skipped', host }, 'skipped an address that this machine does not have')
      }
    }
  } catch (error) {
    for (const server of servers) server.close()
    throw asOperatorError(error, port)
  }
  return servers
}

function isMissingAddress(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'
}

function asOperatorError(error: unknown, port: number): unknown {
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
