import { createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A random identifier of `bytes` bytes, base64url without padding. */
export function randomId(bytes = 16): string {
  return randomBytes(bytes).toString('base64url')
}

/** SHA-256 of a string's UTF-8 bytes, base64url: how secrets are looked up without being kept. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** Whether two strings are equal, in a time that depends on neither's content. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
