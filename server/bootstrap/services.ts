import { type Clock, SECOND, systemTimers } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { type Meter, noMeter } from '../base/meter.ts'
import { logSecurity } from '../base/security-log.ts'
import type { Config } from '../config/types.ts'
import { type Keys, openKeys } from '../keys/keys.ts'
import { signingChecksOf } from '../keys/checks.ts'
import { openSigning } from '../keys/signing.ts'
import { openSigningKeys, type SigningKeys } from '../keys/signing-file.ts'
import { detectRollback, raiseCounter } from '../ops/rollback-counter.ts'
import { createHandOver } from '../ops/hand-over.ts'
import { createFrontCheck } from '../ops/front-check.ts'
import { withDataDirLock } from '../ops/data-dir-lock.ts'
import { refuseOtherKeys, rememberKeys } from '../ops/key-checks.ts'
import type { OperationServices } from '../ops/operation-services.ts'
import { createPeople } from '../accounts/build-accounts.ts'
import { createSessions } from '../session/sessions.ts'
import type { Sessions } from '../session/types.ts'
import { databaseExists, databaseFile } from '../store/sqlite/files.ts'
import { openStore } from '../store/sqlite/store.ts'
import type { Store } from '../store/types.ts'
import type { Tracing } from './telemetry.ts'

export interface ComposeDeps {
  config: Config
  clock: Clock
  log: Log
  meter: Meter
  /** null: nothing is traced. */
  tracing: Tracing | null
  /** What this process does with the data, for others that find it locked: "the server", "user add". */
  what: string
  /** How long to wait for another process that has it locked. */
  waitMs: number
}

/** The services without HTTP, built once, for the server and for commands without a server. */
export interface Services extends OperationServices {
  meter: Meter
  /** Writes what is only in memory and releases the data folder. */
  close(): Promise<void>
}

/** @throws OperatorError if the data folder is in use, or its keys or database are invalid */
export async function buildServices(deps: ComposeDeps): Promise<Services> {
  return withDataDirLock(deps.config, deps, release => open(deps, release))
}

async function open({ config, clock, log, meter, tracing }: ComposeDeps, release: () => void): Promise<Services> {
  const keys = openKeys(config.keys, !databaseExists(databaseFile(config.dataDir)), clock.now().wall)
  // A key file that has been in use proves that there was a database.
  const opened = openStore({
    dataDir: config.dataDir,
    mayCreate: (keys.counter() ?? 0) === 0,
    queuesNotices: config.mail !== null,
    clock,
    log,
    onFailure: () => meter.count('store_failures_total'),
    onCommit: meter === noMeter ? null : ms => meter.observe('store_commit_seconds', ms / SECOND),
  })
  const store = tracing?.store(opened) ?? opened
  try {
    const signingKeys = await openKnownSigningKeys({ config, log, keys, store })
    await detectRollback({ keys, store, clock, log })
    const ownSessions = createSessions({
      clock,
      timers: systemTimers,
      log,
      meter,
      store: store.sessions,
      keyring: keys.keyring,
      settings: config,
    })
    const sessions = tracing?.sessions(ownSessions) ?? ownSessions
    sessions.onEnded(({ userId, reason }) =>
      logSecurity(log, {
        event: 'session_ended',
        outcome: reason === 'refresh_reuse' ? 'failure' : 'success',
        reason,
        accountId: userId,
      }),
    )
    const signing = openSigning({ keys: signingKeys, settings: config, log, now: clock.now().wall })
    await rememberKeys({ store, keys, signingKeys })
    const people = createPeople({ store, sessions, keyring: keys.keyring, clock, log, meter, config })
    return {
      config,
      clock,
      log,
      meter,
      keys,
      signingKeys,
      signing,
      store,
      sessions,
      people,
      frontCheck: createFrontCheck(clock),
      listening: [],
      handOver: createHandOver(clock),
      close: () => close(log, keys, store, sessions, release),
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * Called before anything is written, because with the wrong keys every session would end.
 * @throws OperatorError if the database was used with other keys
 */
async function openKnownSigningKeys({
  config,
  log,
  keys,
  store,
}: Pick<Services, 'config' | 'log' | 'keys' | 'store'>): Promise<SigningKeys> {
  await refuseOtherKeys({ store }, 'roots', keys.checks())
  const used = (await store.keyRecords.keyChecks('signing')).length > 0
  const signingKeys = openSigningKeys(config.signingKeys, keys, { used, mayWrite: true })
  await refuseOtherKeys({ store }, 'signing', signingChecksOf(signingKeys.all()))
  if (used && signingKeys.all().length === 0) {
    log.warn(
      { event: 'signing_keys_lost' },
      'the signing keys last used with this database are missing; created new ones, which upstreams may refuse until they fetch the keys again',
    )
  }
  return signingKeys
}

async function close(log: Log, keys: Keys, store: Store, sessions: Sessions, release: () => void): Promise<void> {
  try {
    await sessions.close()
    // From now on, a copy of the database taken earlier is recognised as older.
    await raiseCounter({ keys, store })
  } catch (error) {
    log.warn({ event: 'shutdown_write_failed', error }, 'failed to write pending changes before closing')
  } finally {
    await store.close()
    release()
  }
}
