import type { IncomingMessage } from 'node:http'
import { randomId } from '../../base/ids.ts'
import type { IsTrusted } from './client-address.ts'

const WELL_FORMED = /^[\w.:=+/-]{8,128}$/

/**
 * Names requests, so that an error on a screen finds its line in the log. Not a secret: a random start for the process
 * and a count are enough, and cost less than random bytes for each. A trusted proxy's own name for the request is kept.
 */
export function requestIds(isTrusted: IsTrusted) {
  const start = randomId(6)
  let count = 0
  return (incoming: IncomingMessage): string => {
    const given = incoming.headers['x-request-id']
    if (typeof given === 'string' && isTrusted(incoming.socket.remoteAddress ?? '') && WELL_FORMED.test(given))
      return given
    return `${start}-${(++count).toString(36)}`
  }
}
