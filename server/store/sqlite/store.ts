import { logSecurity } from '../../base/security-log.ts'
import { accountQueries } from './account-queries.ts'
import { addressQueries } from './addresses.ts'
import { codeQueries } from './codes.ts'
import type { Database } from './database.ts'
import { eventQueries } from './events.ts'
import type { OnCommit } from './group-commit.ts'
import { factorQueries } from './factors.ts'
import { databaseFile } from './files.ts'
import { housekeepingQueries } from './housekeeping-queries.ts'
import { identityQueries } from './identities.ts'
import { importQueries } from './imports.ts'
import { keyRecordQueries } from './key-record-queries.ts'
import { mailQueries } from './mails.ts'
import { maintenance } from './maintenance.ts'
import { openMigrated, type OpenDeps } from './open.ts'
import { endAtProvider } from './provider-logout-queries.ts'
import { providerGrantQueries } from './provider-grants.ts'
import { sessionQueries } from './session-queries.ts'
import { singleUseQueries } from './single-uses.ts'
import { isReadFirst } from './integrity-check.ts'
import { throttleQueries } from './throttles.ts'
import type { Store } from '../types.ts'

/** Also exposes what is underneath, for tests: rooms get a `Store`. */
export interface SqliteStore extends Store {
  readonly db: Database
}

export interface StoreDeps extends OpenDeps {
  /** Whether mail is configured. */
  queuesNotices: boolean
  /** Called each time the disk or the file fails a query. */
  onFailure: () => void
  onCommit: OnCommit
}

/** @throws OperatorError if the database is not healthy, not ours, newer than the code, or cannot be created */
export function openStore(deps: StoreDeps): SqliteStore {
  const file = databaseFile(deps.dataDir)
  const wasRead = isReadFirst(file)
  const db = openMigrated(deps)
  db.serve()
  db.queuesNotices = deps.queuesNotices
  db.onNoted(line => logSecurity(deps.log, line))
  db.onFailure(deps.onFailure)
  db.onCommit(deps.onCommit)
  return {
    sessions: sessionQueries(db),
    events: eventQueries(db),
    accounts: { ...accountQueries(db), ...importQueries(db) },
    codes: codeQueries(db),
    addresses: addressQueries(db),
    mails: mailQueries(db),
    factors: factorQueries(db),
    throttles: throttleQueries(db),
    identities: identityQueries(db),
    providerGrants: { ...providerGrantQueries(db), endAtProvider: logout => endAtProvider(db, logout) },
    singleUses: singleUseQueries(db),
    housekeeping: housekeepingQueries(db),
    keyRecords: keyRecordQueries(db),
    maintenance: maintenance(db, wasRead ? null : file),
    db,
    close: async () => db.close(),
  }
}
