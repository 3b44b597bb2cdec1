import { renderSVG } from 'uqr'
import type { Clock } from '../base/clock.ts'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { Config } from '../config/types.ts'
import type { EnrolledAnswer, FactorMethod, FactorsAnswer, TotpSetupAnswer } from '../contract/wire.ts'
import type { Keyring } from '../keys/types.ts'
import type { Client } from '../session/types.ts'
import type { FactorStore, PasskeyRecord, TotpRecord } from '../store/factor-types.ts'
import { codeKey, codeLock, codeNetworkKey } from '../store/throttle-keys.ts'
import type { ThrottleStore } from '../store/types.ts'
import type { Account } from './account.ts'
import type { Accounts } from './account-service.ts'
import { type Actor, originOf } from './actor.ts'
import { createAttemptLine } from './attempt-line.ts'
import { networkOf } from './client-network.ts'
import { ACCOUNT, countUnder, NETWORK, reserveAttempt } from './credential-throttle.ts'
import type { Passwords } from './passwords.ts'
import { FEW_RECOVERY_CODES, newRecoveryCode, plainRecoveryCode, RECOVERY_CODES } from './recovery-codes.ts'
import { requiresSecondFactor } from './second-factor-policy.ts'
import { isTotpCode, judgeTotp, newTotpSecret, plainCode, totpUri } from './totp.ts'

/** The second factors of accounts. Whether a sign-in is recent enough to change them is decided before. */
export interface FactorService {
  /** What their owner is shown. */
  of(account: Pick<Account, 'id' | 'roles'>): Promise<FactorsAnswer>
  /** What can complete a sign-in, the strongest first; empty: there is no second factor. */
  methods(userId: string): Promise<FactorMethod[]>
  /** A new secret, which changes nothing until it is confirmed. @throws Problem `account_disabled` */
  beginTotp(account: Pick<Account, 'id' | 'email' | 'name'>, actor: Actor): Promise<TotpSetupAnswer>
  /**
   * Confirms it with a code, which is used up by that. The first factor comes with recovery codes.
   * @throws Problem `not_found` if none is being set up, `incorrect_code`, `clock_differs`, `invalid_body`
   */
  confirmTotp(account: Pick<Account, 'id' | 'roles'>, code: string, actor: Actor): Promise<EnrolledAnswer>
  /** @throws Problem `not_found` */
  removeTotp(userId: string, actor: Actor): Promise<Account>
  /**
   * A new set, in place of the one before.
   * @throws Problem `second_factor_required` without a second factor, `busy`
   */
  newRecoveryCodes(userId: string, actor: Actor): Promise<string[]>
  /** The same as a part of enrolment: only if there are none yet. null: there are, or not now. */
  firstRecoveryCodes(userId: string, actor: Actor): Promise<string[] | null>
  /**
   * Checks a code and uses it up: only one of several concurrent attempts with the same one succeeds.
   * @throws Problem `incorrect_code`, `clock_differs`, `invalid_body`; `login_expired` if the factor was removed;
   * `slow_down`, `second_factor_locked`, `busy`
   */
  check(kind: CodeKind, attempt: CodeAttempt): Promise<void>
  /** What a code is, by its form. */
  kindOf(code: string): CodeKind
  /**
   * Removes every factor of somebody who has lost them.
   * @throws Problem `not_found`; `forbidden`, `not_signed_in` if the actor has lost that authority in the meantime
   */
  reset(userId: string, actor: Actor): Promise<Account>
}

export type CodeKind = 'totp' | 'recovery'

export interface CodeAttempt {
  userId: string
  /** The session whose owner confirms who they are; null: a sign-in. */
  sessionId: string | null
  code: string
  client: Client
}

export interface FactorDeps {
  store: { factors: FactorStore; throttles: ThrottleStore }
  accounts: Pick<Accounts, 'made'>
  passwords: Pick<Passwords, 'hashCodes' | 'hashLike'>
  keyring: Keyring
  clock: Clock
  log: Log
  config: Pick<Config, 'brand' | 'secondFactor'>
}

