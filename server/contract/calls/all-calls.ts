import { PROOF_CALLS } from '../demo/proof-calls.ts'
import { ACCOUNT_CALLS } from './account-calls.ts'
import type { Call, CallName } from './call.ts'
import { DISCOVERY_CALLS } from './discovery-calls.ts'
import { FACTOR_CALLS } from './factor-calls.ts'
import { PASSKEY_CALLS } from './passkey-calls.ts'
import { PEOPLE_CALLS } from './people-calls.ts'
import { PROVIDER_CALLS } from './provider-calls.ts'
import { SESSION_CALLS } from './session-calls.ts'
import { TEST_CALLS } from './test-calls.ts'

/** Every call of ours. Calls of upstreams are theirs to describe. */
export const CALLS: ReadonlyMap<CallName, Call> = new Map(
  Object.entries({
    ...SESSION_CALLS,
    ...FACTOR_CALLS,
    ...PROVIDER_CALLS,
    ...ACCOUNT_CALLS,
    ...PASSKEY_CALLS,
    ...PEOPLE_CALLS,
    ...DISCOVERY_CALLS,
    ...TEST_CALLS,
    ...PROOF_CALLS,
  }) as [CallName, Call][],
)
