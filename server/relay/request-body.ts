import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { Problem } from '../base/problem.ts'
import { LARGE_BYTES } from './chunks.ts'

interface Limits {
  /** null: no limit. A chunked body does not announce its size. */
  maxBytes: number | null
  /** How long the client may send nothing while the upstream waits for more. */
  idleMs: number
}

/**
 * Large chunks that nothing else references: those that Node read from a client's connection, as opposed to the body of
 * a page rendering in this process.
 */
const unshared = new WeakSet<object>()

/** Whether a chunk may be freed once it has been sent. */
export function isUnshared(chunk: object): boolean {
  return unshared.has(chunk)
}

/**
 * A request body for an upstream, as a separate stream, so that a failure at the upstream does not destroy the client's
 * connection. Reads from the client only as fast as the upstream reads.
 */
export class OutgoingBody extends Readable {
  readonly #source: Readable
  readonly #maxBytes: number
  readonly #idle: NodeJS.Timeout
  #bytes = 0

  constructor(source: Readable, { maxBytes, idleMs }: Limits) {
    super()
    this.#source = source
    this.#maxBytes = maxBytes ?? Infinity
    this.#idle = setTimeout(() => this.#fellSilent(), idleMs)
    // The forwarding code only listens while it needs the body; a later failure is irrelevant and must not be thrown.
    this.on('error', () => {})
    if (source.destroyed) this.#leave()
    source.pause().on('data', this.#take).on('end', this.#end).on('error', this.#fail).on('close', this.#leave)
  }

  override _read(): void {
    this.#source.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#idle)
    this.#source.off('data', this.#take).off('end', this.#end).off('close', this.#leave).pause()
    done(error)
  }

  /** While the upstream does not read, the client is not to blame for the silence. */
  #fellSilent(): void {
    if (this.#source.isPaused()) this.#idle.refresh()
    else this.destroy(new Problem('request_timeout'))
  }

  readonly #take = (chunk: Buffer): void => {
    this.#idle.refresh()
    this.#bytes += chunk.length
    if (chunk.length > LARGE_BYTES && this.#source instanceof IncomingMessage) unshared.add(chunk)
    if (this.#bytes > this.#maxBytes)
      this.destroy(new Problem('body_too_large', { detail: `At most ${this.#maxBytes} bytes are accepted here.` }))
    else if (!this.push(chunk)) this.#source.pause()
  }

  readonly #end = (): void => void this.push(null)

  readonly #fail = (error: Error): void => void this.destroy(error)

  readonly #leave = (): void => {
    if (!this.#source.readableEnded) this.destroy(new Error('the client went away'))
  }
}