const WRONG_FORM: Record<CodeKind, string> = {
  totp: 'The code has six digits.',
  recovery: 'A recovery code has sixteen letters and digits.',
}

export function createFactors({ store, accounts, passwords, keyring, clock, log, config }: FactorDeps): FactorService {
  const { factors, throttles } = store
  const now = () => clock.now().wall
  const line = createAttemptLine()

  async function secretOf(totp: TotpRecord): Promise<string | null> {
    const secret = (await keyring.open('at-rest', totp.sealed, totp.id))?.['secret']
    if (typeof secret === 'string') return secret
    log.error(
      { event: 'second_factor_key_missing', accountId: totp.userId },
      'failed to check a code: the key of its secret is missing from the key file',
    )
    return null
  }

  /** @returns the step of a right code @throws Problem `incorrect_code`, `clock_differs` */
  async function judge(totp: TotpRecord, plain: string): Promise<number> {
    const secret = await secretOf(totp)
    const verdict = secret === null ? { kind: 'wrong' as const } : judgeTotp(secret, plain, now())
    if (verdict.kind === 'other_time') throw new Problem('clock_differs')
    if (verdict.kind === 'wrong') throw new Problem('incorrect_code')
    return verdict.step
  }

  async function useTotp(userId: string, plain: string): Promise<void> {
    const { totp } = await factors.of(userId)
    if (totp === null) throw new Problem('login_expired')
    if (!(await factors.useTotpStep(totp.id, await judge(totp, plain)))) throw new Problem('incorrect_code')
  }

  async function useRecovery({ userId, sessionId, client }: CodeAttempt, plain: string): Promise<void> {
    const [any] = await factors.recoveryCodes(userId)
    if (any === undefined) throw new Problem('incorrect_code')
    const codeHash = await passwords.hashLike(any.codeHash, plain, client)
    const origin = originOf({ userId, sessionId, client }, userId, now())
    if ((await factors.useRecoveryCode(userId, codeHash, origin)) === null) throw new Problem('incorrect_code')
  }

  /** Counts an attempt before it is judged. Recovery codes cannot be guessed, so they have waits but no lock. */
  async function reserve(kind: CodeKind, { userId, client }: CodeAttempt) {
    const keys = {
      recent: codeKey(kind, userId),
      lock: codeLock(kind, userId),
      network: codeNetworkKey(networkOf(client.network)),
    }
    const { counted, judged } = await line.admit(Object.values(keys), async () => {
      const at = now()
      if (kind === 'totp') {
        const { refund, locks } = await throttles.reserve(keys, rows =>
          reserveAttempt(keys, rows, at, 'second_factor_locked'),
        )
        return { locks, refunds: Object.values(refund), network: refund.network }
      }
      const refunds = await countUnder(
        throttles,
        [
          [keys.recent, ACCOUNT],
          [keys.network, NETWORK],
        ],
        at,
      )
      return { locks: false, refunds, network: refunds.find(({ key }) => key === keys.network) }
    })
    return { keys, ...counted, judged }
  }

  async function enrolled(account: Pick<Account, 'id' | 'roles'>, actor: Actor): Promise<EnrolledAnswer> {
    const codes = await service.firstRecoveryCodes(account.id, actor)
    return { factors: await service.of(account), codes }
  }

  const service: FactorService = {
    async of(account) {
      const { totp, passkeys, codesLeft } = await factors.of(account.id)
      const isProtected = totp !== null || passkeys.length > 0
      return {
        passkeys: passkeys.map(toWirePasskey),
        totp: { enabled: totp !== null, createdAt: totp?.confirmedAt ?? null },
        recoveryCodes: { left: codesLeft, low: isProtected && codesLeft <= FEW_RECOVERY_CODES },
        required: requiresSecondFactor(config.secondFactor, account),
      }
    },

    async methods(userId) {
      const { totp, passkeys, codesLeft } = await factors.of(userId)
      const has: Record<FactorMethod, boolean> = {
        passkey: passkeys.length > 0,
        totp: totp !== null,
        recovery: codesLeft > 0,
      }
      return (Object.keys(has) as FactorMethod[]).filter(method => has[method])
    },

    async beginTotp({ id: userId, email, name }, actor) {
      const secret = newTotpSecret()
      const id = randomId()
      const at = now()
      const sealed = keyring.seal('at-rest', { secret }, id)
      await factors.beginTotp(
        { id, userId, sealed, lastStep: 0, createdAt: at, confirmedAt: null },
        originOf(actor, userId, at),
      )
      const uri = totpUri(secret, { issuer: config.brand.name, label: email ?? name })
      return { uri, secret, qr: renderSVG(uri, { border: 2 }) }
    },

    async confirmTotp(account, code, actor) {
      const pending = await factors.pendingTotp(account.id)
      if (pending === null)
        throw new Problem('not_found', { detail: 'No authenticator app is being set up. Start again.' })
      const step = await judge(pending, wellFormed('totp', code))
      accounts.made(await factors.confirmTotp(pending.id, account.id, step, originOf(actor, account.id, now())))
      return enrolled(account, actor)
    },

    async removeTotp(userId, actor) {
      return accounts.made(await factors.removeTotp(userId, originOf(actor, userId, now())))
    },

    async newRecoveryCodes(userId, actor) {
      const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode)
      const hashes = await passwords.hashCodes(
        codes.map(code => plainRecoveryCode(code) ?? ''),
        actor.client,
      )
      accounts.made(await factors.replaceRecoveryCodes(userId, hashes, originOf(actor, userId, now())))
      return codes
    },

    async firstRecoveryCodes(userId, actor) {
      if ((await factors.of(userId)).codesLeft > 0) return null
      // The factor is there already: without codes, its owner is asked to make some.
      return service.newRecoveryCodes(userId, actor).catch(() => null)
    },

    async check(kind, attempt) {
      const plain = wellFormed(kind, attempt.code)
      const { keys, locks, refunds, network, judged } = await reserve(kind, attempt)
      try {
        await (kind === 'totp' ? useTotp(attempt.userId, plain) : useRecovery(attempt, plain))
        await throttles.recordOutcome({
          forget: [keys.recent, keys.lock],
          refund: network === undefined ? [] : [network],
        })
      } catch (error) {
        const { userId } = attempt
        if (error instanceof Problem) error.about(userId)
        if (error instanceof Problem && (error.code === 'incorrect_code' || error.code === 'clock_differs'))
          await factors.failed(userId, locks, originOf(attempt, userId, now()))
        // Nothing was compared, so nothing was guessed.
        else await throttles.recordOutcome({ forget: [], refund: refunds })
        throw error
      } finally {
        judged()
      }
    },

    kindOf: code => (isTotpCode(plainCode(code)) ? 'totp' : 'recovery'),

    async reset(userId, actor) {
      return accounts.made(await factors.reset(userId, actor, originOf(actor, userId, now())))
    },
  }
  return service
}

/** @throws Problem `invalid_body`: it cannot be a code, so nothing is counted */
function wellFormed(kind: CodeKind, code: string): string {
  const plain = kind === 'totp' ? plainCode(code) : plainRecoveryCode(code)
  if (plain === null || (kind === 'totp' && !isTotpCode(plain)))
    throw new Problem('invalid_body', { fields: { code: WRONG_FORM[kind] } })
  return plain
}

function toWirePasskey({ id, name, backedUp, deviceType, createdAt, lastUsedAt }: PasskeyRecord) {
  return { id, name, synced: deviceType === 'multiDevice' && backedUp, createdAt, lastUsedAt }
}
