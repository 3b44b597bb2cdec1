import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Config } from '../config/types.ts'
import type { Keys } from '../keys/keys.ts'
import type { Signing } from '../keys/signing.ts'
import type { SigningKeys } from '../keys/signing-file.ts'
import type { HandOver } from './hand-over.ts'
import type { FrontCheck } from './front-check.ts'
import type { People } from '../accounts/build-accounts.ts'
import type { Sessions } from '../session/types.ts'
import type { Store } from '../store/types.ts'

/** What operations work on: the rooms without HTTP. */
export interface OperationServices {
  config: Config
  clock: Clock
  log: Log
  keys: Keys
  signingKeys: SigningKeys
  signing: Signing
  store: Store
  sessions: Sessions
  frontCheck: FrontCheck
  people: People
  /** Lets another process take this one's place. */
  handOver: HandOver
  /** Where the server listens, once it does, such as `127.0.0.1:3000` or `unix:/run/porchlight.sock`. */
  listening: string[]
}
