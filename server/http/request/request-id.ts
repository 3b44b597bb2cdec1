import type { IncomingMessage } from 'node:http'
import { randomId } from '../../base/ids.ts'
import type { IsTrusted } from '../../config/trusted-proxies.ts'

const WELL_FORMED = /^[\w.:=+/-]{8,128}$/

/**
 * Generates request ids, so that an error on a screen can be found in the log. They are not secret: a random prefix per
 * process and a counter are enough, and cheaper than random bytes for each. An id set by a trusted proxy is kept.
 */
export function requestIds(isTrusted: IsTrusted) {
  const start = randomId(6)
  let count = 0
  return (incoming: IncomingMessage): string => {
    const forwarded = incoming.headers['x-request-id']
    if (typeof forwarded === 'string' && isTrusted(incoming.socket.remoteAddress ?? '') && WELL_FORMED.test(forwarded))
      return forwarded
    return `${start}-${(++count).toString(36)}`
  }
}
