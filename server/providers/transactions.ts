import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, MINUTE, type UnixMs } from '../base/clock.ts'
import { newTransactionId, randomId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { HOME } from '../contract/return-to.ts'
import type { Keyring } from '../keys/types.ts'
import type { SingleUseStore } from '../store/types.ts'
import type { Purpose } from './types.ts'

/** A sign-in has to be finished within this time. */
export const LOGIN_LIFE_MS = 10 * MINUTE

/**
 * What is remembered between leaving for a provider and returning: sealed in that browser's cookie and nowhere else, so
 * that an abandoned sign-in leaves nothing here.
 */
export interface Transaction {
  id: string
  provider: string
  /** 256 random bits each, new for each attempt (OA-4). */
  verifier: string
  nonce: string
  state: string
  purpose: Purpose
  returnTo: string
  begunAt: UnixMs
}

/** The content of the cookie. The three secrets are derived from one, which is a third as long. */
interface Sealed extends Pick<Transaction, 'provider' | 'purpose' | 'returnTo' | 'begunAt'> {
  secret: string
}

export interface Transactions {
  /**
   * @param room the maximum length of the cookie's value in bytes: if `returnTo` does not fit, the sign-in leads to the
   * home page
   */
  begin(
    provider: string,
    purpose: Purpose,
    returnTo: string,
    room: number,
  ): Promise<{ sealed: string; transaction: Transaction }>
  /**
   * Opens the transaction named by a callback's `state`.
   * @throws Problem `login_expired` if it belongs to another browser or provider, has expired, or does not exist
   */
  open(provider: string, search: string, sealed: string | null): Promise<Transaction>
  /**
   * Marks it as used: only one of several concurrent calls succeeds.
   * @throws Problem `login_expired`
   */
  use(transaction: Transaction): Promise<void>
  /**
   * The destination of a sign-in, for a browser that is signed in already.
   * @returns null if unknown
   */
  returnTo(search: string, sealed: string | null): Promise<string | null>
}

export function createTransactions({
  clock,
  keyring,
  singleUses,
}: {
  clock: Clock
  keyring: Keyring
  singleUses: SingleUseStore
}): Transactions {
  const now = () => clock.now().wall

  async function unseal(search: string, sealed: string | null): Promise<Transaction | null> {
    const state = stateOf(search)
    const id = transactionIdOf(search)
    if (state === null || id === null || sealed === null) return null
    const opened = await keyring.open('login', sealed, id)
    // Only we can have sealed it: it has the shape above, or is another sign-in method's.
    const whole = opened?.['transaction'] as Sealed | undefined
    const transaction = whole === undefined ? null : transactionOf(id, whole)
    return transaction !== null && isSame(transaction.state, state) ? transaction : null
  }

  return {
    async begin(provider, purpose, returnTo, room) {
      const begunAt = now()
      const id = newTransactionId(begunAt)
      const whole: Sealed = { provider, secret: randomId(32), purpose, returnTo, begunAt }
      const sealed = keyring.seal('login', { transaction: whole }, id)
      if (sealed.length <= room) return { sealed, transaction: transactionOf(id, whole) }
      const shorter = { ...whole, returnTo: HOME }
      return {
        sealed: keyring.seal('login', { transaction: shorter }, id),
        transaction: transactionOf(id, shorter),
      }
    },

    async open(provider, search, sealed) {
      const transaction = await unseal(search, sealed)
      if (transaction?.provider !== provider) throw new Problem('login_expired')
      // One dated in the future was begun before the clock was set back.
      if (now() >= transaction.begunAt + LOGIN_LIFE_MS || now() < transaction.begunAt - MINUTE)
        throw new Problem('login_expired')
      return transaction
    },

    async use({ id, begunAt }) {
      if (!(await singleUses.use(`login:${id}`, begunAt + LOGIN_LIFE_MS + MINUTE))) throw new Problem('login_expired')
    },

    async returnTo(search, sealed) {
      return (await unseal(search, sealed))?.returnTo ?? null
    },
  }
}

function transactionOf(id: string, { secret, ...rest }: Sealed): Transaction {
  const derived = (name: string) => createHmac('sha256', secret).update(name).digest('base64url')
  return { id, ...rest, verifier: derived('verifier'), nonce: derived('nonce'), state: `${id}.${derived('state')}` }
}

/**
 * The transaction of a callback, which names its cookie.
 * @returns null unless there is exactly one well-formed `state`
 */
export function transactionIdOf(search: string): string | null {
  return /^([a-z0-9]{9}-[A-Za-z0-9_-]{16})\.[A-Za-z0-9_-]{43}$/.exec(stateOf(search) ?? '')?.[1] ?? null
}

function stateOf(search: string): string | null {
  const states = new URLSearchParams(search).getAll('state')
  return states.length === 1 ? (states[0] ?? null) : null
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
