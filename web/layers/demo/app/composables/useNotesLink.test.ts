import { expect, test } from 'vitest'
import { waitBefore } from './useNotesLink.ts'

test('each reconnect waits longer than the one before, up to a minute, with jitter', () => {
  expect([0, 1, 2].map(failures => waitBefore(failures, 1))).toEqual([1000, 2000, 4000])
  expect(waitBefore(1000, 1)).toBe(60_000)
  expect(waitBefore(0, 0)).toBe(500)
})
