import type { IncomingMessage } from 'node:http'
import { SECOND } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Exchange } from './exchange.ts'

/** The largest body that a call under /auth/* needs is a form with one long password. */
const MAX_BODY_BYTES = 64 * 1024
/** How long it may take to arrive. */
const BODY_MS = 30 * SECOND

/** Refuses bodies that are too large, before they are read where they say their length, else after so many bytes.
 * Node's parser has seen to it that a Content-Length is true and that there is not also a Transfer-Encoding (ASVS 4.2). */
export function limitBody(exchange: Exchange): undefined | Promise<undefined> {
  if (exchange.family !== 'auth') return
  const { headers, incoming } = exchange
  const length = headers['content-length']
  if (length !== undefined && Number(length) > MAX_BODY_BYTES) throw new Problem('body_too_large')
  // Read before anybody is identified: who held back a body would else be judged by what was true when it began.
  if (!exchange.hasBody || incoming === null) return
  exchange.askForBody()
  return readWhole(incoming)
}

/** Reads a body up to the bound; the adapter takes it from `rawBody`. */
function readWhole(incoming: IncomingMessage): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const deadline = setTimeout(() => stop(new Problem('request_timeout')), BODY_MS)
    const stop = (problem: Problem) => {
      clearTimeout(deadline)
      incoming.off('data', take)
      incoming.pause()
      reject(problem)
    }
    const take = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) return stop(new Problem('body_too_large'))
      chunks.push(chunk)
    }
    incoming.on('data', take)
    incoming.once('end', () => {
      clearTimeout(deadline)
      Object.assign(incoming, { rawBody: Buffer.concat(chunks) })
      resolve(undefined)
    })
    incoming.once('close', () => stop(new Problem('bad_request')))
  })
}
