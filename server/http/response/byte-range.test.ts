import { expect, test } from 'vitest'
import { byteRange } from './byte-range.ts'

const SIZE = 100

test.each<[string, { start: number; end: number }]>([
  ['bytes=0-9', { start: 0, end: 9 }],
  ['bytes=90-', { start: 90, end: 99 }],
  ['bytes=-10', { start: 90, end: 99 }],
  ['bytes=50-1000', { start: 50, end: 99 }],
  ['bytes=-1000', { start: 0, end: 99 }],
  ['bytes=99-99', { start: 99, end: 99 }],
])('RFC 9110 §14.1.2 the range %s of a hundred bytes ends no later than they do', (header, range) => {
  expect(byteRange(header, SIZE)).toEqual(range)
})

test.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=999999999999999-'])(
  'RFC 9110 §14.1.2 the range %s begins past a hundred bytes: it is refused',
  header => {
    expect(byteRange(header, SIZE)).toBe('unsatisfiable')
  },
)

test.each([
  undefined,
  '',
  'bytes=-',
  'bytes=9-0',
  'bytes=0-1,3-4',
  'bytes= 0-1',
  'bytes=0x0-1',
  'items=0-1',
  'Bytes=0-1',
  'bytes=1e3-',
  `bytes=${'9'.repeat(16)}-`,
])('RFC 9110 §14.2 the whole file answers a range that is invalid or not supported: %s', header => {
  expect(byteRange(header, SIZE)).toBeNull()
})

test('every range of an empty file is refused', () => {
  expect(['bytes=0-', 'bytes=0-0', 'bytes=-1'].map(header => byteRange(header, 0))).toEqual(
    Array(3).fill('unsatisfiable'),
  )
})
