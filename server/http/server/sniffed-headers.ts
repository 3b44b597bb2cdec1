import type { IncomingHttpHeaders } from 'node:http'

/** What decides the form and the language of an error response. */
const NAMES = ['accept', 'accept-language', 'cookie', 'sec-fetch-mode'] as const
const LINES = NAMES.map(name => [name, new RegExp(`^${name}:[ \\t]*([^\\r\\n]*)`, 'im')] as const)
/** The most that a socket reads at once. */
const LONGEST = 64 * 1024

/**
 * Looks for headers in the bytes at which the parser gave up, for nothing but the form of the response. They may be in
 * bytes before these, and what is found may belong to another request of this client.
 */
export function sniffHeaders(error: Error): IncomingHttpHeaders {
  if (!('rawPacket' in error) || !Buffer.isBuffer(error.rawPacket)) return {}
  const text = error.rawPacket.toString('latin1', 0, LONGEST)
  const found: IncomingHttpHeaders = {}
  for (const [name, line] of LINES) {
    const value = line.exec(text)?.[1]
    if (value !== undefined) found[name] = value
  }
  return found
}
