import { expect, test } from 'vitest'
import { MINUTE } from '../base/clock.ts'
import { handClock } from '../../tests/support/installation.ts'
import { COUNTED_MAX, createSessionCount } from './count-sessions.ts'

test('sessions are counted page by page, at most once a minute, and up to a limit', async () => {
  const time = handClock()
  let asked = 0
  let pages = 3
  const count = createSessionCount(
    {
      countLiving: async (_at, after, limit) => {
        asked++
        const page = after === null ? 1 : Number(after)
        return { living: limit, next: page < pages ? String(page + 1) : null }
      },
    },
    time.clock,
  )
  expect(await Promise.all([count(), count()])).toEqual([1500, 1500])
  expect(asked).toBe(3)
  time.pass(MINUTE - 1)
  await count()
  expect(asked).toBe(3)
  time.pass(1)
  pages = Infinity
  expect(await count()).toBe(COUNTED_MAX)
})

test('a count that fails is tried again at once', async () => {
  let fails = true
  const count = createSessionCount(
    { countLiving: () => (fails ? Promise.reject(new Error('gone')) : Promise.resolve({ living: 7, next: null })) },
    handClock().clock,
  )
  await expect(count()).rejects.toThrow('gone')
  fails = false
  expect(await count()).toBe(7)
})
