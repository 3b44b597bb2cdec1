import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { Problem } from '../base/problem.ts'
import { LARGE_BYTES } from './chunks.ts'

interface Limits {
  /** null: no limit; a chunked body does not say its size beforehand. */
  maxBytes: number | null
  /** How long the client may send nothing while more is wanted. */
  idleMs: number
}

/**
 * Large chunks that nobody else holds: Node makes them of what came from the client's connection. Those of a page that
 * renders in this process are its own.
 */
const unshared = new WeakSet<object>()

/** Whether a chunk may be freed once it has been sent. */
export function isUnshared(chunk: object): boolean {
  return unshared.has(chunk)
}

/**
 * A request body on its way to an upstream: a stream of its own, so that whatever becomes of it there, the client's
 * connection stays ours to end. It takes from the client what the upstream takes from it, and no more.
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
    // Whoever forwards it hears of a failure while it listens; afterwards nobody does, and nobody has to.
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

  /** While the upstream takes nothing, the client is not the one that is waited for. */
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
