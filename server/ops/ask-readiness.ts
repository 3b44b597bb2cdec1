import { get } from 'node:http'
import { isIPv6 } from 'node:net'
import { SECOND } from '../base/clock.ts'
import type { Config } from '../config/types.ts'

/** Addresses that mean all of this machine's own, and the loopback one to reach them by. */
const LOOPBACK_OF = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])

/**
 * Asks the server of this configuration, on this machine and past any proxy, whether it can serve.
 * @returns null, or a sentence that says why not
 */
export function whyNotReady(
  { hosts: [host = '127.0.0.1'], port }: Pick<Config, 'hosts' | 'port'>,
  timeoutMs: number,
): Promise<string | null> {
  const address = LOOPBACK_OF.get(host) ?? host
  const place = `${isIPv6(address) ? `[${address}]` : address}:${port}`
  return new Promise(resolve => {
    const asked = get({ host: address, port, path: '/readyz', timeout: timeoutMs, agent: false }, answer => {
      answer.resume()
      resolve(answer.statusCode === 200 ? null : `The server at ${place} is not ready (status ${answer.statusCode}).`)
    })
    asked.on('timeout', () => {
      resolve(`The server at ${place} did not answer within ${timeoutMs / SECOND} seconds.`)
      asked.destroy()
    })
    asked.on('error', (error: NodeJS.ErrnoException) =>
      resolve(`No server answers at ${place} (${error.code ?? error.message}).`),
    )
  })
}
