import { expect, test } from 'vitest'
import { Problem } from '../base/problem.ts'
import { createReadiness } from './health.ts'

function stage() {
  const state = { steady: 0, draining: false, touched: 0, broken: false }
  const ready = createReadiness({
    clock: { now: () => ({ wall: 0, steady: state.steady }) },
    draining: () => state.draining,
    touch: async () => {
      state.touched++
      if (state.broken) throw new Problem('store_unavailable')
    },
  })
  return { state, code: async () => (await ready())?.code ?? 'ready' }
}

test('readiness fails with the store and recovers with it', async () => {
  const { state, code } = stage()
  expect(await code()).toBe('ready')
  state.broken = true
  state.steady = 1000
  expect(await code()).toBe('store_unavailable')
  state.broken = false
  state.steady = 2000
  expect(await code()).toBe('ready')
})

test('however often it is checked, the store is written at most once a second', async () => {
  const { state, code } = stage()
  await Promise.all(Array.from({ length: 100 }, code))
  state.steady = 999
  await code()
  expect(state.touched).toBe(1)
})

test('draining takes precedence and is not cached', async () => {
  const { state, code } = stage()
  await code()
  state.draining = true
  expect(await code()).toBe('draining')
})
