import { type Readable, Transform } from 'node:stream'
import { Problem } from '../base/problem.ts'

/** A request body that fails past a limit: a chunked one does not say its size beforehand.
 * @param maxBytes null: no limit */
export function bounded(body: Readable, maxBytes: number | null): Readable {
  if (maxBytes === null) return body
  let bytes = 0
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > maxBytes) done(new Problem('body_too_large', { detail: `At most ${maxBytes} bytes are taken here.` }))
      else done(null, chunk)
    },
  })
  body.on('error', error => limit.destroy(error))
  body.on('close', () => {
    if (!body.readableEnded) limit.destroy(new Error('the client went away'))
  })
  return body.pipe(limit)
}
