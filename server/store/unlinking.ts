import type { UnixMs } from '../base/clock.ts'
import type { Database } from './database.ts'
import { and, eq, isNull } from './drizzle.ts'
import { type IdentityRow, providerGrants } from './schema.ts'
import { type EndedSession, endSessionsNamed } from './sessions.ts'

/** `unlinked`: sessions that go on without what the provider granted to them. */
export interface Unlinked { ended: EndedSession[], unlinked: string[] }

/** What came in by an identity goes with it: whoever removes one may have done so because it is not theirs alone any more. The
 * other sessions that were born of a sign-in there are over. Synchronous: part of the transaction that removes the identity.
 * @param keep the session that asked */
export function endWhatCameBy(db: Database, { userId, issuer, subject }: IdentityRow, keep: string, at: UnixMs): Unlinked {
  const theirs = and(eq(providerGrants.userId, userId), eq(providerGrants.issuer, issuer), eq(providerGrants.subject, subject), isNull(providerGrants.endedAt))
  const granted = db.sql.select({ sessionId: providerGrants.sessionId, birth: providerGrants.birth }).from(providerGrants).where(theirs).all()
  const isOver = ({ birth, sessionId }: typeof granted[number]) => birth === 'sign_in' && sessionId !== keep
  db.sql.update(providerGrants).set({ endedAt: at }).where(theirs).run()
  return {
    ended: endSessionsNamed(db, granted.filter(isOver).map(({ sessionId }) => sessionId), { reason: 'signed_out_elsewhere', at }),
    unlinked: granted.filter(one => !isOver(one)).map(({ sessionId }) => sessionId),
  }
}
