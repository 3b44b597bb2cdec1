import { expect, test } from 'vitest'
import { createBodyBudget } from './body-budget.ts'

const budget = () => createBodyBudget({ total: 100, perNetwork: 40 })
const busy = expect.objectContaining({ code: 'busy' }) as Error

test('one network cannot hold more than its part, and others still can', () => {
  const { hold } = budget()
  hold('192.0.2.1').grow(30)
  const second = hold('192.0.2.1')
  expect(() => second.grow(11)).toThrow(busy)
  second.grow(10)
  hold('192.0.2.2').grow(40)
})

test('an IPv6 customer is one network, whatever address each request comes from', () => {
  const { hold } = budget()
  hold('2001:db8::1').grow(40)
  expect(() => hold('2001:db8::2').grow(1)).toThrow(busy)
})

test('all networks together hold no more than the total, until some is released, once', () => {
  const { hold } = budget()
  const bodies = ['192.0.2.1', '192.0.2.2'].map(hold)
  for (const body of bodies) body.grow(40)
  const third = hold('192.0.2.3')
  third.grow(20)
  expect(() => third.grow(1)).toThrow(busy)
  bodies[0]?.release()
  bodies[0]?.release()
  third.grow(20)
  hold('192.0.2.1').grow(20)
  expect(() => hold('192.0.2.4').grow(1)).toThrow(busy)
})
