import { expect, test } from 'vitest'
import { chooseCoding } from './negotiation.ts'

test.each<[string | undefined, 'br' | 'gzip' | null]>([
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip', 'gzip'],
  ['br;q=0, gzip;q=0.5', 'gzip'],
  ['br;q=0.000', null],
  ['br ; Q=0 , gzip', 'gzip'],
  ['brotli', null],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['br;q=0.2, gzip;q=0.8', 'gzip'],
  ['gzip;q=0.8, br;q=0.8', 'br'],
  ['*', 'br'],
  ['br;q=0, *', 'gzip'],
  ['gzip, *;q=0', 'gzip'],
  ['*;q=0', null],
  ['identity', null],
  ['identity, gzip;q=0.5', null],
  ['identity;q=0.5, gzip', 'gzip'],
  ['identity;q=0, gzip;q=0.1', 'gzip'],
  ['identity;q=0', null],
  ['gzip;q=0, br;q=0, identity;q=0', null],
  ['gzip;q=2, br;q=oops', 'br'],
  [',;,=;q', null],
  ['', null],
  [undefined, null],
])('Accept-Encoding %j selects %j', (accepted, coding) => {
  expect(chooseCoding(accepted, ['br', 'gzip'])).toBe(coding)
})

test('a coding for which no file exists is not selected', () => {
  expect(chooseCoding('br, gzip;q=0.5', ['gzip'])).toBe('gzip')
  expect(chooseCoding('br', [])).toBeNull()
})
