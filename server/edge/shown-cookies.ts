import type { IncomingMessage } from 'node:http'
import { readSessionCookies } from '../session/cookies.ts'
import type { ShownCookies } from '../session/types.ts'

/** Reads the session cookies of requests. A connection shows the same header again and again: it is read once, and the same
 * object stands for it from then on, by which the session service knows it again too. */
export function cookieReader(names: { access: string, refresh: string }) {
  const lastOf = new WeakMap<object, { header: string, shown: ShownCookies }>()

  return (incoming: IncomingMessage | null, header: string): ShownCookies => {
    if (incoming === null) return readSessionCookies(header, names)
    const last = lastOf.get(incoming.socket)
    if (last?.header === header) return last.shown
    const shown = readSessionCookies(header, names)
    lastOf.set(incoming.socket, { header, shown })
    return shown
  }
}
