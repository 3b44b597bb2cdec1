import { randomBytes } from 'node:crypto'
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
import { parseForeignHash } from './foreign-hashes.ts'
import { verifyForeign } from './foreign-verifiers.ts'

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
const SALT_BYTES = 16
const OPERATOR_QUEUE = 'operator'
const OWN_QUEUE = 'own'
/** Comparisons with imported hashes vary; with this much room, what they take rarely shows. */
const HEADROOM = 1.25

export interface Passwords {
  /**
   * Hashes a password and seals the hash for its account: without the key file, the stored value can neither be guessed
   * nor moved to another account (NIST SP 800-63B-4 §3.1.1.2).
   * @param client who waits for it; null: the command line
   * @throws Problem `busy`
   */
  seal(password: string, accountId: string, client: Client | null): Promise<string>
  /** Seals a hash by another system for its account, as it is: the first right password replaces it. */
  sealImported(hash: string, accountId: string): string
  /**
   * Hashes recovery codes, all with one new salt (ASVS 6.5.2): a code is then compared with a whole set by one hash.
   * @param client who waits for it; null: the command line
   * @throws Problem `busy`
   */
  hashCodes(codes: readonly string[], client: Client | null): Promise<string[]>
  /** Hashes a code with the salt and cost of such a hash. @throws Problem `busy` */
  hashLike(hash: string, code: string, client: Client | null): Promise<string>
  /** To be called after an import, whose hashes may be slower to compare than any before. */
  imported(): void
  /**
   * Compares a password. Without a verifier it does the same work, so that the time reveals nothing (ASVS 6.3.8). Once
   * there were hashes by other systems, a wrong password takes as long as with the slowest of those.
   * @returns `stale`: right, but hashed with outdated cost or by another system
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
  /** A hash that matches no password and compares as slowly as the slowest imported one; null: none was imported. */
  importDecoy: () => Promise<string | null>
  pause: (ms: number) => Promise<unknown>
}

export function createPasswords({ keyring, clock, log, meter, importDecoy, pause }: PasswordDeps): Passwords {
  const limiter = createLimiter(LIMITS)
  meter.gauge('password_hashes_waiting', limiter.waiting)

  async function timed<T>(queue: string, work: () => Promise<T>): Promise<{ result: T; tookMs: number }> {
    return limiter.run(queue, async () => {
      const started = clock.now().steady
      const result = await work()
      const tookMs = clock.now().steady - started
      meter.observe('password_hash_seconds', tookMs / SECOND)
      return { result, tookMs }
    })
  }

  const sealHash = async (password: string, accountId: string, queue: string) => {
    const { result } = await timed(queue, () => hash(normal(password), COST))
    return keyring.seal('at-rest', { hash: result }, accountId)
  }

  /** The verifier that unknown addresses are compared with, of a random password. */
  let nobody: Promise<{ id: string; passwordSealed: string }> | null = null
  let sealedUnder = ''
  async function makeNobody() {
    const id = randomId()
    return { id, passwordSealed: await sealHash(randomId(32), id, OWN_QUEUE) }
  }

  /**
   * How long a wrong password takes at least, in milliseconds. Measured on this machine: otherwise the time would tell
   * who was imported and has not signed in since.
   */
  let slowest: Promise<number> | null = null
  async function measureSlowest(): Promise<number> {
    const decoy = parseForeignHash((await importDecoy()) ?? '')
    if (typeof decoy === 'string') return 0
    return (await timed(OWN_QUEUE, () => verifyForeign(decoy, ''))).tookMs * HEADROOM
  }

  /** Compares with the hash of an opened verifier: ours, or one by another system. */
  async function check(password: string, opened: Record<string, unknown> | null, client: Client | null) {
    const known = typeof opened?.['hash'] === 'string' ? opened['hash'] : null
    const foreign = known === null || opened?.['imported'] !== true ? null : parseForeignHash(known)
    if (known === null || typeof foreign === 'string') {
      const { tookMs } = await timed(queueOf(client), () => hash(normal(password), COST))
      return { isReadable: false, right: false, isCurrent: false, tookMs }
    }
    const { result: right, tookMs } = await timed(queueOf(client), () =>
      foreign === null ? verify(known, normal(password)) : verifyForeign(foreign, password),
    )
    return { isReadable: true, right, isCurrent: foreign === null && isCurrent(known), tookMs }
  }

  return {
    seal: (password, accountId, client) => sealHash(password, accountId, queueOf(client)),
    sealImported: (hash, accountId) => keyring.seal('at-rest', { hash, imported: true }, accountId),
    imported() {
      slowest = null
    },
    hashCodes(codes, client) {
      const salt = randomBytes(SALT_BYTES)
      return Promise.all(
        codes.map(async code => (await timed(queueOf(client), () => hash(code, { ...COST, salt }))).result),
      )
    },
    async hashLike(like, code, client) {
      const { memoryCost, timeCost, parallelism } = parseOptions(like)
      const salt = Buffer.from(like.split('$')[4] ?? '', 'base64')
      const how = { memoryCost, timeCost, parallelism, salt }
      return (await timed(queueOf(client), () => hash(code, how))).result
    },

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
      slowest ??= measureSlowest()
      const leastMs = await slowest.catch((error: unknown) => {
        slowest = null
        throw error
      })
      const { id, passwordSealed } = verifier ?? stand
      const found = await check(password, await keyring.open('at-rest', passwordSealed, id), client)
      if (!found.isReadable)
        log.error(
          { event: 'password_key_missing', accountId: id },
          'failed to check a password: its key is missing from the key file',
        )
      if (found.right && verifier !== null) return found.isCurrent ? 'right' : 'stale'
      // An imported hash is compared with both forms of such a password.
      const dueMs = normal(password) === password ? leastMs : leastMs * 2
      if (found.tookMs < dueMs) await pause(dueMs - found.tookMs)
      return 'wrong'
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
