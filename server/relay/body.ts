import { type Readable, Transform } from 'node:stream'
import { Problem } from '../base/problem.ts'

/** A request body on its way to an upstream: a stream of its own, so that whatever becomes of it there, the client's
 * connection stays ours to end.
 * @param maxBytes null: no limit; a chunked body does not say its size beforehand
 * @param idleMs how long the client may send nothing */
export function outgoingBody(body: Readable, { maxBytes, idleMs }: { maxBytes: number | null, idleMs: number }): Transform {
  let bytes = 0
  const idle = setTimeout(() => passed.destroy(new Problem('request_timeout')), idleMs)
  const passed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      idle.refresh()
      bytes += chunk.length
      if (maxBytes !== null && bytes > maxBytes) done(new Problem('body_too_large', { detail: `At most ${maxBytes} bytes are taken here.` }))
      else done(null, chunk)
    },
  })
  // Whoever forwards it hears of a failure while it listens; afterwards nobody does, and nobody has to.
  passed.on('error', () => {})
  passed.on('close', () => {
    clearTimeout(idle)
    body.unpipe(passed)
  })
  const leave = () => {
    if (!body.readableEnded) passed.destroy(new Error('the client went away'))
  }
  if (body.destroyed) leave()
  body.on('error', error => passed.destroy(error))
  body.on('close', leave)
  return body.pipe(passed)
}
