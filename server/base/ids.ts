import { hash, randomBytes, randomFillSync } from 'node:crypto'

/** A random identifier of `bytes` bytes, base64url without padding. */
export function randomId(bytes = 16): string {
  return randomBytes(bytes).toString('base64url')
}

/** SHA-256 of a string's UTF-8 bytes, base64url: how secrets are looked up without being kept. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}

const NONCE_BYTES = 16
const pool = Buffer.alloc(256 * NONCE_BYTES)
let used = pool.length

/**
 * 128 random bits, base64, for what is public once it is used: a policy's nonce (CSP3 §7.1). Many are drawn from the
 * system at once, which costs a page that renders a tenth of drawing its own.
 */
export function newNonce(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool.toString('base64', used, (used += NONCE_BYTES))
}
