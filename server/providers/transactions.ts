import { timingSafeEqual } from 'node:crypto'
import { type Clock, MINUTE, type UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { HOME } from '../contract/return-to.ts'
import type { Keyring } from '../keys/types.ts'
import type { SingleUseStore } from '../store/single-uses.ts'
import type { Purpose } from './types.ts'

/** A sign-in is finished within this time, or begun anew. */
export const LOGIN_LIFE_MS = 10 * MINUTE
/** A cookie has room for 4096 bytes with its name and attributes (CK-4). */
const MAX_SEALED_LENGTH = 3800

/** What is remembered between going to a provider and coming back: in the browser that went, and nowhere else. An abandoned
 * one leaves nothing here. */
export interface Transaction {
  provider: string
  /** 256 random bits each, new for each attempt (OA-4). */
  verifier: string
  nonce: string
  state: string
  purpose: Purpose
  returnTo: string
  begunAt: UnixMs
}

export interface Transactions {
  begin(provider: string, purpose: Purpose, returnTo: string): Promise<{ id: string, sealed: string, transaction: Transaction }>
  /** Opens what a callback's `state` names and uses it up: of many at once, one gets it.
   * @throws Problem `login_expired` when it is of another browser, another provider, used up, over, or nothing at all */
  use(provider: string, search: string, sealed: string | null): Promise<Transaction>
  /** Where a sign-in was to end, for somebody who is signed in already. @returns null when that cannot be told */
  returnTo(search: string, sealed: string | null): Promise<string | null>
}

export function createTransactions({ clock, keyring, singleUses }: { clock: Clock, keyring: Keyring, singleUses: SingleUseStore }): Transactions {
  const now = () => clock.now().wall

  async function open(search: string, sealed: string | null): Promise<{ id: string, state: string, transaction: Transaction } | null> {
    const state = stateOf(search)
    const id = transactionIdOf(search)
    if (state === null || id === null || sealed === null) return null
    const opened = await keyring.open('login', sealed, id)
    // Only we can have sealed it, so its shape is the one above.
    return opened === null ? null : { id, state, transaction: opened['transaction'] as Transaction }
  }

  return {
    async begin(provider, purpose, returnTo) {
      const begunAt = now()
      // Sorts by time, so that the oldest of a browser can be told by its name.
      const id = `${begunAt.toString(36).padStart(9, '0')}-${randomId(12)}`
      const transaction: Transaction = { provider, verifier: randomId(32), nonce: randomId(32), state: `${id}.${randomId(32)}`, purpose, returnTo, begunAt }
      const sealed = await keyring.seal('login', { transaction }, id)
      if (sealed.length <= MAX_SEALED_LENGTH) return { id, sealed, transaction }
      const shorter = { ...transaction, returnTo: HOME }
      return { id, sealed: await keyring.seal('login', { transaction: shorter }, id), transaction: shorter }
    },

    async use(provider, search, sealed) {
      const opened = await open(search, sealed)
      if (opened === null) throw new Problem('login_expired')
      const { id, state, transaction } = opened
      if (transaction.provider !== provider || !isSame(transaction.state, state)) throw new Problem('login_expired')
      const endsAt = transaction.begunAt + LOGIN_LIFE_MS
      // One from the future was begun before the clock was set back.
      if (now() >= endsAt || now() < transaction.begunAt - MINUTE) throw new Problem('login_expired')
      if (!await singleUses.use(`login:${id}`, endsAt + MINUTE)) throw new Problem('login_expired')
      return transaction
    },

    async returnTo(search, sealed) {
      return (await open(search, sealed))?.transaction.returnTo ?? null
    },
  }
}

/** The transaction that a callback is about: what names its cookie. @returns null unless there is exactly one well-formed `state` */
export function transactionIdOf(search: string): string | null {
  return /^([a-z0-9]{9}-[A-Za-z0-9_-]{16})\.[A-Za-z0-9_-]{43}$/.exec(stateOf(search) ?? '')?.[1] ?? null
}

function stateOf(search: string): string | null {
  const states = new URLSearchParams(search).getAll('state')
  return states.length === 1 ? states[0] ?? null : null
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
