import { beforeEach, expect, test } from 'vitest'
import { createBackoff, type Backoff } from './backoff.ts'

let steady: number
let backoff: Backoff
beforeEach(() => {
  steady = 1_000_000
  backoff = createBackoff({ now: () => ({ wall: 0, steady }) }, 3)
})

test('what fails for one person alone, however often, keeps nobody else away', () => {
  for (let i = 0; i < 100; i++) backoff.failed('main', 'ada', 60_000)
  expect(backoff.left('main')).toBe(0)
  backoff.failed('main', 'bob', null)
  expect(backoff.left('main')).toBe(0)
})

test('what fails for three in a row is left alone, for longer each time, and as long as it asks, within bounds', () => {
  for (const who of ['ada', 'bob', 'cleo']) backoff.failed('main', who, null)
  expect(backoff.left('main')).toBe(1000)
  expect(backoff.left('other')).toBe(0)
  steady += 1000
  expect(backoff.left('main')).toBe(0)
  backoff.failed('main', 'ada', null)
  expect(backoff.left('main')).toBe(2000)
  backoff.failed('main', 'ada', 7000)
  expect(backoff.left('main')).toBe(7000)
  for (let i = 0; i < 10; i++) backoff.failed('main', 'ada', 1e300)
  expect(backoff.left('main')).toBe(30_000)
})

test('one that succeeds begins anew', () => {
  for (const who of ['ada', 'bob']) backoff.failed('main', who, null)
  backoff.succeeded('main')
  backoff.failed('main', 'cleo', null)
  expect(backoff.left('main')).toBe(0)
})
