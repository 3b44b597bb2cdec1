import fc from 'fast-check'

/** What a client sends to open a WebSocket, `{origin}` left open (RFC 6455 §4.1). */
export const handshake = (key: string): string[] => [
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${key}`,
  'Sec-WebSocket-Version: 13',
  'Origin: {origin}',
]

/** A text as a client frames it, masked with zeroes (RFC 6455 §5.2). */
export function textFrame(text: string): string {
  const bytes = Buffer.from(text)
  const size = bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 255]
  return Buffer.concat([Buffer.from([0x81, ...size, 0, 0, 0, 0]), bytes]).toString('latin1')
}

/** A frame (RFC 6455 §5.2) whose every part may be wrong. */
export const frame = (fills: readonly string[] = ['a', '\x00', '\xff']): fc.Arbitrary<string> =>
  fc
    .record({
      first: fc.oneof(fc.constantFrom(0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x00, 0x83, 0x8f, 0xf1, 0xc1), fc.nat(255)),
      length: fc.oneof(fc.nat(130), fc.constantFrom(126, 127, 65_535)),
      says: fc.constantFrom<'true' | 'huge' | 'negative'>('true', 'true', 'true', 'huge', 'negative'),
      masked: fc.boolean(),
      fill: fc.constantFrom(...fills),
    })
    .map(({ first, length, says, masked, fill }) => {
      const mask = masked ? 0x80 : 0
      const size =
        says === 'huge'
          ? [mask | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
          : says === 'negative'
            ? [mask | 127, 0xff, 0, 0, 0, 0, 0, 0, 0]
            : length < 126
              ? [mask | length]
              : [mask | 126, length >> 8, length & 255]
      return (
        Buffer.from([first, ...size, ...(masked ? [0, 0, 0, 0] : [])]).toString('latin1') +
        fill.repeat(length).slice(0, length)
      )
    })
