import { createHash } from 'node:crypto'
import type { KeyCheck } from '../store/types.ts'
import type { RootKey } from './file.ts'
import { derive } from './keyring.ts'
import { publicJwk, type SigningKey } from './signing-key.ts'

/** One check value per root, in the same order, derived for a purpose of its own. */
export function checksOf(roots: readonly RootKey[]): KeyCheck[] {
  return roots.map(root => ({ id: root.id, check: derive(root, 'check').toString('base64url') }))
}

/** One check value per signing key, in the same order. */
export function signingChecksOf(keys: readonly SigningKey[]): KeyCheck[] {
  return keys.map(key => ({ id: key.id, check: thumbprint(key) }))
}

/**
 * Lists the members that define the key explicitly, so that their order does not depend on the version of Node.
 * @see RFC 7638 §3.2
 */
function thumbprint(key: SigningKey): string {
  const { alg, crv, e, kty, n, x, y } = publicJwk(key)
  return createHash('sha256').update(JSON.stringify({ alg, crv, e, kty, n, x, y })).digest('base64url')
}

/**
 * Whether keys are those that a database was used with. `altered`: one of them has changed · `foreign`: they belong to
 * another installation
 */
export type Fit = 'fits' | 'altered' | 'foreign'

/**
 * Keys may be missing (an older copy was restored, or a crash interrupted the removal of retired ones) or unknown to
 * the database (a crash interrupted a rotation), but it is never right that the newest one is missing and another is
 * unknown.
 * @param known what the database recorded, oldest first; empty if it was created by a version that recorded none
 * @param present what was found now
 */
export function judgeChecks(known: readonly KeyCheck[], present: readonly KeyCheck[]): Fit {
  const presentById = new Map(present.map(({ id, check }) => [id, check]))
  const newest = known.at(-1)
  if (newest === undefined || present.length === 0) return 'fits'
  if (known.some(({ id, check }) => presentById.has(id) && presentById.get(id) !== check)) return 'altered'
  // A renamed key could not open what it sealed under its own id.
  const names = new Map(known.map(({ id, check }) => [check, id]))
  if (present.some(({ id, check }) => (names.get(check) ?? id) !== id)) return 'altered'
  if (!known.some(({ id }) => presentById.has(id))) return 'foreign'
  const unknown = present.some(({ id }) => !known.some(key => key.id === id))
  return !presentById.has(newest.id) && unknown ? 'altered' : 'fits'
}
