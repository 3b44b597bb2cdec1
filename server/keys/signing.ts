import type { KeyObject } from 'node:crypto'
import type { UnixMs } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { SigningKeys } from './signing-file.ts'
import { newSigningKey, publicJwk, type PublicJwk, type SigningAlg, type SigningKey } from './signing-key.ts'
import {
  isDue,
  needsKey,
  scheduleOf,
  restartAge,
  type SigningSettings,
  type SigningUse,
  signsAtFor,
} from './signing-schedule.ts'

/** The public facts about a signing key. `retiresAt` is null while it has no successor. */
export interface SigningSummary {
  id: string
  alg: SigningAlg
  use: SigningUse
  createdAt: UnixMs
  signsAt: UnixMs
  retiresAt: UnixMs | null
}

/** The signing keys in use: signs upstream tokens, and publishes the keys that upstreams verify them with. */
export interface Signing {
  /** False if the keys are read-only, so that the operator has to replace them. */
  readonly writable: boolean
  /** The key that signs at this time. */
  signer(now: UnixMs): { kid: string; alg: SigningAlg; key: KeyObject }
  /** The public halves of all keys that are not retired. */
  published(now: UnixMs): PublicJwk[]
  /** Newest first. */
  list(now: UnixMs): SigningSummary[]
  /** Publishes a new key, which signs once every upstream can have it, so that no valid token is refused in between. */
  rotate(now: UnixMs): SigningSummary
  /**
   * Rotates if the newest key is old enough.
   * @returns the new key; null if it is not due, or if the keys are read-only
   */
  rotateWhenDue(now: UnixMs): SigningSummary | null
  /** Whether the newest key is older than the settings allow. */
  isOverdue(now: UnixMs): boolean
  /**
   * For compromised keys: withdraws all of them at once. A new one signs from now on, and tokens of the old ones are
   * refused as soon as an upstream fetches the keys again.
   */
  replaceAll(now: UnixMs): SigningSummary
  /**
   * Removes retired keys for good.
   * @returns how many
   */
  removeRetired(now: UnixMs): number
}

interface Deps {
  keys: Pick<SigningKeys, 'writable' | 'all' | 'save'>
  settings: SigningSettings
  log: Log
  now: UnixMs
}

/** Creates the first key, and a new one if the configured algorithm has changed. */
export function openSigning({ keys, settings, log, now: openedAt }: Deps): Signing {
  const publicKeys = new Map<string, PublicJwk>()

  function publicOf(key: SigningKey): PublicJwk {
    let known = publicKeys.get(key.id)
    if (known === undefined) {
      known = publicJwk(key)
      publicKeys.set(key.id, known)
    }
    return known
  }

  function add(now: UnixMs): SigningKey {
    const existing = keys.all()
    const key = newSigningKey(settings.upstreamTokenAlg, {
      createdAt: now,
      signsAt: signsAtFor(existing, settings, now),
    })
    keys.save([...existing, key])
    return key
  }

  function find(id: string, now: UnixMs): SigningSummary {
    const found = list(now).find(key => key.id === id)
    if (found === undefined) throw new Error('signing keys are missing')
    return found
  }

  function list(now: UnixMs): SigningSummary[] {
    return scheduleOf(keys.all(), settings, now)
      .map(({ key: { id, alg, createdAt, signsAt }, use, retiresAt }) => ({
        id,
        alg,
        use,
        createdAt,
        signsAt,
        retiresAt,
      }))
      .reverse()
  }

  if (needsKey(keys.all(), settings, openedAt)) {
    const { id, alg } = add(openedAt)
    if (keys.writable) log.info({ event: 'signing_key_made', key: id, alg }, 'a new key signs upstream tokens')
    else
      log.warn(
        { event: 'signing_key_temporary', key: id, alg },
        'the configured keys (PORCHLIGHT_KEYS, PORCHLIGHT_SIGNING_KEYS) contain no signing key for this algorithm; created one for this process only, so upstreams may refuse calls after the next start until they fetch the keys again',
      )
  }

  return {
    writable: keys.writable,
    list,

    signer(now) {
      const turn = scheduleOf(keys.all(), settings, now).find(({ use }) => use === 'signs')
      if (turn === undefined) throw new Error('no signing key')
      return { kid: turn.key.id, alg: turn.key.alg, key: turn.key.privateKey.reveal() }
    },

    published(now) {
      return scheduleOf(keys.all(), settings, now)
        .filter(({ use }) => use !== 'retired')
        .map(({ key }) => publicOf(key))
    },

    rotate: now => find(add(now).id, now),
    isOverdue: now => isDue(keys.all(), settings, now),

    rotateWhenDue(now) {
      if (!keys.writable) return null
      const right = restartAge(keys.all(), now)
      if (right !== keys.all()) keys.save(right)
      return isDue(right, settings, now) ? find(add(now).id, now) : null
    },

    replaceAll(now) {
      const key = newSigningKey(settings.upstreamTokenAlg, { createdAt: now, signsAt: now })
      publicKeys.clear()
      keys.save([key])
      return find(key.id, now)
    },

    removeRetired(now) {
      const schedule = scheduleOf(keys.all(), settings, now)
      const remaining = schedule.filter(({ use }) => use !== 'retired').map(({ key }) => key)
      const removed = schedule.length - remaining.length
      if (removed === 0) return 0
      publicKeys.clear()
      keys.save(remaining)
      return removed
    },
  }
}
