import { isDeepStrictEqual } from 'node:util'
import { OperatorError } from '../base/operator-error.ts'
import { judgeChecks, signingChecksOf } from '../keys/checks.ts'
import type { KeyCheck, KeyKind } from '../store/types.ts'
import type { OperationServices } from './operation-services.ts'

/** What to report about keys that the database was not used with; null: they match. */
export function keyMismatch(
  kind: KeyKind,
  known: readonly KeyCheck[],
  present: readonly KeyCheck[],
): OperatorError | null {
  const fit = judgeChecks(known, present)
  if (fit === 'fits') return null
  const what = kind === 'roots' ? 'The root keys' : 'The signing keys'
  return new OperatorError(
    fit === 'altered'
      ? `${what} are damaged: one of them is not the key that this database used before.`
      : `${what} belong to another installation: this database never used any of them.`,
    ADVICE[kind],
  )
}

const ADVICE: Record<KeyKind, readonly string[]> = {
  roots: [
    'Restore the right key file from your backup. Nothing was changed.',
    'If it is lost for good: copy the database, and restore the copy with porchlight restore COPY --anyway. Everyone then needs a reset link.',
  ],
  signing: [
    'Restore the right file from your backup. Nothing was changed.',
    'If it is lost for good, move it away and start once without PORCHLIGHT_SIGNING_KEYS to create new keys. Upstreams accept their tokens once they have fetched the keys again.',
  ],
}

/** @throws OperatorError if the database was used with other keys than these */
export async function refuseOtherKeys(
  { store }: Pick<OperationServices, 'store'>,
  kind: KeyKind,
  present: readonly KeyCheck[],
): Promise<void> {
  const mismatch = keyMismatch(kind, await store.keyRecords.keyChecks(kind), present)
  if (mismatch !== null) throw mismatch
}

/**
 * Records the keys in use in the database. Called after each change: a crash before that leaves older ones recorded,
 * which the new keys still match.
 */
export async function rememberKeys({
  store,
  keys,
  signingKeys,
}: Pick<OperationServices, 'store' | 'keys' | 'signingKeys'>): Promise<void> {
  const now = { roots: keys.checks(), signing: signingChecksOf(signingKeys.all()) }
  for (const kind of ['roots', 'signing'] as const) {
    if (!isDeepStrictEqual(await store.keyRecords.keyChecks(kind), now[kind]))
      await store.keyRecords.setKeyChecks(kind, now[kind])
  }
}

/**
 * Called before all signing keys are replaced at once, so that after a crash in between the new ones do not look like
 * another installation's.
 */
export function forgetSigningKeys({ store }: Pick<OperationServices, 'store'>): Promise<void> {
  return store.keyRecords.setKeyChecks('signing', [])
}
