const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const EVENT_END = Buffer.from('\n\n')

/**
 * Follows the answers on one connection without keeping their bodies (RFC 9112 §6.3; no trailers, no answer without a
 * body).
 * @param onProgress called for each piece: the status, how many events it ended, and whether the answer is whole
 * @returns what takes the bytes as they arrive
 */
export function answerReader(
  onProgress: (status: number, events: number, whole: boolean) => void,
): (chunk: Buffer) => void {
  let head: Buffer = Buffer.alloc(0)
  let status = 0
  let streams = false
  /** Bytes of the body still to come; null: it is chunked and ends with its last chunk. */
  let left: number | null = 0
  let tail: Buffer = Buffer.alloc(0)

  function bodyPiece(bytes: Buffer): void {
    const events = streams ? countOf(bytes, EVENT_END) : 0
    let whole: boolean
    if (left === null) {
      tail =
        bytes.length >= LAST_CHUNK.length
          ? bytes.subarray(-LAST_CHUNK.length)
          : Buffer.concat([tail, bytes]).subarray(-LAST_CHUNK.length)
      whole = tail.equals(LAST_CHUNK)
    } else {
      left -= bytes.length
      whole = left <= 0
    }
    const ended = status
    if (whole) status = 0
    onProgress(ended, events, whole)
  }

  return chunk => {
    if (status !== 0) return bodyPiece(chunk)
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const end = head.indexOf(HEAD_END)
    if (end === -1) return
    const text = head.subarray(0, end).toString('latin1')
    const rest = head.subarray(end + HEAD_END.length)
    status = Number(text.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    left = length === undefined ? null : Number(length)
    streams = /\r\ncontent-type: *text\/event-stream/i.test(text)
    head = Buffer.alloc(0)
    tail = Buffer.alloc(0)
    bodyPiece(rest)
  }
}

function countOf(bytes: Buffer, what: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(what); at !== -1; at = bytes.indexOf(what, at + what.length)) count += 1
  return count
}
