import { describe, expect, test } from 'vitest'
import { createLog } from '../base/log.ts'
import { startIntegrityCheck } from './integrity-watch.ts'

/**
 * Runs the check with timers that fire on demand.
 * @returns how often the process was ended
 */
async function checked(findDamage: () => Promise<string | null>): Promise<{ ended: number; stopped: boolean }> {
  let due = () => {}
  const seen = { ended: 0, stopped: false }
  const timers = {
    every: (_ms: number, work: () => void) => {
      due = work
      return () => void (seen.stopped = true)
    },
  }
  startIntegrityCheck({ store: { findDamage }, log: createLog('silent'), timers }, () => void (seen.ended += 1))
  due()
  await new Promise(done => setImmediate(done))
  return seen
}

describe('the integrity check of a large database next to the server', () => {
  test('ends the process if it finds damage, and only then', async () => {
    expect(await checked(async () => 'page 7: wrong')).toEqual({ ended: 1, stopped: true })
    expect(await checked(async () => null)).toEqual({ ended: 0, stopped: true })
    expect(await checked(async () => Promise.reject(new Error('EIO')))).toEqual({ ended: 0, stopped: true })
  })
})
