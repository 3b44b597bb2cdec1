import { describe, expect, test } from 'vitest'
import { answerReader } from './answer-reader.ts'

/**
 * Gives an answer to a reader in pieces of that size.
 * @returns the statuses of answers that came out whole, and all events
 */
function read(bytes: string, pieceBytes: number): { whole: number[]; events: number } {
  const seen = { whole: [] as number[], events: 0 }
  const take = answerReader((status, events, whole) => {
    seen.events += events
    if (whole) seen.whole.push(status)
  })
  const all = Buffer.from(bytes)
  for (let at = 0; at < all.length; at += pieceBytes) take(all.subarray(at, at + pieceBytes))
  return seen
}

describe('the load generator knows when an answer is whole', () => {
  const sized = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello'
  const chunked = 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
  const empty = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

  test.each([1, 2, 3, 7, 1000])(
    'in pieces of %i bytes, by its length, by its last chunk, and without a body',
    pieceBytes => {
      expect(read(sized, pieceBytes).whole).toEqual([200])
      expect(read(chunked, pieceBytes).whole).toEqual([404])
      expect(read(empty, pieceBytes).whole).toEqual([200])
    },
  )

  test('not before its last byte', () => {
    expect(read(sized.slice(0, -1), 1000).whole).toEqual([])
    expect(read(chunked.slice(0, -1), 1000).whole).toEqual([])
  })

  test('an event stream goes on; its events are counted', () => {
    const stream =
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n'
    expect(read(stream, 1000)).toEqual({ whole: [], events: 2 })
  })
})
