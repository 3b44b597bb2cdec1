import type { Account } from '../accounts/account.ts'
import type { Accounts } from '../accounts/account-service.ts'
import type { FactorService } from '../accounts/factors.ts'
import { type Clock, MINUTE, type UnixMs } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import type { Config } from '../config/types.ts'
import { acrOf, withFactor } from '../contract/acr.ts'
import type { FactorMethod } from '../contract/wire.ts'
import type { Keyring } from '../keys/types.ts'
import type { SessionBasis } from '../session/types.ts'
import type { ProviderGrantStore, SingleUseStore } from '../store/types.ts'
import { isRemembered, readDevice } from './known-device.ts'
import type { Proof } from './sign-in-method.ts'

/** How long a sign-in waits for its second factor. */
export const PENDING_LIFE_MS = 10 * MINUTE

/**
 * A sign-in whose first factor was right. Only the browser has it, sealed: there is no session, and nothing but a second
 * factor is accepted with it.
 */
export interface PendingFactor {
  id: string
  userId: string
  /** How the first factor was proven (RFC 8176). */
  amr: string[]
  at: UnixMs
  endsAt: UnixMs
  remember: boolean
  /** The session whose owner confirms who they are, by public id; null: a sign-in. */
  reauthenticates: string | null
  basis: PendingBasis | null
}

type PendingBasis =
  | Extract<SessionBasis, { kind: 'password' }>
  /** `parked`: where the provider's grant waits; null: there is none. */
  | { kind: 'provider'; authTime: UnixMs | null; endsAt: UnixMs | null; parked: string | null }

/** Decides whether a proof needs a second factor, and keeps the sign-in until there is one. */
export interface SecondFactor {
  /**
   * @param device the sealed cookie of a known device, or null. It is ignored where a person confirms who they are
   */
  isNeeded(proof: Pick<Proof, 'account' | 'amr' | 'isTrusted'>, device: string | null): Promise<boolean>
  /** @returns the sealed state, and what can complete it */
  begin(
    proof: Proof,
    wish: Pick<PendingFactor, 'remember' | 'reauthenticates'>,
  ): Promise<{ sealed: string; methods: FactorMethod[] }>
  /** @returns null for anything else, and after ten minutes */
  read(sealed: string | null): Promise<PendingFactor | null>
  /**
   * The account of a pending sign-in, as it is now.
   * @throws Problem `login_expired` if its password or its factors have changed since; `account_disabled`
   */
  judge(pending: PendingFactor): Promise<Account>
  /**
   * What a session is opened by, once the second factor is proven. Only one of several concurrent calls succeeds.
   * @param amr of the second factor
   * @throws Problem `login_expired`
   */
  complete(pending: PendingFactor, account: Account, amr: readonly string[]): Promise<Proof>
}

export interface SecondFactorDeps {
  accounts: Pick<Accounts, 'findWithVerifier'>
  factors: Pick<FactorService, 'methods'>
  singleUses: SingleUseStore
  grants: Pick<ProviderGrantStore, 'park' | 'unpark'>
  keyring: Keyring
  clock: Clock
  config: Pick<Config, 'rememberSecondFactorMs'>
}

export function createSecondFactor(deps: SecondFactorDeps): SecondFactor {
  const { accounts, factors, singleUses, grants, keyring, clock, config } = deps
  const now = () => clock.now().wall

  /** A provider's grant is too large for a cookie, so it waits in the store. */
  async function park({ basis }: Proof, id: string): Promise<PendingBasis | null> {
    if (basis?.kind !== 'provider') return basis
    const { grant, ...times } = basis
    if (grant === null) return { ...times, parked: null }
    const parked = `pending:${id}`
    await grants.park({ ...grant, sessionId: parked })
    return { ...times, parked }
  }

  async function unpark(basis: PendingBasis | null): Promise<Pick<Proof, 'basis' | 'abandon'>> {
    if (basis?.kind !== 'provider') return { basis, abandon: () => {} }
    const { parked, ...times } = basis
    const grant = parked === null ? null : await grants.unpark(parked)
    if (parked !== null && grant === null) throw new Problem('login_expired')
    return {
      basis: { ...times, grant },
      // Housekeeping revokes it, as it does with those of ended sessions.
      abandon: () => {
        if (grant !== null && parked !== null)
          grants.park({ ...grant, sessionId: parked, endedAt: now() }).catch(() => {})
      },
    }
  }

  return {
    async isNeeded({ account, amr, isTrusted }, device) {
      if (account.secondFactorAt === null || acrOf(amr) === 'aal2' || isTrusted === true) return false
      const known = await readDevice(keyring, device, now())
      return !isRemembered(known, account, config.rememberSecondFactorMs, now())
    },

    async begin(proof, wish) {
      const id = randomId()
      const at = now()
      try {
        const basis = await park(proof, id)
        const { amr, account } = proof
        const pending: PendingFactor = { id, userId: account.id, amr, at, endsAt: at + PENDING_LIFE_MS, ...wish, basis }
        return { sealed: keyring.seal('second-factor', { pending }), methods: await factors.methods(account.id) }
      } catch (error) {
        proof.abandon()
        throw error
      }
    },

    async read(sealed) {
      const opened = sealed === null ? null : await keyring.open('second-factor', sealed)
      if (opened === null) return null
      // Only we can have sealed it, so its shape is the one above.
      const pending = opened['pending'] as PendingFactor
      const at = now()
      // From the future: the clock was set back, and nobody knows by how much.
      return pending.endsAt > at && pending.at <= at + MINUTE ? pending : null
    },

    async judge({ userId, basis, at }) {
      const account = (await accounts.findWithVerifier({ id: userId }))?.account
      if (account === undefined) throw new Problem('login_expired')
      if (account.disabledAt !== null) throw new Problem('account_disabled').about(userId)
      const isSamePassword = basis?.kind !== 'password' || basis.setAt === account.passwordChangedAt
      if (!isSamePassword || account.secondFactorAt === null || (account.factorsChangedAt ?? 0) > at)
        throw new Problem('login_expired').about(userId)
      return account
    },

    async complete(pending, account, amr) {
      if (!(await singleUses.use(`second-factor:${pending.id}`, pending.endsAt)))
        throw new Problem('login_expired').about(account.id)
      return { account, amr: withFactor(pending.amr, amr), ...(await unpark(pending.basis)) }
    },
  }
}
