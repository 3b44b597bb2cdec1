import { expect, test } from 'vitest'
import { cookieReader } from './presented-cookies.ts'

const names = { access: 'access', refresh: 'refresh' }

test.each([
  ['tiny', 20_000, (n: number) => `access=${n}`],
  ['large', 2100, (n: number) => `access=${n}; other=${'x'.repeat(8000)}`],
])('of %s Cookie headers with our names, at most %i are cached, whoever sends them', (_, most, headerOf) => {
  const read = cookieReader(names)
  const first = read(headerOf(0))
  expect(read(headerOf(0)), 'kept').toBe(first)
  for (let n = 1; n <= most; n++) read(headerOf(n))
  expect(read(headerOf(0)), 'pushed out').not.toBe(first)
})

test('a header without our cookies is not cached', () => {
  const read = cookieReader(names)
  expect(read('theme=dark')).not.toBe(read('theme=dark'))
})
