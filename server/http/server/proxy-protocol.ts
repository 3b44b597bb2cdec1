import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { SECOND } from '../../base/clock.ts'
import type { IsTrusted } from '../../config/trusted-proxies.ts'
import { plainAddress } from '../request/client-address.ts'
import { setPeer } from '../request/peer-address.ts'
import { type ProxiedClient, readProxyHeader } from './proxy-header.ts'

/** Longer than a retransmission, which the specification asks for (§2: at least three seconds). */
const HEADER_MS = 5 * SECOND

interface Options {
  isTrusted: IsTrusted
  /** Called with the peer and a reason for each trusted connection that has no valid header. It has been closed. */
  refused: (peer: string, why: string) => void
}

/**
 * Makes each connection of a trusted proxy begin with a header of the PROXY protocol, and gives it the address of the
 * client that the header names. Other connections are left to HTTP, whose parser refuses the header: a client cannot
 * name its own address. Call it after everything else has been added to the server that must wait for the header.
 */
export function readProxyHeaders(server: Server, { isTrusted, refused }: Options): void {
  const waiting = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const begin = (socket: Socket) => {
    for (const listener of waiting) listener.call(server, socket)
  }
  server.on('connection', (socket: Socket) => {
    // It has closed already, as health checks do, so nobody can tell whose it was.
    if (socket.remoteAddress === undefined) return void socket.destroy()
    const peer = plainAddress(socket.remoteAddress)
    if (!isTrusted(peer)) return begin(socket)
    readHeader(socket, outcome => {
      if (typeof outcome === 'string') return refused(peer, outcome)
      if (outcome.client !== null) setPeer(socket, outcome.client.address, outcome.client.port)
      begin(socket)
      // It was paused while its next reader was not there yet.
      socket.resume()
    })
  })
}

/**
 * Reads a header and puts back what follows it.
 * @param done receives the client, or why the connection has been closed; not called for one that closed by itself
 */
function readHeader(socket: Socket, done: (outcome: { client: ProxiedClient | null } | string) => void): void {
  let received: Buffer = Buffer.alloc(0)
  const timer = setTimeout(() => refuse('no header within five seconds'), HEADER_MS)

  function stop(): void {
    clearTimeout(timer)
    socket.off('data', take).off('end', cut).off('error', cut).off('close', stop)
  }
  function cut(): void {
    stop()
    socket.on('error', () => {}).destroy()
  }
  function refuse(why: string): void {
    cut()
    done(why)
  }
  function take(chunk: Buffer): void {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const header = readProxyHeader(received)
    if (header.state === 'partial') return
    if (header.state === 'invalid') return refuse(header.why)
    stop()
    socket.pause()
    if (received.length > header.length) socket.unshift(received.subarray(header.length))
    done(header)
  }
  socket.on('data', take).on('end', cut).on('error', cut).on('close', stop)
}
