import { setImmediate as nextTurn } from 'node:timers/promises'
import type { UnixMs } from '../../base/clock.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import type { Database } from './database.ts'
import { isNull } from './drizzle.ts'
import { codes, recoveryCodes } from './schema.ts'
import { endAnyBatch } from './session-ends.ts'
import type { EndedSession } from '../types.ts'

/**
 * Voids every one-time code and recovery code, then ends every session, in batches: after a restore, where used codes would work again,
 * and when keys were compromised. The caller waits until it is done.
 * @param announce called with each batch
 * @returns how many sessions ended
 */
export async function revokeAll(
  db: Database,
  why: { reason: EndReason; at: UnixMs },
  announce: (ended: readonly EndedSession[]) => void,
): Promise<number> {
  await db.write(() => db.sql.update(codes).set({ usedAt: why.at }).where(isNull(codes.usedAt)).run())
  await db.write(() => db.sql.update(recoveryCodes).set({ usedAt: why.at }).where(isNull(recoveryCodes.usedAt)).run())
  for (let total = 0; ;) {
    const { ended, more } = await db.write(() => endAnyBatch(db, why))
    announce(ended)
    total += ended.length
    if (!more) return total
    await nextTurn()
  }
}
