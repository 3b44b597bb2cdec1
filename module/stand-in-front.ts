import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { Duplex } from 'node:stream'
import { defineEventHandler, setResponseHeaders, setResponseStatus } from 'h3'
import { addDevServerHandler } from 'nuxt/kit'
import type { Nuxt } from 'nuxt/schema'

type Connections = ((socket: Socket) => void)[]

/** Asks a browser to come again, on another connection. */
const COME_AGAIN = { 'content-type': 'text/html', 'cache-control': 'no-store', refresh: '1', connection: 'close' }

/**
 * Puts Porchlight in front of Nuxt's dev server, on its port. Connections to that server come to Porchlight, which passes
 * it the requests and sockets that are the application's, hot reloading included. The server itself is left as it is.
 */
export function standInFront(nuxt: Nuxt, settings: object): void {
  const passedOn = new WeakSet<IncomingMessage>()
  // A connection from before this stood here, or made while Nuxt loads again, goes to Nuxt for as long as it is kept.
  addDevServerHandler({
    handler: defineEventHandler(event => {
      if (passedOn.has(event.node.req)) return
      setResponseStatus(event, 503)
      setResponseHeaders(event, COME_AGAIN)
      return 'Porchlight is starting.'
    }),
  })
  nuxt.hook('listen', async untyped => {
    const server = untyped as Server
    const isTls = server instanceof TlsServer
    const event = isTls ? 'secureConnection' : 'connection'
    const { openNuxtDevelopment } = await import('../server/bootstrap/nuxt-development.ts')
    const { OperatorError } = await import('../server/base/operator-error.ts')
    const { port } = server.address() as AddressInfo
    const porchlight = await openNuxtDevelopment({
      folder: nuxt.options.rootDir,
      settings,
      port,
      publicUrl: `${isTls ? 'https' : 'http'}://localhost:${port}`,
      listener: (incoming: IncomingMessage, outgoing: ServerResponse) => {
        passedOn.add(incoming)
        return server.emit('request', incoming, outgoing)
      },
      upgrade: (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
        server.emit('upgrade', incoming, socket, head),
    }).catch((error: unknown) => {
      // Nuxt shows only the message.
      throw error instanceof OperatorError ? new Error(error.lines.join('\n')) : error
    })
    const front = createServer(porchlight.handle)
    front.on('upgrade', porchlight.upgrade)
    const before = server.listeners(event) as Connections
    server.removeAllListeners(event)
    server.on(event, socket => front.emit('connection', socket))
    server.closeIdleConnections()
    // Before it loads again, as after a change of nuxt.config.
    nuxt.hook('close', async () => {
      server.removeAllListeners(event)
      for (const listener of before) server.on(event, listener)
      front.closeAllConnections()
      await porchlight.close()
    })
  })
}
