import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import type { Config } from '../config/types.ts'
import type { Keyring } from '../keys/types.ts'
import type { Sessions } from '../session/types.ts'
import type { EventStore } from '../store/types.ts'
import type { AccountStore, CodeStore, ThrottleStore } from '../store/types.ts'
import { type AccountImports, createAccountImports } from './account-imports.ts'
import { type Accounts, createAccounts } from './account-service.ts'
import { createRegistration, type RegistrationService } from './registration.ts'
import { createPasswordRules } from './password-rules.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import { createResets, type Resets } from './password-resets.ts'
import { createSecurityLog, type SecurityLog } from './security-events.ts'

export interface People {
  accounts: Accounts
  registration: RegistrationService
  resets: Resets
  imports: AccountImports
  log: SecurityLog
  passwords: Passwords
}

export interface PeopleDeps {
  store: { accounts: AccountStore; codes: CodeStore; events: EventStore; throttles: ThrottleStore }
  sessions: Pick<Sessions, 'announce' | 'trim'>
  keyring: Keyring
  clock: Clock
  log: Log
  meter: Meter
  config: Pick<
    Config,
    'publicUrl' | 'registration' | 'setupCode' | 'linkLives' | 'passwordMinLength' | 'tokenApi' | 'testSignIn' | 'brand'
  >
}

/** Creates the services of the room. */
export function createPeople({ store, sessions, keyring, clock, log, meter, config }: PeopleDeps): People {
  const passwords = createPasswords({
    keyring,
    clock,
    log,
    meter,
    importDecoy: () => store.accounts.importDecoy(),
    pause: ms => wait(ms),
  })
  const passwordRules = createPasswordRules(config)
  const accounts = createAccounts({
    store: store.accounts,
    passwords,
    passwordRules,
    sessions,
    clock,
    keptBy: config.tokenApi?.name ?? null,
    testSignIn: config.testSignIn !== null,
  })
  return {
    accounts,
    passwords,
    registration: createRegistration({ accounts, passwords, passwordRules, store, clock, config }),
    resets: createResets({ accounts, passwords, passwordRules, sessions, store: store.codes, clock, config }),
    imports: createAccountImports({ store: store.accounts, accounts, passwords, clock }),
    log: createSecurityLog({ store: store.events }),
  }
}
