import { DAY, HOUR, MINUTE, type UnixMs } from '../base/clock.ts'
import { randomId, sha256 } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import type { Role } from '../contract/wire.ts'
import type { CodeRecord, Maker } from '../store/types.ts'

export const SETUP_LIFE_MS = HOUR
export const INVITE_LIFE_MS = 7 * DAY
export const RESET_LIFE_MS = 30 * MINUTE

/** 192 bits: none of them can be guessed, however many there are. */
const CODE_BYTES = 24

export function newCode(): Secret {
  return new Secret(randomId(CODE_BYTES))
}

/** How a code is looked up. Codes are long and random, so a plain hash keeps them. */
export function hashOf(code: Secret): string {
  return sha256(code.reveal())
}

export function codeRow(
  code: Secret,
  { maker, ...what }: { kind: CodeRecord['kind']; roles: Role[]; email: string | null; maker: Maker },
  at: UnixMs,
  lifeMs: number,
): CodeRecord & { userId: null } {
  return {
    id: randomId(),
    codeHash: hashOf(code),
    userId: null,
    createdAt: at,
    endsAt: at + lifeMs,
    usedAt: null,
    byUserId: maker.userId,
    bySessionId: maker.sessionId,
    ...what,
  }
}

/**
 * A link to one of our pages that holds a code. It stands in the fragment, which no browser sends: no server's or
 * proxy's log, nor a Referer, ever has it.
 */
export function codeLink(publicUrl: string, page: '/set-up' | '/sign-up' | '/reset', code: Secret): string {
  return `${publicUrl}${page}#code=${encodeURIComponent(code.reveal())}`
}
