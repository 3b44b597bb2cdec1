import { isIP, type Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { isUnshared } from './request-body.ts'
import { release } from './chunks.ts'

/** Errors of connections on which a response had been received before. */
const afterAnswers = new WeakSet<Error>()

/** undici's handler for a response head; `this` is its parser. */
type OnHead = (this: unknown, status: number, isUpgrade: boolean, keepsAlive: boolean) => number

/** Opens connections to upstreams, adding what the relay needs beyond undici. */
export function relayConnector(connect: buildConnector.connector): buildConnector.connector {
  return ({ servername: _ofHostHeader, ...options }, callback) => {
    // The certificate is the target's, whatever the Host header names.
    const servername = isIP(options.hostname) === 0 ? { servername: options.hostname } : {}
    return connect({ ...options, ...servername }, (...result) => {
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
}

/**
 * Inspects every response head before undici's parser. A client must be able to parse an unexpected 100 (RFC 9110
 * §15.2), but undici closes the connection: it is reported as a 102 instead, which is equivalent here and skipped.
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
 * undici corks a connection around each chunk of a body, so that after uncorking with an empty queue the kernel has the
 * chunk.
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
    // Deferred until undici's own write has returned.
    if (written !== null && this.writableLength === 0) process.nextTick(release, written)
    written = null
  }
}

const HUNG_UP = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/**
 * Whether a call may have failed only because the upstream closed its kept-alive connection in the meantime.
 * @param error of a call that received no byte of a response
 */
export function wasStale(error: NodeJS.ErrnoException): boolean {
  return error.code !== undefined && HUNG_UP.has(error.code) && afterAnswers.has(error)
}
