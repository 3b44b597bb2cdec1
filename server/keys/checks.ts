import { createHash } from 'node:crypto'
import type { KeyCheck } from '../store/meta.ts'
import type { RootKey } from './file.ts'
import { derive } from './keyring.ts'
import { publicJwk, type SigningKey } from './signing-key.ts'

/** One for each root, in their order, derived under a purpose of its own. */
export function checksOf(roots: readonly RootKey[]): KeyCheck[] {
  return roots.map(root => ({ id: root.id, check: derive(root, 'check').toString('base64url') }))
}

/** One for each signing key, in their order. */
export function signingChecksOf(keys: readonly SigningKey[]): KeyCheck[] {
  return keys.map(key => ({ id: key.id, check: thumbprint(key) }))
}

/**
 * The members that make the key, in an order that no version of Node decides.
 * @see RFC 7638 §3.2
 */
function thumbprint(key: SigningKey): string {
  const { alg, crv, e, kty, n, x, y } = publicJwk(key)
  return createHash('sha256').update(JSON.stringify({ alg, crv, e, kty, n, x, y })).digest('base64url')
}

/** Whether keys are those that a database was used with.
 * `altered`: one of them is not what it was · `foreign`: they are those of another installation */
export type Fit = 'fits' | 'altered' | 'foreign'

/**
 * Keys may be missing (an older copy was put back, or retired ones were forgotten in the instant of a crash) or be new
 * to the database (a crash in the instant of a rotation), but the newest one cannot have been lost and another made
 * meanwhile.
 * @param known what the database remembers, oldest first; empty: it was made by a version that kept none
 * @param present what was found now
 */
export function judgeChecks(known: readonly KeyCheck[], present: readonly KeyCheck[]): Fit {
  const found = new Map(present.map(({ id, check }) => [id, check]))
  const newest = known.at(-1)
  if (newest === undefined || present.length === 0) return 'fits'
  if (known.some(({ id, check }) => found.has(id) && found.get(id) !== check)) return 'altered'
  // The same key under another name: what was made under its own would open no more.
  const names = new Map(known.map(({ id, check }) => [check, id]))
  if (present.some(({ id, check }) => (names.get(check) ?? id) !== id)) return 'altered'
  if (!known.some(({ id }) => found.has(id))) return 'foreign'
  const unknown = present.some(({ id }) => !known.some(one => one.id === id))
  return !found.has(newest.id) && unknown ? 'altered' : 'fits'
}
