import type { KeyObject } from 'node:crypto'

/** What a sealed value is for. One purpose cannot be opened as another (RFC 8725 §3.12). */
export type SealPurpose = 'access' | 'login' | 'logout' | 'device' | 'form' | 'at-rest'
export type MacPurpose = 'refresh'

export interface Keyring {
  /** The id of the newest root key: it seals and tags what is made now. */
  readonly currentId: string
  /**
   * Seals JSON as a compact JWE (`dir`, A256GCM), bound to its purpose and, where given, to a context such as a row id.
   * @see RFC 7516
   */
  seal(purpose: SealPurpose, payload: Record<string, unknown>, context?: string): string
  /**
   * @returns null for anything that is not ours, altered, of another purpose or context, or under a key that is gone:
   * never throws
   */
  open(purpose: SealPurpose, token: string, context?: string): Promise<Record<string, unknown> | null>
  /** The HMAC key of a purpose under one root key, or null when that root key is gone. Derived once, then kept. */
  macKey(purpose: MacPurpose, keyId: string): KeyObject | null
}
