import { expect, test } from 'vitest'
import { sessionContract } from '../contract.testing.ts'
import { memoryEvents } from './memory-events.ts'
import { memoryBench } from './memory.testing.ts'

sessionContract('memory', memoryBench)

test('the logs of a thousand accounts are kept, those that something happened to last', () => {
  const { record, log } = memoryEvents()
  const event = { at: 1, kind: 'signed_in' as const, byUserId: null, sessionId: null, reason: null }
  const happens = (userId: string) => record({ ...event, userId, userAgent: null, network: null })
  for (let n = 0; n < 1000; n++) happens(`u${n}`)
  happens('u0')
  happens('u1000')
  expect(['u0', 'u1', 'u2', 'u1000'].map(userId => log(userId).length)).toEqual([2, 0, 1, 1])
})
