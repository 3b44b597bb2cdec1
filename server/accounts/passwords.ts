import { availableParallelism } from 'node:os'
import { hash, parseOptions, verify } from '@node-rs/argon2'
import { type Clock, SECOND } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { createLimiter } from '../base/limiter.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import type { Keyring } from '../keys/types.ts'
import type { Client } from '../session/types.ts'
import { networkOf } from './client-network.ts'

/** OWASP's current minimum for argon2id (ASVS 11.4.2): 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/**
 * Leaves one core for other requests, and one of libuv's four threads: opening tokens and reading files must not wait
 * for passwords.
 */
const AT_ONCE = Math.max(1, Math.min(availableParallelism() - 1, 3))
/** About a second's worth of hashes. */
const WAITING = 100
/** Networks take turns, and one of them fills at most half of the queue, so that guessing does not delay others. */
const LIMITS = { atOnce: AT_ONCE, waiting: WAITING, each: { atOnce: Math.max(1, AT_ONCE - 1), waiting: WAITING / 2 } }
/** The key for work without a network: the command line, and the server itself. */
const OPERATOR_QUEUE = 'operator'
const OWN_QUEUE = 'own'

export interface Passwords {
  /**
   * Hashes a password and seals the hash for its account: without the key file, the stored value can neither be guessed
   * nor moved to another account (NIST SP 800-63B-4 §3.1.1.2).
   * @param client who waits for it; null: the command line
   * @throws Problem `busy`
   */
  seal(password: string, accountId: string, client: Client | null): Promise<string>
  /**
   * Compares a password. Without a verifier it does the same work, so that the time reveals nothing (ASVS 6.3.8).
   * @returns `stale`: right, but hashed with outdated cost
   * @throws Problem `busy`
   */
  compare(
    password: string,
    verifier: { id: string; passwordSealed: string } | null,
    client: Client | null,
  ): Promise<'wrong' | 'right' | 'stale'>
}

export interface PasswordDeps {
  keyring: Keyring
  clock: Clock
  log: Log
  meter: Meter
}

export function createPasswords({ keyring, clock, log, meter }: PasswordDeps): Passwords {
  const limiter = createLimiter(LIMITS)

  async function timed<T>(queue: string, work: () => Promise<T>): Promise<T> {
    return limiter.run(queue, async () => {
      const started = clock.now().steady
      const result = await work()
      meter.observe('password_hash_seconds', (clock.now().steady - started) / SECOND)
      return result
    })
  }

  const sealHash = async (password: string, accountId: string, queue: string) =>
    keyring.seal('at-rest', { hash: await timed(queue, () => hash(normal(password), COST)) }, accountId)

  /** The verifier that unknown addresses are compared with, of a random password. */
  let nobody: Promise<{ id: string; passwordSealed: string }> | null = null
  let sealedUnder = ''
  async function makeNobody() {
    const id = randomId()
    return { id, passwordSealed: await sealHash(randomId(32), id, OWN_QUEUE) }
  }

  return {
    seal: (password, accountId, client) => sealHash(password, accountId, queueOf(client)),

    async compare(password, verifier, client) {
      // Created by the first comparison, whether or not its address is known, so that both take as long. A new key
      // requires a new one, or unknown addresses could be told apart once the old key is gone.
      if (sealedUnder !== keyring.currentId) nobody = null
      sealedUnder = keyring.currentId
      nobody ??= makeNobody()
      const stand = await nobody.catch((error: unknown) => {
        nobody = null
        throw error
      })
      const { id, passwordSealed } = verifier ?? stand
      const opened = await keyring.open('at-rest', passwordSealed, id)
      const known = typeof opened?.['hash'] === 'string' ? opened['hash'] : null
      if (known === null) {
        log.error(
          { event: 'password_key_missing', accountId: id },
          'failed to check a password: its key is missing from the key file',
        )
        await timed(queueOf(client), () => hash(normal(password), COST))
        return 'wrong'
      }
      const right = await timed(queueOf(client), () => verify(known, normal(password)))
      if (!right || verifier === null) return 'wrong'
      return isCurrent(known) ? 'right' : 'stale'
    },
  }
}

const queueOf = (client: Client | null) => (client === null ? OPERATOR_QUEUE : networkOf(client.network))

/**
 * The same password may arrive as different code points from another keyboard (NI-3). Nothing else is changed (ASVS
 * 6.2.8).
 */
const normal = (password: string) => password.normalize('NFC')

function isCurrent(encoded: string): boolean {
  const { memoryCost, timeCost, parallelism } = parseOptions(encoded)
  return (
    encoded.startsWith('$argon2id$') &&
    memoryCost === COST.memoryCost &&
    timeCost === COST.timeCost &&
    parallelism === COST.parallelism
  )
}
