import { get } from 'node:http'
import { connect, isIPv6 } from 'node:net'
import { SECOND } from '../base/clock.ts'
import { trustedProxies, UNIX_PEER } from '../config/trusted-proxies.ts'
import type { Config } from '../config/types.ts'

/** Addresses that mean all of this machine's own, and the loopback one to reach them by. */
const LOOPBACK_OF = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])
const UNIX = 'unix:'
/** The PROXY protocol's header of a connection on one's own behalf: version 2, LOCAL, nothing more (§2.2). */
export const LOCAL_HEADER = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')

interface Answer {
  /** null: the server is ready. */
  reason: string | null
  /** Whether anything answered. */
  isServer: boolean
}

/**
 * Asks the server of this configuration, on this machine and past any proxy, whether it can serve.
 * @param listening asks the running server where it listens: on sockets of a supervisor, perhaps
 * @returns null, or a sentence that says why not
 */
export async function whyNotReady(
  config: Pick<Config, 'hosts' | 'port' | 'socket' | 'proxyProtocol' | 'trustedProxies'>,
  timeoutMs: number,
  listening: () => Promise<readonly string[]>,
): Promise<string | null> {
  const configured = addressOf(config)
  const isTrusted = trustedProxies(config.trustedProxies)
  const sendsHeader = (host: string) => config.proxyProtocol && isTrusted(host)
  const first = await askAt(configured, timeoutMs, sendsHeader)
  if (first.isServer || first.reason === null) return first.reason
  const actual = (await listening())[0]
  return actual === undefined || actual === configured
    ? first.reason
    : (await askAt(actual, timeoutMs, sendsHeader)).reason
}

function addressOf({ hosts: [host], port, socket }: Pick<Config, 'hosts' | 'port' | 'socket'>): string {
  if (host === undefined && socket !== null) return UNIX + socket.path
  const address = LOOPBACK_OF.get(host ?? '') ?? host ?? '127.0.0.1'
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/**
 * @param address `127.0.0.1:3000`, `[::1]:3000` or `unix:/run/porchlight.sock`
 * @param sendsHeader whether a connection from that host has to begin with the PROXY protocol
 */
function askAt(address: string, timeoutMs: number, sendsHeader: (host: string) => boolean): Promise<Answer> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? []
  const isUnix = address.startsWith(UNIX)
  const reached = LOOPBACK_OF.get(bare(host)) ?? bare(host)
  const open = () => {
    const socket = isUnix ? connect(address.slice(UNIX.length)) : connect(Number(port), reached)
    // Connections within a machine come from the address that they go to.
    if (sendsHeader(isUnix ? UNIX_PEER : reached)) socket.write(LOCAL_HEADER)
    return socket
  }
  return new Promise(resolve => {
    const answered = (reason: string | null) => resolve({ reason, isServer: true })
    const asked = get({ createConnection: open, path: '/readyz' }, answer => {
      answer.resume()
      answered(
        answer.statusCode === 200 ? null : `The server at ${address} is not ready (status ${answer.statusCode}).`,
      )
    })
    // Of the socket, from its beginning on: the request's own time-out is only for sockets of an agent.
    asked.on('socket', socket =>
      socket.setTimeout(timeoutMs, () => {
        answered(`The server at ${address} did not answer within ${timeoutMs / SECOND} seconds.`)
        asked.destroy()
      }),
    )
    asked.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ reason: `No server answers at ${address} (${error.code ?? error.message}).`, isServer: false }),
    )
  })
}

const bare = (host: string) => host.replace(/^\[|\]$/g, '')
