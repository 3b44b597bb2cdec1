import { expect, test } from 'vitest'
import { ANNA, someStreams } from './relay.testing.ts'

const { session } = ANNA
const closed: string[] = []
const closer = (name: string) => (reason: string) => void closed.push(`${name} ${reason}`)

test('a stream that was being dialled when its session ended closes at once; one whose session was replaced goes on as the next one\'s', () => {
  const streams = someStreams()
  streams.ended('gone', 'signed_out', null)
  streams.add({ ...session, publicId: 'gone' }, closer('a'))
  expect(closed.splice(0)).toEqual(['a signed_out'])
  streams.ended('old', 'replaced', 'next')
  streams.add({ ...session, publicId: 'old' }, closer('b'))
  expect(streams.count()).toBe(1)
  streams.ended('next', 'disabled', null)
  expect(closed.splice(0)).toEqual(['b disabled'])
})

test('the server\'s end closes everybody\'s streams, nobody\'s too, and those that come after', () => {
  const streams = someStreams()
  streams.add(session, closer('a'))
  streams.add(null, closer('b'))
  streams.close()
  streams.add(session, closer('c'))
  expect(closed.splice(0).sort()).toEqual(['a going_away', 'b going_away', 'c going_away'])
})

test('a stream that moved to its session\'s successor, beside one that was there, is not counted once it has ended by itself', () => {
  const streams = someStreams()
  const leave = [streams.add({ ...session, publicId: 'before' }, closer('a')), streams.add({ ...session, publicId: 'after' }, closer('b'))]
  streams.ended('before', 'replaced', 'after')
  expect(streams.count()).toBe(2)
  leave[0]?.()
  expect(streams.count()).toBe(1)
  streams.ended('after', 'signed_out', null)
  leave[1]?.()
  expect(streams.count()).toBe(0)
  expect(closed.splice(0)).toEqual(['b signed_out'])
})
