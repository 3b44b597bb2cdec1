import type { UnixMs } from '../../base/clock.ts'
import { logSecurity } from '../../base/security-log.ts'
import type { EndReason } from '../../contract/end-reasons.ts'
import { accountQueries, type AccountStore } from './account-queries.ts'
import { copyLive } from './backup-snapshot.ts'
import { codeQueries, type CodeStore } from './codes.ts'
import type { Database } from './database.ts'
import { eventQueries } from './events.ts'
import { databaseFile } from './files.ts'
import { housekeepingQueries, type HousekeepingStore } from './housekeeping-queries.ts'
import { identityQueries, type IdentityStore } from './identities.ts'
import { metaQueries, type MetaStore } from './meta.ts'
import { openMigrated, type OpenDeps } from './open.ts'
import { endAtProvider, type EndedAtProvider, type ProviderLogout } from './provider-logout-queries.ts'
import { type ProviderGrantStore, providerGrantQueries } from './provider-grants.ts'
import { sessionQueries } from './session-queries.ts'
import { type SingleUseStore, singleUseQueries } from './single-uses.ts'
import { damageBeside, isReadFirst } from './integrity-check.ts'
import { throttleQueries, type ThrottleStore } from './throttles.ts'
import { endEverything } from './revoke-all.ts'
import type { EndedSession, EventStore, SessionStore } from '../types.ts'

/** Everything that is kept. One function, one transaction; every one may throw Problem `store_unavailable`. */
export interface Store {
  readonly sessions: SessionStore
  readonly accounts: AccountStore
  readonly codes: CodeStore
  readonly events: EventStore
  readonly throttles: ThrottleStore
  readonly providerGrants: ProviderGrantStore
  readonly identities: IdentityStore
  readonly singleUses: SingleUseStore
  readonly housekeeping: HousekeepingStore
  readonly meta: MetaStore
  /** For tests that look beneath; rooms use the functions beside it. */
  readonly db: Database
  endEverything(
    why: { reason: EndReason; at: UnixMs },
    announce: (ended: readonly EndedSession[]) => void,
  ): Promise<number>
  /**
   * Reads the whole database for damage, in a thread of its own; nothing is read that was read when it was opened.
   * @returns what is wrong, in SQLite's words; null: nothing
   * @throws Error when it cannot be read
   */
  readWhole(): Promise<string | null>
  /** What a provider's logout token names is over. */
  endAtProvider(logout: ProviderLogout): Promise<EndedAtProvider>
  /**
   * Copies the database into a new file while it is in use.
   * @throws the system's or the driver's error
   */
  backup(file: string): Promise<void>
  close(): void
}

/** @throws OperatorError when the database is not healthy, not ours, newer than the code, or cannot be made */
export function openStore(deps: OpenDeps): Store {
  const file = databaseFile(deps.dataDir)
  const wasRead = isReadFirst(file)
  const db = openMigrated(deps)
  db.serve()
  db.onNoted(line => logSecurity(deps.log, line))
  return {
    sessions: sessionQueries(db),
    accounts: accountQueries(db),
    codes: codeQueries(db),
    events: eventQueries(db),
    throttles: throttleQueries(db),
    providerGrants: providerGrantQueries(db),
    identities: identityQueries(db),
    singleUses: singleUseQueries(db),
    housekeeping: housekeepingQueries(db),
    meta: metaQueries(db),
    db,
    endEverything: (why, announce) => endEverything(db, why, announce),
    endAtProvider: logout => endAtProvider(db, logout),
    readWhole: async () => (wasRead ? null : damageBeside(file)),
    backup: to => copyLive(db.raw, to),
    close: () => db.close(),
  }
}
