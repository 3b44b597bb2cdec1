import { beforeEach, expect, test } from 'vitest'
import { createBackoff, type Backoff } from './backoff.ts'

let steady: number
let backoff: Backoff
beforeEach(() => {
  steady = 1_000_000
  backoff = createBackoff({ now: () => ({ wall: 0, steady }) }, 3)
})

test('failures of a single user, however many, block no one else', () => {
  for (let i = 0; i < 100; i++) backoff.failed('main', 'ada', 60_000)
  expect(backoff.left('main')).toBe(0)
  backoff.failed('main', 'bob', null)
  expect(backoff.left('main')).toBe(0)
})

test('after failures of three users in a row, calls pause for longer each time, and as long as requested, within bounds', () => {
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

test('a success resets the backoff', () => {
  for (const who of ['ada', 'bob']) backoff.failed('main', who, null)
  backoff.succeeded('main')
  backoff.failed('main', 'cleo', null)
  expect(backoff.left('main')).toBe(0)
})
