import { expect, test } from 'vitest'
import { unconfirmed } from '../base/peer.ts'
import { createStreamSlots } from './stream-slots.ts'

test('a peer that is not trusted and invents networks gets the streams of four networks at most', () => {
  const slots = createStreamSlots({ perNetwork: 8 })
  const from = (n: number) => unconfirmed('10.0.0.1', `203.0.113.${n}`)
  const given = Array.from({ length: 32 }, (_, n) => slots.take(from(n), true))
  expect(() => slots.take(from(100), true)).toThrow(expect.objectContaining({ code: 'too_many_streams' }))
  expect(() => slots.take('10.0.0.2', true), 'others have theirs').not.toThrow()
  for (const revoke of given) revoke()
  for (let n = 0; n < 8; n++) slots.take(from(1), true)
  expect(() => slots.take(from(1), true), 'and one of them no more than one network').toThrow()
  for (let n = 0; n < 8; n++) slots.take(from(100 + n), false)
  expect(() => slots.take(from(120), false)).toThrow()
})
