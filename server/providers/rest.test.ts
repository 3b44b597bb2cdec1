import { beforeEach, expect, test } from 'vitest'
import { createRest, type Rest } from './backoff.ts'

let steady: number
let rest: Rest
beforeEach(() => {
  steady = 1_000_000
  rest = createRest({ now: () => ({ wall: 0, steady }) }, 3)
})

test('what fails for one person alone, however often, keeps nobody else away', () => {
  for (let i = 0; i < 100; i++) rest.failed('main', 'ada', 60_000)
  expect(rest.left('main')).toBe(0)
  rest.failed('main', 'bob', null)
  expect(rest.left('main')).toBe(0)
})

test('what fails for three in a row is left alone, for longer each time, and as long as it asks, within bounds', () => {
  for (const who of ['ada', 'bob', 'cleo']) rest.failed('main', who, null)
  expect(rest.left('main')).toBe(1000)
  expect(rest.left('other')).toBe(0)
  steady += 1000
  expect(rest.left('main')).toBe(0)
  rest.failed('main', 'ada', null)
  expect(rest.left('main')).toBe(2000)
  rest.failed('main', 'ada', 7000)
  expect(rest.left('main')).toBe(7000)
  for (let i = 0; i < 10; i++) rest.failed('main', 'ada', 1e300)
  expect(rest.left('main')).toBe(30_000)
})

test('one that succeeds begins anew', () => {
  for (const who of ['ada', 'bob']) rest.failed('main', who, null)
  rest.succeeded('main')
  rest.failed('main', 'cleo', null)
  expect(rest.left('main')).toBe(0)
})
