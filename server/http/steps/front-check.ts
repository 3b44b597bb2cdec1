import type { IncomingMessage } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { SECOND } from '../../base/clock.ts'
import { BODY_BYTES, CHECK_HEADER, CHECK_PREFIX, type CheckAction, type FrontCheck, STREAM_EVENTS, STREAM_GAP_MS } from '../../ops/front-check.ts'
import type { IsTrusted } from '../request/client-address.ts'
import type { Exchange } from '../request/request-context.ts'
import type { Reply } from '../response/reply.ts'
import type { Step } from './pipeline.ts'

/** How long the 2 MB may take. */
const BODY_MS = 20 * SECOND

interface FrontCheckSteps {
  note: Step
  answer: Step
  socket: (exchange: Exchange, socket: Duplex, head: Buffer) => Promise<boolean>
}

/** Answers the doctor's requests, and only those that bring its token.
 * @returns `note` comes first of all steps, so that a request that arrives under another path or name is seen too; `answer` after
 *   the Host and the path have been judged; `socket` completes a WebSocket */
export function frontCheckSteps(check: FrontCheck, isTrusted: IsTrusted): FrontCheckSteps {
  const ours = new WeakSet<Exchange>()

  function isOurs(exchange: Exchange, action: CheckAction): boolean {
    return ours.has(exchange) && exchange.path === CHECK_PREFIX + action
  }

  return {
    note(exchange) {
      const token = exchange.headers[CHECK_HEADER]
      const { incoming } = exchange
      if (typeof token !== 'string' || incoming === null) return
      const { remoteAddress = '', remotePort = 0 } = incoming.socket
      const forwarded = exchange.headers['x-forwarded-for']
      const known = check.note(token, {
        path: exchange.path.slice(0, 200),
        upgrade: exchange.upgrade,
        peer: { address: remoteAddress, port: remotePort },
        peerTrusted: isTrusted(remoteAddress.replace(/^::ffff:/, '')),
        forwardedFor: forwarded === undefined ? null : String(forwarded).slice(0, 200),
        client: exchange.client.network,
      })
      if (known) ours.add(exchange)
      return undefined
    },

    answer(exchange) {
      if (!ours.has(exchange) || exchange.incoming === null) return
      if (isOurs(exchange, 'look') || isOurs(exchange, 'forged')) return json({})
      if (isOurs(exchange, 'stream')) {
        return { status: 200, headers: ['Content-Type', 'text/event-stream'], body: Readable.from(events()) }
      }
      if (isOurs(exchange, 'body') && exchange.method === 'POST') {
        exchange.askForBody()
        return countedBody(exchange.incoming).then(bytes => json({ bytes }))
      }
      return undefined
    },

    async socket(exchange, socket, head) {
      if (!isOurs(exchange, 'socket') || exchange.incoming === null) return false
      const { WebSocketServer } = await import('ws')
      const server = new WebSocketServer({ noServer: true, maxPayload: 1024 })
      server.handleUpgrade(exchange.incoming, socket, head, (client) => {
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

/** Nothing of it is kept. A body that is larger than it should be, or slower, is not read to its end. */
function countedBody(incoming: IncomingMessage): Promise<number> {
  return new Promise((resolve) => {
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
