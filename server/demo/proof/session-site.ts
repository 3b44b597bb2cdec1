import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SECOND } from '../../base/clock.ts'
import { cookieName, readSessionCookies } from '../../session/cookie-names.ts'
import type { LiveSession, Sessions } from '../../session/types.ts'
import type { Place } from './browser.ts'

export const SESSION_PATH = '/auth/session'

/** More than the browsers of a run open together. */
const CONNECTIONS_MAX = 200
const NAMES = { access: cookieName('access', false), refresh: cookieName('refresh', false) }

/** Answers a request. A rejection becomes a 500 without details. */
export type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/**
 * A minimal site over plain HTTP: `GET /auth/session` answers as the product's does and renews as the session room
 * decides. Everything else is 404.
 */
export function sessionSite(sessions: Pick<Sessions, 'resolve' | 'cookiesFor'>): Handler {
  return async ({ method, url, headers }, outgoing) => {
    if (method !== 'GET' || url !== SESSION_PATH) return void outgoing.writeHead(404).end()
    const found = await sessions.resolve(readSessionCookies(headers.cookie, NAMES), { renews: true, foreground: true })
    if (found.state === 'anonymous')
      return send(outgoing, { user: null, session: null, ...(found.ended === null ? {} : { ended: found.ended }) }, [])
    // As in the product, cookies are decided when the headers leave.
    send(outgoing, signedIn(found.session), found.issued === null ? [] : sessions.cookiesFor(found.issued))
  }
}

export function signedIn(session: LiveSession): object {
  return { user: { id: session.userId }, session }
}

export function send(outgoing: ServerResponse, body: object, cookies: readonly string[]): void {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', 'set-cookie': [...cookies] }
  outgoing.writeHead(200, headers).end(JSON.stringify(body))
}

/** Listens on a free loopback port. */
export async function listenOnLoopback(handler: Handler): Promise<{ place: Place; close(): Promise<void> }> {
  const server = createServer({ headersTimeout: 10 * SECOND, requestTimeout: 30 * SECOND }, (incoming, outgoing) => {
    handler(incoming, outgoing).catch(() => {
      if (outgoing.headersSent) outgoing.destroy()
      else outgoing.writeHead(500).end()
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    place: { origin: `http://127.0.0.1:${port}`, host: '127.0.0.1', port, tls: false },
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
