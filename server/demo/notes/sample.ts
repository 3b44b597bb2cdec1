import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type Clock, SECOND, systemTimers } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { createBearer } from './bearer.ts'
import { openBook } from './book.ts'
import { createFeed } from './feed.ts'
import { createPresenceSocket } from './presence-socket.ts'
import { Refused } from './refused.ts'
import { createRoutes } from './routes.ts'

export interface SampleDeps {
  dataDir: string
  /** Where the issuer publishes its keys; fetched at the first request. */
  jwks: URL
  issuer: string
  audience: string
  log: Log
  clock: Clock
}

const PRESENCE = '/notes/presence'

/**
 * Starts a small API on loopback as an example upstream: personal notes in a database of their own. It shares nothing
 * with the rest of the process; it could run elsewhere and be written in another language.
 * @throws OperatorError if its database cannot be used · the system's error if it cannot listen
 */
export async function startSample({
  dataDir,
  jwks,
  issuer,
  audience,
  log,
  clock,
}: SampleDeps): Promise<{ origin: string; close(): Promise<void> }> {
  const book = openBook(join(dataDir, 'sample.db'))
  const feed = createFeed({ timers: systemTimers, since: book.since })
  const presence = createPresenceSocket(systemTimers)
  const callerOf = createBearer({ jwks, issuer, audience, clock })
  const route = createRoutes({ clock, book, feed })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caller = await callerOf(request)
    const { path, query } = targetOf(request)
    if (path === PRESENCE)
      throw new Refused('upgrade_required', { headers: { upgrade: 'websocket', connection: 'upgrade' } })
    const given = await route(request.method ?? '', path)(caller, request, response, query)
    if (given === 'streaming') return
    const headers = {
      'cache-control': 'no-store',
      ...(given.location === undefined ? {} : { location: given.location }),
    }
    if (given.body === undefined) response.writeHead(given.status, headers).end()
    else
      response
        .writeHead(given.status, { ...headers, 'content-type': 'application/json; charset=utf-8' })
        .end(JSON.stringify(given.body))
  }

  const server = createServer(
    {
      keepAliveTimeout: 65 * SECOND,
      headersTimeout: 10 * SECOND,
      requestTimeout: 30 * SECOND,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      answer(request, response).catch((error: unknown) => {
        const refused = asRefused(error, log)
        if (response.headersSent) response.destroy()
        else response.writeHead(refused.status, refused.headers).end(refused.body)
      })
    },
  )

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    callerOf(request)
      .then(caller => {
        if (targetOf(request).path !== PRESENCE) throw new Refused('not_found')
        presence.open(caller, request, socket, head)
      })
      .catch((error: unknown) => refuseUpgrade(socket, asRefused(error, log)))
  })

  try {
    const origin = await listen(server)
    return {
      origin,
      async close() {
        const closed = new Promise(resolve => server.close(resolve))
        feed.close()
        presence.close()
        server.closeAllConnections()
        await closed
        book.close()
      },
    }
  } catch (error) {
    feed.close()
    presence.close()
    book.close()
    throw error
  }
}

function targetOf({ url = '/' }: IncomingMessage): { path: string; query: URLSearchParams } {
  const at = url.indexOf('?')
  return at === -1
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, at), query: new URLSearchParams(url.slice(at)) }
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject)
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}

function asRefused(error: unknown, log: Log): Refused {
  if (error instanceof Refused) {
    if (error.status >= 500)
      log.warn({ event: 'sample_request_failed', error }, 'sample: a request could not be answered')
    return error
  }
  log.error({ event: 'sample_request_failed', error }, 'sample: a request failed')
  return new Refused('internal', {}, error)
}

function refuseUpgrade(socket: Duplex, refused: Refused): void {
  const headers = { ...refused.headers, connection: 'close', 'content-length': String(Buffer.byteLength(refused.body)) }
  const lines = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${refused.status} ${refused.code}\r\n${lines}\r\n${refused.body}`)
}
