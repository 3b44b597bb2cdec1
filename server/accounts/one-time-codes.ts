import { HOUR, type UnixMs } from '../base/clock.ts'
import { randomId, sha256 } from '../base/ids.ts'
import { Secret } from '../base/secret.ts'
import type { Role } from '../contract/wire.ts'
import type { Maker } from '../store/account-types.ts'
import type { CodeRecord } from '../store/types.ts'

export const SETUP_LIFE_MS = HOUR

/** 192 bits, so that no code can be guessed, however many exist. */
const CODE_BYTES = 24

export function newCode(): Secret {
  return new Secret(randomId(CODE_BYTES))
}

/** How a code is looked up. Codes are long and random, so a plain hash protects them. */
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
    address: null,
    byUserId: maker.userId,
    bySessionId: maker.sessionId,
    ...what,
  }
}

type CodePage =
  | '/set-up'
  | '/sign-up'
  | '/reset'
  | '/verify-email'
  | '/restore-email'
  /** For an account that has no password to replace. */
  | '/restore-email?without=password'

/**
 * A link to one of our pages with a code in the fragment, which browsers do not send: it appears in no server's or
 * proxy's log, and in no Referer.
 */
export function codeLink(publicUrl: string, page: CodePage, code: Secret): string {
  return `${publicUrl}${page}#code=${encodeURIComponent(code.reveal())}`
}
