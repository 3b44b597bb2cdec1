import { expect, test } from 'vitest'
import { createLimits } from './run-limits.ts'

function limits() {
  const at = { wall: 0, steady: 0 }
  return { begin: createLimits({ clock: { now: () => ({ ...at }) } }), pass: (ms: number) => void (at.steady += ms) }
}
const slowDown = (retryAfter: number) => expect.objectContaining({ code: 'slow_down', extras: { retryAfter } }) as Error

test('an account runs one demonstration at a time, and six a minute', () => {
  const { begin, pass } = limits()
  const end = begin('ann')
  expect(() => begin('ann')).toThrow(slowDown(5))
  end()
  for (let run = 0; run < 5; run++) begin('ann')()
  pass(20_000)
  expect(() => begin('ann')).toThrow(slowDown(40))
  begin('bob')()
  pass(40_000)
  begin('ann')()
})

test('four demonstrations run at once, over all accounts', () => {
  const { begin } = limits()
  const ends = ['a', 'b', 'c', 'd'].map(begin)
  expect(() => begin('e')).toThrow(slowDown(5))
  ends[0]?.()
  begin('e')
})
