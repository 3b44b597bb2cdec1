import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { Nuxt } from 'nuxt/schema'

type Connections = ((socket: Socket) => void)[]

/**
 * Puts Porchlight in front of Nuxt's dev server, on its port. Connections to that server come to Porchlight, which passes
 * it the requests and sockets that are the application's, hot reloading included. The server itself is left as it is.
 */
export function standInFront(nuxt: Nuxt, settings: object): void {
  nuxt.hook('listen', async untyped => {
    const server = untyped as Server
    const isTls = server instanceof TlsServer
    const event = isTls ? 'secureConnection' : 'connection'
    const { openNuxtDevelopment } = await import('../server/bootstrap/nuxt-development.ts')
    const { port } = server.address() as AddressInfo
    const porchlight = await openNuxtDevelopment({
      folder: nuxt.options.rootDir,
      settings,
      port,
      publicUrl: `${isTls ? 'https' : 'http'}://localhost:${port}`,
      listener: (incoming: IncomingMessage, outgoing: ServerResponse) => server.emit('request', incoming, outgoing),
      upgrade: (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
        server.emit('upgrade', incoming, socket, head),
    })
    const front = createServer(porchlight.handle)
    front.on('upgrade', porchlight.upgrade)
    const before = server.listeners(event) as Connections
    server.removeAllListeners(event)
    server.on(event, socket => front.emit('connection', socket))
    // Before it loads again, as after a change of nuxt.config.
    nuxt.hook('close', async () => {
      server.removeAllListeners(event)
      for (const listener of before) server.on(event, listener)
      front.closeAllConnections()
      await porchlight.close()
    })
  })
}
