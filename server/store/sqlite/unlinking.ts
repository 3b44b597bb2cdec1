import type { UnixMs } from '../../base/clock.ts'
import type { Unlinked } from '../types.ts'
import type { Database } from './database.ts'
import type { IdentityRow } from './schema.ts'
import { endSessionsNamed } from './session-ends.ts'
import { endGrantsOf } from './voiding.ts'

/**
 * What came in by an identity goes with it: whoever removes one may have done so because it is not theirs alone any
 * more. The other sessions that were born of a sign-in there are over. Synchronous: part of the transaction that
 * removes the identity.
 * @param keep the session that asked
 */
export function endWhatCameBy(db: Database, identity: IdentityRow, keep: string, at: UnixMs): Unlinked {
  const granted = endGrantsOf(db, identity, at)
  const isOver = ({ origin, sessionId }: (typeof granted)[number]) => origin === 'sign_in' && sessionId !== keep
  return {
    ended: endSessionsNamed(
      db,
      granted.filter(isOver).map(({ sessionId }) => sessionId),
      { reason: 'signed_out_elsewhere', at },
    ),
    unlinked: granted.filter(one => !isOver(one)).map(({ sessionId }) => sessionId),
  }
}
