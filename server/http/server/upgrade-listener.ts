import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log } from '../../base/log.ts'
import { Problem } from '../../base/problem.ts'
import type { Relay } from '../../relay/relay.ts'
import type { ContextFactory } from '../request/context-factory.ts'
import type { RequestContext } from '../request/request-context.ts'
import { asProblem, problemReply } from '../response/problem-reply.ts'
import { refuseSocket } from '../response/raw-response.ts'
import { relayRequest } from './relay-handlers.ts'
import type { Reply } from '../response/reply.ts'
import type { RequestSpans } from './request-spans.ts'
import type { SecurityHeaders } from '../response/security-headers.ts'
import { runSteps, type Step } from '../steps/pipeline.ts'

interface Deps {
  log: Log
  security: SecurityHeaders
  contexts: ContextFactory
  steps: readonly Step[]
  relay: Pick<Relay, 'admit' | 'passUpgrade'>
  done: (ctx: RequestContext, status: number, whole: boolean) => void
  /**
   * Accepts the doctor's WebSocket.
   * @returns false if it is not one
   */
  check: (ctx: RequestContext, socket: Duplex, head: Buffer) => Promise<boolean>
  /** Takes the sockets of an application in this process; null: it has none. */
  app: ((incoming: IncomingMessage, socket: Duplex, head: Buffer) => unknown) | null
  development: boolean
  /** null: requests are not traced. */
  spans: RequestSpans | null
}

/**
 * Only WebSockets are upgraded: other values such as `Upgrade: h2c` make an ordinary request, and the header is not
 * forwarded.
 */
export function isWebSocketUpgrade(incoming: IncomingMessage): boolean {
  return incoming.method === 'GET' && incoming.headers.upgrade?.toLowerCase() === 'websocket'
}

export type UpgradeListener = (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Node's listener for upgrades: they pass the same steps as every request (Host, path, origin (CS-13), authentication)
 * before connecting to the upstream.
 */
export function upgradeListener(deps: Deps): UpgradeListener {
  const { log, security, contexts, steps, relay, done, check, app, development, spans } = deps
  return (incoming, socket, head) => {
    socket.on('error', () => socket.destroy())
    const ctx = contexts.ofIncoming(incoming)
    // In development, Vite has live connections of its own on this server.
    if (development && ctx.match === null && incoming.headers['sec-websocket-protocol']?.startsWith('vite-')) {
      app?.(incoming, socket, head)
      return
    }
    const refuse = (reply: Reply) => {
      refuseSocket(socket, reply, ctx.id, security)
      done(ctx, reply.status, true)
    }
    const join = async (): Promise<void> => {
      // Our own servers make ordinary requests of these.
      if (!isWebSocketUpgrade(incoming)) throw new Problem('bad_request')
      const reply = await runSteps(steps, ctx)
      if (reply !== undefined) return refuse(reply)
      if (await check(ctx, socket, head)) return done(ctx, 101, true)
      if (ctx.match === null && ctx.family === 'app' && app !== null) {
        app(incoming, socket, head)
        return done(ctx, 101, true)
      }
      if (ctx.match === null) throw new Problem('not_found')
      const request = relayRequest(ctx, incoming.rawHeaders, null)
      relay.admit(ctx.match, request)
      await relay.passUpgrade(ctx.match, request, socket, head)
      done(ctx, 101, true)
    }
    const handle = () => void join().catch((error: unknown) => refuse(problemReply(ctx, asProblem(error, ctx, log))))
    if (spans === null) handle()
    else spans.run(ctx, handle)
  }
}
