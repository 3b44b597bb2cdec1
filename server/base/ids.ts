import { hash, randomBytes, randomFillSync } from 'node:crypto'

/** A random identifier of `bytes` bytes, base64url without padding. */
export function randomId(bytes = 16): string {
  return randomBytes(bytes).toString('base64url')
}

/** A new id of a sign-in in progress. It sorts by time, so that a browser's oldest one is known by its name. */
export function newTransactionId(begunAt: number): string {
  return `${begunAt.toString(36).padStart(9, '0')}-${randomId(12)}`
}

/** SHA-256 of a string's UTF-8 bytes, base64url: lets secrets be looked up without storing them. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}

const NONCE_BYTES = 16
const pool = Buffer.alloc(256 * NONCE_BYTES)
let used = pool.length

/**
 * 128 random bits, base64, for values that become public when used, such as a CSP nonce (CSP3 §7.1). Random bytes are
 * drawn from the system in batches, at a tenth of the cost of a draw per page.
 */
export function newNonce(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool.toString('base64', used, (used += NONCE_BYTES))
}
