/** A line of a file: its number, and its text; null if it is too long or not UTF-8. */
export interface NumberedLine {
  number: number
  text: string | null
}

/** Reads lines without ever holding more of one than `maxBytes`. The last one needs no line break. */
export async function* boundedLines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<NumberedLine> {
  let number = 0
  let held: Buffer[] = []
  let bytes = 0
  const take = (): NumberedLine => {
    const line = { number: ++number, text: bytes > maxBytes ? null : textOf(Buffer.concat(held)) }
    held = []
    bytes = 0
    return line
  }
  const hold = (part: Buffer) => {
    bytes += part.length
    if (bytes <= maxBytes) held.push(part)
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      hold(chunk.subarray(start, end))
      start = end + 1
      yield take()
    }
    hold(chunk.subarray(start))
  }
  if (bytes > 0) yield take()
}

/** Without a byte order mark, as some spreadsheets write one. */
function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
