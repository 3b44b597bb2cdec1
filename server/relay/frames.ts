/**
 * Tracks WebSocket frames in a byte stream (RFC 6455 §5.2), so that a close frame of ours is never inserted into one.
 */
export function createFrameTracker() {
  const header = Buffer.alloc(14)
  let have = 0
  let payloadLeft = 0

  return {
    /** Whether the bytes so far end with a complete frame. */
    atBoundary: () => have === 0 && payloadLeft === 0,

    /**
     * Consumes the next bytes.
     * @param stop stops at the first frame boundary
     * @returns how many bytes were consumed
     */
    advance(chunk: Buffer, stop: boolean): number {
      let at = 0
      while (at < chunk.length) {
        if (payloadLeft > 0) {
          const size = Math.min(payloadLeft, chunk.length - at)
          payloadLeft -= size
          at += size
        } else {
          header[have++] = chunk[at++] ?? 0
          if (have < 2 || have < headerLength(header)) continue
          payloadLeft = payloadLength(header)
          have = 0
        }
        if (stop && have === 0 && payloadLeft === 0) return at
      }
      return at
    },
  }
}

function headerLength(header: Buffer): number {
  const second = header[1] ?? 0
  const size = second & 0x7f
  return 2 + (size === 126 ? 2 : size === 127 ? 8 : 0) + ((second & 0x80) === 0 ? 0 : 4)
}

function payloadLength(header: Buffer): number {
  const size = (header[1] ?? 0) & 0x7f
  if (size === 126) return header.readUInt16BE(2)
  return size === 127 ? Number(header.readBigUInt64BE(2)) : size
}

/**
 * An unmasked close frame, as servers send it.
 * @param code RFC 6455 §7.4
 */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason)
  const frame = Buffer.alloc(4 + text.length)
  frame[0] = 0x88
  frame[1] = 2 + text.length
  frame.writeUInt16BE(code, 2)
  text.copy(frame, 4)
  return frame
}
