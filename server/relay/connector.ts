import type { Socket } from 'node:net'
import type { buildConnector, errors } from 'undici'

/** How many bytes a connection had brought by the time it failed. */
const bytesUntil = new WeakMap<Error, number>()

/** What undici does with the head of an answer; `this` is its parser. */
type OnHead = (this: unknown, status: number, isUpgrade: boolean, keepsAlive: boolean) => number

/** Connections to upstreams, with what a relay needs besides. */
export function relayConnector(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => connect(options, (...result) => {
    const [error, socket] = result
    if (error !== null) return callback(error, null)
    socket.prependListener('error', (failure: Error) => bytesUntil.set(failure, socket.bytesRead))
    callback(null, socket)
    passOverContinue(socket)
  })
}

/** A client must be able to read a 100 that it did not ask for (RFC 9110 §15.2), and undici hangs up on one. What follows the
 * head is the same as with 102, which undici passes over. */
function passOverContinue(socket: Socket): void {
  const key = Object.getOwnPropertySymbols(socket).find(symbol => symbol.description === 'parser')
  const parser = key === undefined ? null : Reflect.get(socket, key) as { onHeadersComplete?: OnHead } | null
  const onHead = parser?.onHeadersComplete
  if (!parser || onHead === undefined) return
  parser.onHeadersComplete = function (status, isUpgrade, keepsAlive) {
    return onHead.call(this, status === 100 ? 102 : status, isUpgrade, keepsAlive)
  }
}

const HUNG_UP = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/** Whether a call may have failed only because its connection, kept from an earlier call, was closed by the upstream meanwhile.
 * @param error of a call to which no byte of an answer had come */
export function wasStale(error: Error): boolean {
  const { code, socket } = error as Partial<errors.SocketError> & NodeJS.ErrnoException
  if (code === undefined || !HUNG_UP.has(code)) return false
  return (socket?.bytesRead ?? bytesUntil.get(error) ?? 0) > 0
}
