import type { IncomingMessage } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { SECOND } from '../../base/clock.ts'
import {
  BODY_BYTES,
  CHECK_HEADER,
  CHECK_PREFIX,
  type CheckAction,
  type FrontCheck,
  STREAM_EVENTS,
  STREAM_GAP_MS,
} from '../../ops/front-check.ts'
import type { IsTrusted } from '../../config/trusted-proxies.ts'
import { plainAddress } from '../request/client-address.ts'
import type { RequestContext } from '../request/request-context.ts'
import type { Reply } from '../response/reply.ts'
import type { Step } from './pipeline.ts'

/** How long the 2 MB may take. */
const BODY_MS = 20 * SECOND

interface FrontCheckSteps {
  note: Step
  answer: Step
  socket: (ctx: RequestContext, socket: Duplex, head: Buffer) => Promise<boolean>
}

/**
 * Handles the doctor's requests, and only those with its token.
 * @returns `note` is the first of all steps, so that a request that arrives with another path or host is recorded, too;
 * `answer` comes after the checks of host and path; `socket` completes a WebSocket
 */
export function frontCheckSteps(check: FrontCheck, isTrusted: IsTrusted): FrontCheckSteps {
  const accepted = new WeakSet<RequestContext>()

  function isOurs(ctx: RequestContext, action: CheckAction): boolean {
    return accepted.has(ctx) && ctx.path === CHECK_PREFIX + action
  }

  return {
    note(ctx) {
      const token = ctx.headers[CHECK_HEADER]
      const { incoming } = ctx
      if (typeof token !== 'string' || incoming === null) return
      const { remoteAddress = '', remotePort = 0 } = incoming.socket
      const forwarded = ctx.headers['x-forwarded-for']
      const known = check.note(token, {
        path: ctx.path.slice(0, 200),
        upgrade: ctx.upgrade,
        peer: { address: remoteAddress, port: remotePort },
        peerTrusted: isTrusted(plainAddress(remoteAddress)),
        forwardedFor: forwarded === undefined ? null : String(forwarded).slice(0, 200),
        client: ctx.client.network,
      })
      if (known) accepted.add(ctx)
      return undefined
    },

    answer(ctx) {
      if (!accepted.has(ctx) || ctx.incoming === null) return
      if (isOurs(ctx, 'look') || isOurs(ctx, 'forged')) return json({})
      if (isOurs(ctx, 'stream')) {
        return { status: 200, headers: ['Content-Type', 'text/event-stream'], body: Readable.from(events()) }
      }
      if (isOurs(ctx, 'body') && ctx.method === 'POST') {
        ctx.askForBody()
        return countedBody(ctx.incoming).then(bytes => json({ bytes }))
      }
      return undefined
    },

    async socket(ctx, socket, head) {
      if (!isOurs(ctx, 'socket') || ctx.incoming === null) return false
      const { WebSocketServer } = await import('ws')
      const server = new WebSocketServer({ noServer: true, maxPayload: 1024 })
      server.handleUpgrade(ctx.incoming, socket, head, client => {
        client.on('error', () => client.terminate())
        client.on('message', () => client.send('heard', () => client.close()))
        setTimeout(() => client.terminate(), BODY_MS).unref()
      })
      return true
    },
  }
}

function json(value: object): Reply {
  return { status: 200, headers: ['Content-Type', 'application/json'], body: JSON.stringify(value) }
}

async function* events(): AsyncGenerator<string> {
  for (const event of STREAM_EVENTS) {
    yield `data: ${event}\n\n`
    await new Promise(done => setTimeout(done, STREAM_GAP_MS))
  }
}

/** Counts a body without storing it. Reading stops if it is larger or slower than expected. */
function countedBody(incoming: IncomingMessage): Promise<number> {
  return new Promise(resolve => {
    let bytes = 0
    const deadline = setTimeout(done, BODY_MS)
    function done(): void {
      clearTimeout(deadline)
      incoming.off('data', count)
      resolve(bytes)
    }
    function count(chunk: Buffer): void {
      bytes += chunk.length
      if (bytes > BODY_BYTES) done()
    }
    incoming.on('data', count)
    incoming.once('end', done)
    incoming.once('close', done)
  })
}
