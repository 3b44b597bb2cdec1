import type { UnixMs } from '../base/clock.ts'
import type { EndReason } from '../contract/end-reasons.ts'
import type { Database } from './database.ts'
import { isNull } from './drizzle.ts'
import { codes } from './schema.ts'
import { endEverySession, type EndedSession } from './session-ends.ts'

/** Ends every session and voids every one-time code, in one transaction: what was handed out before is worth nothing.
 * After a restore, where codes that were used since would work again, and when keys were compromised. */
export function endEverything(db: Database, why: { reason: EndReason, at: UnixMs }): Promise<EndedSession[]> {
  return db.write(() => {
    db.sql.update(codes).set({ usedAt: why.at }).where(isNull(codes.usedAt)).run()
    return endEverySession(db, why)
  })
}
