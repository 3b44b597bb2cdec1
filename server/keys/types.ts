import type { KeyObject } from 'node:crypto'

/** What a sealed value is for. A value sealed for one purpose cannot be opened for another (RFC 8725 §3.12). */
export type SealPurpose = 'access' | 'login' | 'logout' | 'second-factor' | 'device' | 'form' | 'at-rest'
export type MacPurpose = 'refresh'

export interface Keyring {
  /** The id of the newest root key, which seals and tags new values. */
  readonly currentId: string
  /**
   * Seals JSON as a compact JWE (`dir`, A256GCM), bound to its purpose and, if given, to a context such as a row id.
   * @see RFC 7516
   */
  seal(purpose: SealPurpose, payload: Record<string, unknown>, context?: string): string
  /**
   * Never throws.
   * @returns null for anything that is not ours, was altered, has another purpose or context, or whose key is gone
   */
  open(purpose: SealPurpose, token: string, context?: string): Promise<Record<string, unknown> | null>
  /** The HMAC key of a purpose under one root key, or null if that root is gone. Derived once, then cached. */
  macKey(purpose: MacPurpose, keyId: string): KeyObject | null
}
