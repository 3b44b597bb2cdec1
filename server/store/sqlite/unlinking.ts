import type { UnixMs } from '../../base/clock.ts'
import type { Unlinked } from '../types.ts'
import type { Database } from './database.ts'
import type { IdentityRow } from './schema.ts'
import { endSessionsNamed } from './session-ends.ts'
import { endGrantsOf } from './voiding.ts'

/**
 * Ends what an identity has opened: whoever removes one may do so because it is no longer only theirs. The other
 * sessions opened by a sign-in there end. Synchronous: part of the transaction that removes the identity.
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
