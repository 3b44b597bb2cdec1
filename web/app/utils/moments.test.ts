import { expect, test } from 'vitest'
import { fullDate, relativeTime } from './moments.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const HOUR = 3_600_000

test.each([
  [NOW - 20_000, 'en', 'just now'],
  [NOW - 3 * HOUR - 59 * 60_000, 'en', '3 hours ago'],
  [NOW + 59 * 60_000, 'en', 'in 59 minutes'],
  [NOW - 25 * HOUR, 'en', 'yesterday'],
  [NOW + 6 * 24 * HOUR + HOUR, 'en', 'in 6 days'],
  [NOW - 3 * HOUR, 'zh-CN', '3小时前'],
])('%d is a phrase in %s', (at, locale, words) => {
  expect(relativeTime(at, NOW, locale, 'just now')).toBe(words)
})

test('beyond a week the date says more', () => {
  expect(relativeTime(NOW - 9 * 24 * HOUR, NOW, 'en', 'just now')).toBeNull()
  expect(fullDate(NOW, 'en', 'UTC')).toBe('Nov 23, 2026')
})
