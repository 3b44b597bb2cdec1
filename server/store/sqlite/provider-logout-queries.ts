import type { UnixMs } from '../../base/clock.ts'
import type { Database } from './database.ts'
import { and, eq, isNull } from './drizzle.ts'
import { providerGrants, singleUses } from './schema.ts'
import { endSessionsNamed } from './session-ends.ts'
import type { EndedSession } from '../types.ts'

/** What a logout token says. Of `sid` and `subject` one is not null. */
export interface ProviderLogout {
  issuer: string
  /** The provider's session; null: every session of the subject. */
  sid: string | null
  subject: string | null
  /**
   * What the token is signed with, by all its names: a session whose ID token is signed otherwise is none of its
   * business.
   */
  algs: readonly string[]
  /** The token's own id, good once. */
  use: { key: string; endsAt: UnixMs }
  at: UnixMs
}

export interface EndedAtProvider {
  /** The token was used before: nothing was done. */
  repeated: boolean
  /** What it names is there, and signed otherwise: nothing was done. */
  otherAlg: boolean
  ended: EndedSession[]
  /** Sessions that only had a grant of this provider, and go on without it. */
  unlinked: string[]
}

/**
 * Uses up a logout token and ends what it names, in one transaction: one that failed half-way can be sent again.
 * @see OIDC Back-Channel Logout §2.7
 */
export function endAtProvider(
  db: Database,
  { issuer, sid, subject, algs, use, at }: ProviderLogout,
): Promise<EndedAtProvider> {
  return db.write(() => {
    const unused = db.sql.insert(singleUses).values(use).onConflictDoNothing().run().changes === 1
    if (!unused) return { repeated: true, otherAlg: false, ended: [], unlinked: [] }
    const bySid = sid === null ? undefined : eq(providerGrants.providerSid, sid)
    const bySubject = subject === null ? undefined : eq(providerGrants.subject, subject)
    const all = db.sql
      .select({
        id: providerGrants.id,
        sessionId: providerGrants.sessionId,
        origin: providerGrants.origin,
        alg: providerGrants.idTokenAlg,
      })
      .from(providerGrants)
      .where(and(eq(providerGrants.issuer, issuer), bySid, bySubject, isNull(providerGrants.endedAt)))
      .all()
    const named = all.filter(({ alg }) => alg === null || algs.includes(alg))
    const links = named.filter(({ origin }) => origin === 'link')
    for (const { id } of links)
      db.sql.update(providerGrants).set({ endedAt: at }).where(eq(providerGrants.id, id)).run()
    const ended = endSessionsNamed(
      db,
      named.filter(({ origin }) => origin === 'sign_in').map(({ sessionId }) => sessionId),
      { reason: 'provider_logout', at },
    )
    return {
      repeated: false,
      otherAlg: named.length === 0 && all.length > 0,
      ended,
      unlinked: links.map(({ sessionId }) => sessionId),
    }
  })
}
