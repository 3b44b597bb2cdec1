import { hash, randomBytes } from 'node:crypto'

/** A random identifier of `bytes` bytes, base64url without padding. */
export function randomId(bytes = 16): string {
  return randomBytes(bytes).toString('base64url')
}

/** SHA-256 of a string's UTF-8 bytes, base64url: how secrets are looked up without being kept. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}
