import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

// Requests may be pipelined (RFC 9112 §9.3.2): what comes behind one whose answer is under way must not cut that
// answer, nor write into it.

/** How long a client that sends no more may take to read what it asked for before. */
const AFTER_END_MS = 5000

type Listener = (...args: unknown[]) => void

/** What Node itself does when a connection closes or drains. */
const ofNode = new WeakMap<object, Record<'close' | 'drain', Listener[]>>()

/**
 * Remembers what Node listens for, since it stops when a connection leaves HTTP, whatever is still to be answered
 * there.
 */
export function rememberListeners(server: Pick<Server, 'on'>): void {
  server.on('connection', (socket: Socket) => {
    ofNode.set(socket, {
      close: socket.listeners('close') as Listener[],
      drain: socket.listeners('drain') as Listener[],
    })
  })
}

/** The answer that this connection's bytes belong to now: the first that is not whole. */
function answerOn(socket: object): ServerResponse | null {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? null
}

export function isAnswering(socket: object): boolean {
  return answerOn(socket) !== null
}

/**
 * Calls back once all earlier requests of a connection that has left HTTP (CONNECT) have their whole answers; never, if
 * it closes before. What its client sends meanwhile is dropped.
 */
export function afterAnswersOfLeft(socket: Duplex, then: () => void): void {
  if (!isAnswering(socket)) return then()
  for (const event of ['close', 'drain'] as const) {
    const present = socket.listeners(event)
    for (const listener of ofNode.get(socket)?.[event] ?? [])
      if (!present.includes(listener)) socket.on(event, listener)
  }
  socket.on('error', () => socket.destroy())
  socket.resume()
  afterAnswers(socket, null, then)
}

/**
 * Calls back once all earlier requests have their whole answers; never, if the connection closes before.
 * @param broken a request that cannot be read to its end, and therefore waits for nothing
 * @param then told whether the broken request has got an answer
 */
export function afterAnswers(
  socket: Duplex,
  broken: IncomingMessage | null,
  then: (isAnswered: boolean) => void,
): void {
  const look = () => {
    if (socket.destroyed) return
    const answer = answerOn(socket)
    if (answer === null) return then(broken !== null)
    if (answer.req === broken) return then(answer.headersSent)
    answer.once('close', look)
  }
  if (isAnswering(socket)) socket.once('end', () => setTimeout(() => socket.destroy(), AFTER_END_MS).unref())
  look()
}
