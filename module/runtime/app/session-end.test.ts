import { expect, test } from 'vitest'
import { waitUntilEnd } from './session-end.ts'

const NOW = 1_800_000_000_000

test('the next end counts, and the question comes a moment after it', () => {
  expect(waitUntilEnd({ idleEndsAt: NOW + 60_000, absoluteEndsAt: NOW + 90_000 }, NOW)).toBe(61_000)
  expect(waitUntilEnd({ idleEndsAt: NOW + 90_000, absoluteEndsAt: NOW + 60_000 }, NOW)).toBe(61_000)
})

test('a clock that is fast does not make the page ask without pause', () => {
  expect(waitUntilEnd({ idleEndsAt: NOW - 3_600_000, absoluteEndsAt: NOW - 3_600_000 }, NOW)).toBe(5_000)
})

test('thirty days do not overflow a timer', () => {
  expect(waitUntilEnd({ idleEndsAt: NOW + 30 * 86_400_000, absoluteEndsAt: NOW + 30 * 86_400_000 }, NOW)).toBe(
    2 ** 31 - 1,
  )
})
