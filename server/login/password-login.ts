import type { Clock } from '../base/clock.ts'
import { toEmailKey } from '../base/email-key.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { Keyring } from '../keys/types.ts'
import { type Account } from '../accounts/account.ts'
import type { Accounts } from '../accounts/account-service.ts'
import { originOf } from '../accounts/actor.ts'
import { networkOf } from '../accounts/client-network.ts'
import type { Passwords } from '../accounts/passwords.ts'
import { createAttemptLine } from '../accounts/attempt-line.ts'
import { reserveAttempt } from '../accounts/credential-throttle.ts'
import type { Client } from '../session/types.ts'
import {
  confirmKey,
  deviceKey,
  knownLock,
  knownNetworkKey,
  networkKey,
  recentKey,
  strangersKeys,
  strangersLock,
} from '../store/throttle-keys.ts'
import type { AttemptKeys, Refund, ThrottleStore, Verifier } from '../store/types.ts'
import { countSignIn } from './count-sign-in.ts'
import { isKnown, readDevice } from './known-device.ts'

/** Signing in with a password, and confirming one's identity with it. */
export interface PasswordLogin {
  /**
   * @param device the sealed device cookie, or null
   * @throws Problem `invalid_credentials` for an unknown address and a wrong password alike (ASVS 6.3.8);
   * `account_disabled`, only after the right password; `password_locked`, `slow_down`, whatever the password; `busy`
   */
  authenticate(attempt: { email: string; password: string; device: string | null; client: Client }): Promise<Proven>
  /**
   * Checks the password of a signed-in user again.
   * @returns the account, and the verifier that the password was compared with
   * @throws Problem `invalid_credentials`, `password_locked`, `slow_down`, `busy`
   */
  confirm(attempt: {
    userId: string
    sessionId: string
    password: string
    client: Client
  }): Promise<{ account: Account; verifier: Verifier }>
}

/** The authenticated account, and its authentication methods (RFC 8176). */
export interface Proven {
  account: Account
  amr: string[]
}

export interface PasswordLoginDeps {
  accounts: Accounts
  passwords: Passwords
  throttles: ThrottleStore
  keyring: Keyring
  clock: Clock
  log: Log
  meter: Meter
}

type Found = Awaited<ReturnType<Accounts['findWithVerifier']>>
interface Attempt {
  found: Found
  password: string
  keys: AttemptKeys
  sessionId: string | null
  client: Client
}

export function createPasswordLogin({
  accounts,
  passwords,
  throttles,
  keyring,
  clock,
  log,
  meter,
}: PasswordLoginDeps): PasswordLogin {
  const now = () => clock.now().wall
  const line = createAttemptLine()

  /** Counts an attempt, which waits if it would be refused only because of others that are not judged yet. */
  const admit = (keys: AttemptKeys) =>
    line.admit(Object.values(keys), () => {
      const at = now()
      return throttles.reserve(keys, rows => reserveAttempt(keys, rows, at))
    })

  /**
   * Runs the same statements and hashes for any address: an unknown one has a lock of its own and is compared with a
   * dummy hash.
   */
  async function judge({
    found,
    password,
    keys,
    sessionId,
    client,
  }: Attempt): Promise<{ account: Account; verifier: Verifier }> {
    const userId = found?.account.id ?? ''
    const { counted, judged } = await admit(keys)
    const verifier = found?.verifier ?? null
    let result: Awaited<ReturnType<typeof compare>>
    try {
      result = await compare(verifier, { password, client, refund: Object.values(counted.refund) })
      if (result === 'wrong' || found === null || verifier === null) {
        await throttles.failed(userId, counted.locks, originOf({ userId, sessionId, client }, userId, now()))
        throw new Problem('invalid_credentials')
      }
    } catch (error) {
      judged()
      throw error
    }
    // Not awaited: writes keep their order, so the session is only stored after this.
    throttles
      .recordOutcome({ forget: [keys.recent, keys.lock, ...countsOf(found.account)], refund: [counted.refund.network] })
      .catch((error: unknown) =>
        log.warn(
          { event: 'password_attempts_not_reset', error, accountId: userId },
          'failed to reset the count of failed attempts after a sign-in',
        ),
      )
      .finally(judged)
    if (found.account.disabledAt !== null) throw new Problem('account_disabled')
    return {
      account: found.account,
      verifier: result === 'stale' ? await refreshed(verifier, password, client) : verifier,
    }
  }

  /** An attempt that could not be compared does not count. */
  async function compare(
    verifier: Verifier | null,
    { password, client, refund }: Pick<Attempt, 'password' | 'client'> & { refund: Refund[] },
  ) {
    try {
      return await passwords.compare(password, verifier, client)
    } catch (error) {
      await throttles.recordOutcome({ forget: [], refund })
      throw error
    }
  }

  /** A hash with outdated cost still authenticates: failing to upgrade it must not fail the sign-in. */
  async function refreshed(verifier: Verifier, password: string, client: Client): Promise<Verifier> {
    try {
      return await accounts.refreshVerifier(verifier, password, client)
    } catch (error) {
      log.warn(
        { event: 'password_rehash_failed', error, accountId: verifier.id },
        'failed to rehash a password at the current cost; will retry at the next sign-in',
      )
      return verifier
    }
  }

  /** Adds the account concerned for the log; it is not sent to the client. */
  async function attempt(input: Attempt) {
    try {
      return await judge(input)
    } catch (error) {
      if (error instanceof Problem) error.about(input.found?.account.id ?? null)
      throw error
    }
  }

  return {
    authenticate: ({ email, password, device: sealed, client }) =>
      countSignIn(meter, async () => {
        const device = await readDevice(keyring, sealed, now())
        const found = await accounts.findWithVerifier({ email })
        const userId = found?.account.id ?? ''
        const known = isKnown(device, found?.account ?? null) ? device : null
        const keys: AttemptKeys =
          known === null
            ? {
                recent: recentKey(toEmailKey(email)),
                lock: strangersLock(toEmailKey(email)),
                network: networkKey(networkOf(client.network)),
              }
            : { recent: deviceKey(userId, known.id), lock: knownLock(userId), network: knownNetworkKey(userId) }
        const { account } = await attempt({ found, password, keys, sessionId: null, client })
        return { account, amr: ['pwd'] }
      }),

    async confirm({ userId, sessionId, password, client }) {
      const found = await accounts.findWithVerifier({ id: userId })
      const keys: AttemptKeys = {
        recent: confirmKey(userId),
        lock: knownLock(userId),
        network: knownNetworkKey(userId),
      }
      return attempt({ found, password, keys, sessionId, client })
    },
  }
}

/**
 * The right password resets every count of failures for it (NIST SP 800-63B-4 §3.2.2), so that strangers cannot lock
 * out its owner.
 */
function countsOf({ id, email }: Account): string[] {
  return [knownLock(id), ...(email === null ? [] : strangersKeys(toEmailKey(email)))]
}
