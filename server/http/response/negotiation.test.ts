import { expect, test } from 'vitest'
import { chooseEncoding } from './negotiation.ts'

test.each<[string | undefined, 'br' | 'gzip' | null]>([
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip', 'gzip'],
  ['br;q=0, gzip;q=0.5', 'gzip'],
  ['br;q=0.000', null],
  ['brotli', null],
  ['GZIP', 'gzip'],
  ['', null],
  [undefined, null],
])('Accept-Encoding %j takes %j', (accepted, encoding) => {
  expect(chooseEncoding(accepted, ['br', 'gzip'])).toBe(encoding)
})
