import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { UnixMs } from '../base/clock.ts'
import { sha256 } from '../base/ids.ts'
import type { Keyring } from '../keys/types.ts'
import type { SessionRecord } from '../store/types.ts'

/** The claims of an access token, which only we can read: browsers have it sealed. */
export interface AccessClaims {
  sid: string
  generation: number
  issuedAt: UnixMs
  endsAt: UnixMs
}

export interface PresentedRefresh {
  sid: string
  generation: number
  tag: string
}

const REFRESH_FORM = /^([A-Za-z0-9_-]{22})\.([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{43})$/

/** @returns null unless the text has the form of a refresh token; its tag is not verified here */
export function parseRefresh(text: string): PresentedRefresh | null {
  const match = REFRESH_FORM.exec(text)
  if (match === null) return null
  const [, sid = '', generation = '', tag = ''] = match
  return { sid, generation: Number(generation), tag }
}

export interface Tokens {
  /** Seals an access token for a session's newest generation. */
  sealAccess(sid: string, row: SessionRecord, life: { issuedAt: UnixMs; endsAt: UnixMs }): string
  /** @returns the claims of a token that we sealed, even if expired; null for any other text */
  openAccess(token: string): Promise<AccessClaims | null>
  /**
   * The refresh token of a generation: derived, so that sending it again sends the same text.
   * @throws Error if the session's key is gone
   */
  refresh(sid: string, row: SessionRecord, generation: number): string
  isGenuine(presented: PresentedRefresh, row: SessionRecord): boolean
}

const OPENED_MAX = 20_000

export function createTokens(keyring: Keyring): Tokens {
  // Opening costs a decryption; caching is safe because expiry, generation and end are checked on every use.
  const opened = new LRUCache<string, AccessClaims>({ max: OPENED_MAX })

  function tag(sid: string, row: SessionRecord, generation: number): Buffer | null {
    const key = keyring.macKey('refresh', row.tagKeyId)
    if (key === null) return null
    const mac = createHmac('sha256', key)
    for (const part of [Buffer.from(sid), Buffer.from(String(generation)), row.secret]) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      mac.update(length).update(part)
    }
    return mac.digest()
  }

  return {
    sealAccess(sid, row, life) {
      const token = keyring.seal('access', {
        sid,
        sub: row.userId,
        gen: row.generation,
        iat: life.issuedAt,
        exp: life.endsAt,
        auth_time: row.authTime,
        amr: row.amr,
      })
      // It will be presented soon, so its claims are cached without opening it.
      opened.set(sha256(token), { sid, generation: row.generation, issuedAt: life.issuedAt, endsAt: life.endsAt })
      return token
    },

    async openAccess(token) {
      const key = sha256(token)
      const known = opened.get(key)
      if (known !== undefined) return known
      const claims = toClaims(await keyring.open('access', token))
      if (claims !== null) opened.set(key, claims)
      return claims
    },

    refresh(sid, row, generation) {
      const made = tag(sid, row, generation)
      if (made === null) throw new Error(`the key ${row.tagKeyId} of this session's tokens is missing`)
      return `${sid}.${generation}.${made.toString('base64url')}`
    },

    isGenuine(presented, row) {
      const expected = tag(presented.sid, row, presented.generation)
      if (expected === null) return false
      const presentedTag = Buffer.from(presented.tag, 'base64url')
      // The last character of base64url has spare bits: only the canonical spelling is accepted.
      return timingSafeEqual(expected, presentedTag) && presented.tag === expected.toString('base64url')
    },
  }
}

function toClaims(payload: Record<string, unknown> | null): AccessClaims | null {
  if (payload === null) return null
  const { sid, gen, iat, exp } = payload
  if (typeof sid !== 'string' || typeof gen !== 'number' || typeof iat !== 'number' || typeof exp !== 'number')
    return null
  return { sid, generation: gen, issuedAt: iat, endsAt: exp }
}
