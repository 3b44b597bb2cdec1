import { isIPv6, type Socket } from 'node:net'

/**
 * Gives a connection the peer that everything that reads its address sees from now on.
 * @param port undefined: the peer has none
 */
export function setPeer(socket: Socket, address: string, port?: number): void {
  const family = port === undefined ? undefined : isIPv6(address) ? 'IPv6' : 'IPv4'
  Object.defineProperties(socket, {
    remoteAddress: { value: address, configurable: true },
    remotePort: { value: port, configurable: true },
    remoteFamily: { value: family, configurable: true },
  })
}
