import type { UnixMs } from '../base/clock.ts'
import type { KeySummary } from '../keys/keys.ts'
import { reseal } from '../keys/reseal.ts'
import type { SigningSummary } from '../keys/signing.ts'
import { OperatorError } from '../base/operator-error.ts'
import { forgetSigningKeys, rememberKeys } from './key-checks.ts'
import { walkInBatches } from './in-batches.ts'
import type { OperationServices } from './operation-services.ts'

type KeyServices = Pick<
  OperationServices,
  'config' | 'clock' | 'log' | 'keys' | 'signingKeys' | 'signing' | 'store' | 'sessions'
>

export interface Rotation {
  newest: KeySummary
  /** Passwords and secrets of authenticator apps that were resealed; null if that was not requested. */
  resealed: number | null
  /** Passwords whose key was gone already: their owners need a reset link. */
  unreadable: number
  /** The same for provider tokens. Sessions whose tokens are unreadable have to sign in again. */
  tokens: { resealed: number; unreadable: number } | null
  /** Roots that were removed. */
  retired: number
  ended: number
  /** The new signing key, published from now on; null: the keys are read-only. */
  signing: SigningSummary | null
}

/**
 * Creates a new root key and a new signing key. No session ends, because older roots still open what they sealed until
 * nothing can need them. Upstreams reject no valid token, because the new signing key is published before it signs.
 * @param reseal reseals stored values with the new root now, rather than when the old one is retired
 * @param compromised the old keys have leaked: everything is resealed, every session ends, every one-time code becomes
 * void, and the old roots and signing keys are removed at once
 * @throws OperatorError if the keys are read-only
 */
export async function rotateKeys(
  services: KeyServices,
  { reseal, compromised }: { reseal: boolean; compromised: boolean },
): Promise<Rotation> {
  const { keys, signing, clock, log } = services
  const now = clock.now().wall
  if (compromised && !signing.writable)
    throw new OperatorError('The signing keys cannot be changed here, and may have leaked too.', ADVICE)
  const newest = keys.rotate(now)
  if (compromised) await forgetSigningKeys(services)
  // Before sessions end, so that every new token is signed by a key that has not leaked.
  const signs = compromised ? signing.replaceAll(now) : signing.writable ? signing.rotate(now) : null
  await rememberKeys(services)
  const sealed = reseal || compromised ? await resealAll(services) : null
  const outcome = {
    newest,
    resealed: sealed?.resealed ?? null,
    unreadable: sealed?.unreadable ?? 0,
    tokens: sealed?.tokens ?? null,
    retired: 0,
    ended: 0,
    signing: signs,
  }
  if (compromised) {
    outcome.ended = await services.store.maintenance.revokeAll(
      { reason: 'keys_compromised', at: clock.now().wall },
      services.sessions.announce,
    )
    outcome.retired = keys.retire(keys.list().map(key => key.id))
    await rememberKeys(services)
  }
  log.info(
    {
      event: compromised ? 'keys_replaced' : 'keys_rotated',
      key: newest.id,
      signingKey: signs?.id,
      signsAt: signs?.signsAt,
      retired: outcome.retired,
      ended: outcome.ended,
    },
    compromised ? 'replaced compromised keys; every session ended' : 'rotated the root key',
  )
  return outcome
}

/**
 * Removes roots that nothing can need any more: replaced longer ago than any session lives, and used by no active one.
 */
export async function retireOldKeys(services: KeyServices, now: UnixMs): Promise<number> {
  const { keys, store, config, log } = services
  const old = keys.writable
    ? keys.list().filter(key => key.replacedAt !== null && now - key.replacedAt > config.absoluteMs)
    : []
  if (old.length === 0) return 0
  const used = new Set<string>()
  await walkInBatches(async (after, limit) => {
    const { ids, next } = await store.keyRecords.tagKeysInUse(now, after, limit)
    for (const id of ids) used.add(id)
    return next
  })
  const ids = old.map(key => key.id).filter(id => !used.has(id))
  if (ids.length === 0) return 0
  // Stored values may still be sealed with them.
  const { unreadable, tokens } = await resealAll(services)
  const retired = keys.retire(ids)
  await rememberKeys(services)
  log.info(
    { event: 'root_keys_retired', keys: ids, unreadable, unreadableTokens: tokens.unreadable },
    'retired old root keys',
  )
  return retired
}

/**
 * Creates the next signing key when the newest one is old enough. It is published before it signs, so upstreams notice
 * nothing.
 */
export async function rotateSigningKeyWhenDue(services: KeyServices, now: UnixMs): Promise<SigningSummary | null> {
  const rotated = services.signing.rotateWhenDue(now)
  await rememberKeys(services)
  if (rotated !== null) {
    services.log.info(
      { event: 'signing_key_rotated', key: rotated.id, signsAt: rotated.signsAt },
      'published the next signing key; it signs later',
    )
  }
  return rotated
}

/**
 * Removes signing keys whose tokens have all expired.
 * @returns how many
 */
export function retireSigningKeys({ signing, log }: Pick<OperationServices, 'signing' | 'log'>, now: UnixMs): number {
  const retired = signing.removeRetired(now)
  if (retired > 0) log.info({ event: 'signing_keys_retired', retired }, 'retired old signing keys')
  return retired
}

const ADVICE = [
  'Replace them first: the ones that porchlight creates in a key file are suitable.',
  'Then restart the server and run this again.',
]

async function resealAll({
  keys,
  store,
}: KeyServices): Promise<{ resealed: number; unreadable: number; tokens: { resealed: number; unreadable: number } }> {
  const { keyring } = keys
  const { accounts, factors, providerGrants } = store
  const passwords = await reseal(keyring, {
    rowsAfter: accounts.verifiers,
    sealedOf: row => row.passwordSealed,
    replace: accounts.replaceVerifier,
  })
  const secrets = await reseal(keyring, {
    rowsAfter: factors.sealedTotps,
    sealedOf: row => row.sealed,
    replace: factors.replaceTotpSealed,
  })
  return {
    resealed: passwords.resealed + secrets.resealed,
    unreadable: passwords.unreadable + secrets.unreadable,
    tokens: await reseal(keyring, {
      rowsAfter: providerGrants.sealedGrants,
      sealedOf: row => row.sealed,
      replace: providerGrants.replaceSealed,
    }),
  }
}
