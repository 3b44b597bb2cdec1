import type { IncomingMessage } from 'node:http'
import { Problem } from '../base/problem.ts'
import type { Exchange } from './exchange.ts'

/** The largest body that a call under /auth/* needs is a form with one long password. */
const MAX_BODY_BYTES = 64 * 1024

/** Refuses bodies that are too large, before they are read where they say their length, else after so many bytes.
 * Node's parser has seen to it that a Content-Length is true and that there is not also a Transfer-Encoding (ASVS 4.2). */
export function limitBody(exchange: Exchange): undefined | Promise<undefined> {
  if (exchange.family !== 'auth') return
  const { headers, incoming } = exchange
  const length = headers['content-length']
  if (length !== undefined && Number(length) > MAX_BODY_BYTES) throw new Problem('body_too_large')
  if (headers['transfer-encoding'] !== undefined && incoming !== null) return readWhole(incoming)
}

/** Reads a body of unknown length up to the bound; the adapter takes it from `rawBody`. */
function readWhole(incoming: IncomingMessage): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const stop = (problem: Problem) => {
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
      Object.assign(incoming, { rawBody: Buffer.concat(chunks) })
      resolve(undefined)
    })
    incoming.once('close', () => stop(new Problem('bad_request')))
  })
}
