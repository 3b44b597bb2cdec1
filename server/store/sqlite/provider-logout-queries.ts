import type { EndedAtProvider, ProviderLogout } from '../types.ts'
import type { Database } from './database.ts'
import { and, eq, isNull } from './drizzle.ts'
import { providerGrants, singleUses } from './schema.ts'
import { endSessionsNamed } from './session-ends.ts'

/**
 * Uses a logout token and ends what it names, in one transaction, so that one that failed can be sent again.
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
