import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { createRate } from '../base/rate.ts'
import { Secret } from '../base/secret.ts'
import { createSharedLimiter } from '../base/shared-limiter.ts'
import type { PasswordStrength, PasswordStrengthRequest } from '../contract/wire.ts'
import type { CodeStore } from '../store/types.ts'
import type { Account } from './account.ts'
import type { Accounts } from './account-service.ts'
import { countedNetworks } from './client-network.ts'
import { hashOf } from './one-time-codes.ts'
import type { PasswordRules } from './password-rules.ts'

/**
 * Measures passwords for pages while they are typed. On the server, because its lists of common passwords are too large
 * for a page, and because a meter of its own would say something else than the check.
 */
export interface PasswordMeter {
  /**
   * @param signedIn the account whose password it will be; null: nobody is signed in, and the request says for whom
   * @throws Problem `slow_down`, `busy`
   */
  measure(
    request: PasswordStrengthRequest,
    signedIn: Pick<Account, 'email' | 'name'> | null,
    network: string,
  ): Promise<PasswordStrength>
}

export interface PasswordMeterDeps {
  accounts: Pick<Accounts, 'find'>
  passwordRules: PasswordRules
  store: { codes: CodeStore }
  clock: Clock
}

/** A page asks when typing pauses: enough for a few people behind one address. */
const PER_NETWORK = { burst: 60, perSecond: 2 }
/** Each takes a few milliseconds, in slices between which other requests are handled. */
const AT_ONCE = { atOnce: 2, waiting: 20 }

export function createPasswordMeter({ accounts, passwordRules, store, clock }: PasswordMeterDeps): PasswordMeter {
  const rate = createRate(clock, PER_NETWORK)
  const limiter = createSharedLimiter(AT_ONCE)

  async function ownerOf({ code, name, email }: PasswordStrengthRequest) {
    const codeHash = code === undefined ? null : hashOf(new Secret(code))
    for (const kind of codeHash === null ? [] : (['reset', 'email_restore'] as const)) {
      const found = await store.codes.find(kind, codeHash ?? '', clock.now().wall)
      const account = found === null || found.userId === null ? null : await accounts.find(found.userId)
      if (account !== null) return account
    }
    return { name: name ?? '', email: email ?? null }
  }

  return {
    async measure(request, signedIn, network) {
      const { own, crowd } = countedNetworks(network)
      const wait = rate.take(crowd ?? own)
      if (wait > 0) throw new Problem('slow_down', { retryAfter: Math.ceil(wait) })
      return limiter.run(async () => passwordRules.measure(request.password, signedIn ?? (await ownerOf(request))))
    },
  }
}
