import { type Clock, MINUTE, type UnixMs } from '../../base/clock.ts'
import { newTransactionId, randomId } from '../../base/ids.ts'
import { Problem } from '../../base/problem.ts'
import type { Keyring } from '../../keys/types.ts'
import type { SingleUseStore } from '../../store/types.ts'

/** A challenge has to be answered within this time. Authenticators are told the same. */
export const CHALLENGE_LIFE_MS = 5 * MINUTE

/** What a challenge may be answered for. An answer to one for another purpose is worth nothing. */
export type ChallengePurpose =
  | { kind: 'sign_in' }
  /** Completes the sign-in that a browser is in the middle of. */
  | { kind: 'second_factor'; userId: string; pendingId: string }
  /** Confirms the identity of the user of a session. */
  | { kind: 'confirm'; userId: string; sessionId: string }
  /** `automatic`: the browser makes the passkey without asking, right after a sign-in with a password. */
  | { kind: 'register'; userId: string; sessionId: string; automatic: boolean }

/** A challenge as it is kept: sealed in a cookie of the browser that asked for it, and nowhere else. */
export interface OpenedChallenge {
  id: string
  /** base64url, as authenticators sign it. */
  challenge: string
  purpose: ChallengePurpose
  begunAt: UnixMs
}

export interface Challenges {
  /** @returns the challenge, and what to keep in the browser under `id` until it is answered */
  begin(purpose: ChallengePurpose): { id: string; sealed: string; challenge: string }
  /**
   * What an answer is for, without judging it.
   * @param read what is kept in the browser under an id
   * @returns null for what is no answer to a challenge of ours
   */
  purposeOf(answered: string, read: (id: string) => string | null): Promise<ChallengePurpose['kind'] | null>
  /**
   * Opens the one that an answer names.
   * @param take removes what is kept under an id from the browser, and returns it; null: it has none
   * @throws Problem `login_expired` if it has expired, is another browser's, or was for another kind of purpose
   */
  open<K extends ChallengePurpose['kind']>(
    kind: K,
    answered: string,
    take: (id: string) => string | null,
  ): Promise<OpenedChallenge & { purpose: Extract<ChallengePurpose, { kind: K }> }>
  /**
   * Marks it as used: only one of several concurrent calls succeeds.
   * @throws Problem `login_expired`
   */
  use(challenge: Pick<OpenedChallenge, 'id' | 'begunAt'>): Promise<void>
}

/** What a cookie has of a challenge. */
interface Kept {
  secret: string
  purpose: ChallengePurpose
  begunAt: UnixMs
}

/** An answer to a challenge that nobody here is waiting for. */
const expired = () => new Problem('login_expired')

interface Deps {
  clock: Clock
  keyring: Keyring
  singleUses: SingleUseStore
}

/**
 * Challenges for passkeys (WebAuthn L3 §13.4.3): 192 random bits, bound to a browser, a purpose and five minutes, and
 * used once. Each names the cookie that it is kept in, so that two tabs do not disturb each other.
 */
export function createChallenges({ clock, keyring, singleUses }: Deps): Challenges {
  const now = () => clock.now().wall

  async function unseal(id: string | null, sealed: string | null): Promise<Kept | null> {
    if (id === null || sealed === null) return null
    // Only we can have sealed it, but for another sign-in method, perhaps.
    return ((await keyring.open('login', sealed, id))?.['passkey'] as Kept | undefined) ?? null
  }

  return {
    async purposeOf(answered, read) {
      const id = idIn(answered)
      return (await unseal(id, id === null ? null : read(id)))?.purpose.kind ?? null
    },

    begin(purpose) {
      const begunAt = now()
      const id = newTransactionId(begunAt)
      const secret = randomId(24)
      return {
        id,
        challenge: challengeOf(id, secret),
        sealed: keyring.seal('login', { passkey: { secret, purpose, begunAt } }, id),
      }
    },

    async open<K extends ChallengePurpose['kind']>(kind: K, answered: string, take: (id: string) => string | null) {
      const id = idIn(answered)
      const kept = await unseal(id, id === null ? null : take(id))
      if (id === null || kept === null || kept.purpose.kind !== kind || challengeOf(id, kept.secret) !== answered)
        throw expired()
      const { purpose, begunAt } = kept
      // One dated in the future was begun before the clock was set back.
      if (now() >= begunAt + CHALLENGE_LIFE_MS || now() < begunAt - MINUTE) throw expired()
      return { id, challenge: answered, begunAt, purpose: purpose as Extract<ChallengePurpose, { kind: K }> }
    },

    async use({ id, begunAt }) {
      if (!(await singleUses.use(`passkey:${id}`, begunAt + CHALLENGE_LIFE_MS + MINUTE))) throw expired()
    },
  }
}

function challengeOf(id: string, secret: string): string {
  return Buffer.from(`${id}.${secret}`).toString('base64url')
}

/** @returns null for what is no challenge of ours */
function idIn(challenge: string): string | null {
  return /^([\w-]{1,64})\.[\w-]{32}$/.exec(Buffer.from(challenge, 'base64url').toString('latin1'))?.[1] ?? null
}
