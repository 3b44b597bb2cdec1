import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import type { Config } from '../config/types.ts'
import type { Keyring } from '../keys/types.ts'
import { createLetters } from '../mail/letters.ts'
import type { Sessions } from '../session/types.ts'
import type { FactorStore } from '../store/factor-types.ts'
import type {
  AccountStore,
  AddressStore,
  CodeStore,
  EventStore,
  SingleUseStore,
  ThrottleStore,
} from '../store/types.ts'
import { type AccountImports, createAccountImports } from './account-imports.ts'
import { type Accounts, createAccounts } from './account-service.ts'
import { type Addresses, createAddresses } from './addresses.ts'
import { createBreachedPasswords } from './breached-passwords.ts'
import { createPasswordMeter, type PasswordMeter } from './password-meter.ts'
import { createFactors, type FactorService } from './factors.ts'
import { createRegistration, type RegistrationService } from './registration.ts'
import { createChallenges } from './passkeys/challenges.ts'
import { createPasskeys, type Passkeys } from './passkeys/passkeys.ts'
import { relyingPartyOf } from './passkeys/relying-party.ts'
import { createPasswordRules } from './password-rules.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import { createResets, type Resets } from './password-resets.ts'
import { createSecurityLog, type SecurityLog } from './security-events.ts'

export interface People {
  accounts: Accounts
  registration: RegistrationService
  resets: Resets
  addresses: Addresses
  imports: AccountImports
  factors: FactorService
  log: SecurityLog
  passwords: Passwords
  /** null: they do not work here, or with these accounts. */
  passkeys: Passkeys | null
  passwordMeter: PasswordMeter
}

export interface PeopleDeps {
  store: {
    accounts: AccountStore
    addresses: AddressStore
    codes: CodeStore
    events: EventStore
    throttles: ThrottleStore
    factors: FactorStore
    singleUses: SingleUseStore
  }
  sessions: Pick<Sessions, 'announce' | 'trim'>
  keyring: Keyring
  clock: Clock
  log: Log
  meter: Meter
  config: Pick<
    Config,
    | 'mail'
    | 'publicUrl'
    | 'registration'
    | 'setupCode'
    | 'linkLives'
    | 'passwordMinLength'
    | 'breachedPasswords'
    | 'tokenApi'
    | 'testSignIn'
    | 'brand'
    | 'secondFactor'
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
  const letters = config.mail === null ? null : createLetters({ keyring })
  const { breachedPasswords: url } = config
  const breached = url === null ? null : createBreachedPasswords({ url, clock, log, fetch })
  const passwordRules = createPasswordRules(config, breached)
  const accounts = createAccounts({
    store: store.accounts,
    passwords,
    passwordRules,
    sessions,
    clock,
    keptBy: config.tokenApi?.name ?? null,
    testSignIn: config.testSignIn !== null,
    sendsMail: config.mail !== null,
  })
  // An API that manages the accounts also has to let them in: a passkey would bring no tokens of it.
  const rp = config.tokenApi === null ? relyingPartyOf(config.publicUrl, config.brand.name) : null
  return {
    accounts,
    passwords,
    passkeys:
      rp === null
        ? null
        : createPasskeys({
            rp,
            challenges: createChallenges({ clock, keyring, singleUses: store.singleUses }),
            store: store.factors,
            accounts,
            clock,
          }),
    registration: createRegistration({ accounts, passwords, passwordRules, store, letters, clock, config }),
    resets: createResets({ accounts, passwords, passwordRules, sessions, store, letters, clock, config }),
    addresses: createAddresses({ accounts, passwords, passwordRules, sessions, store, letters, clock, config }),
    imports: createAccountImports({ store: store.accounts, accounts, passwords, clock }),
    passwordMeter: createPasswordMeter({ accounts, passwordRules, store, clock }),
    factors: createFactors({ store, accounts, passwords, keyring, clock, log, config }),
    log: createSecurityLog({ store: store.events }),
  }
}
