import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

// Requests may be pipelined (RFC 9112 §9.3.2): a refused one must neither cut off the pending responses before it, nor
// write into them.

/** How long a client that has closed its side may take to read earlier responses. */
const AFTER_END_MS = 5000

type Listener = (...args: unknown[]) => void

/** Node's own listeners for a connection's close and drain. */
const ofNode = new WeakMap<object, Record<'close' | 'drain', Listener[]>>()

/** Records Node's listeners, which it removes when a connection leaves HTTP, even if responses are still pending. */
export function rememberListeners(server: Pick<Server, 'on'>): void {
  server.on('connection', (socket: Socket) => {
    ofNode.set(socket, {
      close: socket.listeners('close') as Listener[],
      drain: socket.listeners('drain') as Listener[],
    })
  })
}

/** The response that the connection is currently writing: the first that is not complete. */
function responseOn(socket: object): ServerResponse | null {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? null
}

export function isResponding(socket: object): boolean {
  return responseOn(socket) !== null
}

/**
 * Calls back once all earlier responses are complete on a connection that has left HTTP (CONNECT); never if it closes
 * before. Data that the client sends meanwhile is dropped.
 */
export function afterResponsesOfLeft(socket: Duplex, then: () => void): void {
  if (!isResponding(socket)) return then()
  for (const event of ['close', 'drain'] as const) {
    const present = socket.listeners(event)
    for (const listener of ofNode.get(socket)?.[event] ?? [])
      if (!present.includes(listener)) socket.on(event, listener)
  }
  socket.on('error', () => socket.destroy())
  socket.resume()
  afterResponses(socket, null, then)
}

/**
 * Calls back once all earlier responses are complete; never if the connection closes before.
 * @param broken a request whose body cannot be parsed, so that its own response is not waited for
 * @param then receives whether the broken request already has a response
 */
export function afterResponses(
  socket: Duplex,
  broken: IncomingMessage | null,
  then: (isAnswered: boolean) => void,
): void {
  const check = () => {
    if (socket.destroyed) return
    const answer = responseOn(socket)
    if (answer === null) return then(broken !== null)
    if (answer.req === broken) return then(answer.headersSent)
    answer.once('close', check)
  }
  if (isResponding(socket)) socket.once('end', () => setTimeout(() => socket.destroy(), AFTER_END_MS).unref())
  check()
}
