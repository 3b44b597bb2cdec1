import { type Clock, systemTimers } from './base/clock.ts'
import type { Log } from './base/log.ts'
import type { Meter } from './base/meter.ts'
import { logSecurity } from './base/security-log.ts'
import type { Config } from './config/types.ts'
import { type Keys, openKeys } from './keys/keys.ts'
import { openSigning } from './keys/signing.ts'
import { noticeRollback, raiseCounter } from './ops/counter.ts'
import { holdingDataFolder } from './ops/hold.ts'
import type { Works } from './ops/works.ts'
import { createPeople } from './people/people.ts'
import { createSessions } from './session/sessions.ts'
import type { Sessions } from './session/types.ts'
import { databaseExists, databaseFile } from './store/files.ts'
import { openStore, type Store } from './store/store.ts'

export interface ComposeDeps {
  config: Config
  clock: Clock
  log: Log
  meter: Meter
  /** What this process is doing with the data, for whoever finds it locked: "the server", "user add". */
  what: string
}

/** The rooms that know no HTTP, built once: what the server and a command without a server both work with. */
export interface Rooms extends Works {
  meter: Meter
  /** Writes what is only in memory and lets go of the data folder. */
  close(): Promise<void>
}

/** @throws Refusal when the data folder is in use, or its keys or database are not as they should be */
export async function compose(deps: ComposeDeps): Promise<Rooms> {
  return holdingDataFolder(deps.config.dataDir, deps.what, release => open(deps, release))
}

async function open({ config, clock, log, meter }: ComposeDeps, release: () => void): Promise<Rooms> {
  const keys = openKeys(config.keys, !databaseExists(databaseFile(config.dataDir)), clock.now().wall)
  // A key file that was in use remembers that there was a database.
  const store = openStore({ dataDir: config.dataDir, mayCreate: (keys.counter() ?? 0) === 0, clock, log })
  store.db.onFailure(() => meter.count('store_failures_total'))
  try {
    await noticeRollback({ keys, store, clock, log })
    const sessions = createSessions({ clock, timers: systemTimers, log, meter, store: store.sessions, keyring: keys.keyring, settings: config })
    sessions.onEnded(({ userId, reason }) => logSecurity(log, { event: 'session_ended', outcome: reason === 'refresh_reuse' ? 'failure' : 'success', reason, accountId: userId }))
    const signing = openSigning({ keys, settings: config, log, now: clock.now().wall })
    const people = createPeople({ store, sessions, keyring: keys.keyring, clock, log, meter, config })
    return { config, clock, log, meter, keys, signing, store, sessions, people, close: () => close(log, keys, store, sessions, release) }
  }
  catch (error) {
    store.close()
    throw error
  }
}

async function close(log: Log, keys: Keys, store: Store, sessions: Sessions, release: () => void): Promise<void> {
  try {
    await sessions.close()
    // A copy of the database taken before now is then told from the one that was in use last.
    await raiseCounter({ keys, store })
  }
  catch (error) {
    log.warn({ error }, 'the last writes before closing failed')
  }
  finally {
    store.close()
    release()
  }
}
