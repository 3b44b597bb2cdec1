import { expect, test } from 'vitest'
import { createRate } from './rate.ts'

test('a key may use its burst, then continues at its rate; other keys have their own', () => {
  let steady = 0
  const rate = createRate({ now: () => ({ wall: 0, steady }) }, { burst: 3, perSecond: 2 })
  expect([rate.take('a'), rate.take('a'), rate.take('a'), rate.take('a')]).toEqual([0, 0, 0, 0.5])
  expect(rate.take('b')).toBe(0)
  steady = 499
  expect(rate.take('a')).toBeGreaterThan(0)
  steady = 500
  expect([rate.take('a'), rate.take('a')]).toEqual([0, 0.5])
  steady = 1_000_000
  expect([rate.take('a'), rate.take('a'), rate.take('a'), rate.take('a')]).toEqual([0, 0, 0, 0.5])
})
