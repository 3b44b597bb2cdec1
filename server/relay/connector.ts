import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { isUnshared } from './request-body.ts'
import { release } from './chunks.ts'

/** Failures of connections over which an answer had come before. */
const afterAnswers = new WeakSet<Error>()

/** What undici does with the head of an answer; `this` is its parser. */
type OnHead = (this: unknown, status: number, isUpgrade: boolean, keepsAlive: boolean) => number

/** Connections to upstreams, with what a relay needs besides. */
export function relayConnector(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...result) => {
      const [error, socket] = result
      if (error !== null) return callback(error, null)
      let hasAnswered = false
      socket.prependListener('error', (failure: Error) => void (hasAnswered && afterAnswers.add(failure)))
      freeWhatIsSent(socket)
      callback(null, socket)
      watchHeads(socket, () => {
        hasAnswered = true
      })
    })
}

/**
 * Looks at the head of every answer on its way to undici's parser. A client must be able to read a 100 that it did not
 * ask for (RFC 9110 §15.2), and undici hangs up on one: it is shown as a 102, which means the same here and is passed
 * over.
 */
function watchHeads(socket: Socket, onAnswer: () => void): void {
  const key = Object.getOwnPropertySymbols(socket).find(symbol => symbol.description === 'parser')
  const parser = key === undefined ? null : (Reflect.get(socket, key) as { onHeadersComplete?: OnHead } | null)
  const onHead = parser?.onHeadersComplete
  if (!parser || onHead === undefined) return
  parser.onHeadersComplete = function (status, isUpgrade, keepsAlive) {
    if (status >= 200) onAnswer()
    return onHead.call(this, status === 100 ? 102 : status, isUpgrade, keepsAlive)
  }
}

/**
 * undici corks a connection around each chunk of a body: when it takes the cork out and nothing waits, the kernel has
 * the chunk.
 */
function freeWhatIsSent(socket: Socket): void {
  let written: Uint8Array | null = null
  const { write, uncork } = socket
  socket.write = function (chunk: string | Uint8Array, ...rest: unknown[]) {
    if (typeof chunk === 'object' && this.writableCorked > 0 && isUnshared(chunk)) written = chunk
    return Reflect.apply(write, this, [chunk, ...rest]) as boolean
  }
  socket.uncork = function () {
    uncork.call(this)
    // Not before undici has returned from writing it.
    if (written !== null && this.writableLength === 0) process.nextTick(release, written)
    written = null
  }
}

const HUNG_UP = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/**
 * Whether a call may have failed only because its connection, kept from an earlier call, was closed by the upstream
 * meanwhile.
 * @param error of a call to which no byte of an answer had come
 */
export function wasStale(error: NodeJS.ErrnoException): boolean {
  return error.code !== undefined && HUNG_UP.has(error.code) && afterAnswers.has(error)
}
