import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { Clock } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { Problem } from '../../base/problem.ts'
import type { AuthenticationCredential, RegistrationCredential } from '../../contract/webauthn.ts'
import type { PasskeySignals } from '../../contract/wire.ts'
import type { Client } from '../../session/types.ts'
import type { FactorStore, PasskeyRecord } from '../../store/factor-types.ts'
import { type Account, type AccountUser, toAccount } from '../account.ts'
import type { Accounts } from '../account-service.ts'
import { type Actor, originOf } from '../actor.ts'
import type { ChallengePurpose, Challenges } from './challenges.ts'
import { nameOfPasskey } from './authenticator-names.ts'
import { creationOptions, requestOptions } from './passkey-options.ts'
import type { RelyingParty } from './relying-party.ts'
import { clientDataOf, type PasskeyUse, verifyNewPasskey, verifyPasskeyUse } from './verify-passkey.ts'

/** A ceremony that has begun: what the browser needs for it, and what to keep there until it answers. */
export interface Ceremony<Options> {
  options: Options
  pending: { id: string; sealed: string }
}

/** Removes what is kept in the browser under an id. @returns null: it has none with that id */
export type Take = (id: string) => string | null

/** Passkeys of accounts: adding, changing, using and removing them. */
export interface Passkeys {
  /**
   * Begins to add one.
   * @param automatic whether the browser may make it without asking
   */
  beginAdding(
    user: Pick<AccountUser, 'id' | 'email' | 'name'>,
    sessionId: string,
    automatic: boolean,
  ): Promise<Ceremony<PublicKeyCredentialCreationOptionsJSON>>
  /**
   * Adds the one that the browser has made. Without a name it gets that of its password manager or device.
   * @throws Problem `login_expired`, `passkey_refused`, `user_verification_required`, `passkey_registered`,
   * `limit_reached`
   */
  add(
    made: { credential: RegistrationCredential; name?: string | undefined },
    actor: Actor & { userId: string; sessionId: string },
    take: Take,
  ): Promise<PasskeyRecord>
  /** @throws Problem `not_found` */
  rename(id: string, userId: string, name: string): Promise<PasskeyRecord>
  /** @throws Problem `not_found` */
  remove(id: string, actor: Actor & { userId: string }): Promise<void>
  /** What authenticators should know of an account. */
  signals(user: Pick<AccountUser, 'id' | 'email' | 'name'>): Promise<PasskeySignals>
  /**
   * Begins to use one.
   * @param how.of whose may be used; null: anybody's
   * @param how.verify whether the authenticator has to verify the user
   */
  beginUse(
    purpose: Exclude<ChallengePurpose, { kind: 'register' }>,
    how: { of: string | null; verify: boolean },
  ): Promise<Ceremony<PublicKeyCredentialRequestOptionsJSON>>
  /** What an answer is for; null: nothing of ours. @param read what is kept in the browser under an id */
  purposeOf(credential: AuthenticationCredential, read: Take): Promise<ChallengePurpose['kind'] | null>
  /**
   * Verifies that one was used.
   * @throws Problem `login_expired`, `passkey_unknown`, `passkey_refused`, `account_disabled`
   */
  use<K extends 'sign_in' | 'second_factor' | 'confirm'>(
    kind: K,
    credential: AuthenticationCredential,
    take: Take,
    client: Client,
  ): Promise<{ account: Account; purpose: Extract<ChallengePurpose, { kind: K }>; userVerified: boolean }>
}

interface Deps {
  rp: RelyingParty
  challenges: Challenges
  store: FactorStore
  accounts: Pick<Accounts, 'made'>
  clock: Clock
}

export function createPasskeys({ rp, challenges, store, accounts, clock }: Deps): Passkeys {
  const now = () => clock.now().wall

  /** Judges a counter that did not grow, and records the use. @throws Problem `passkey_refused`, `passkey_unknown` */
  async function record(passkey: PasskeyRecord, use: PasskeyUse, client: Client): Promise<void> {
    const { counter, counterWentBack, backedUp } = use
    const refused = counterWentBack && passkey.deviceType === 'singleDevice'
    const origin = originOf({ userId: passkey.userId, sessionId: null, client }, passkey.userId, now())
    const known = await store.usedPasskey(passkey.id, { counter, backedUp, counterWentBack, refused }, origin)
    if (!known) throw new Problem('passkey_unknown')
    if (refused) throw new Problem('passkey_refused', {}, new Error('its counter went back'))
  }

  return {
    async beginAdding(user, sessionId, automatic) {
      const [handle, { passkeys }] = await Promise.all([store.userHandle(user.id), store.of(user.id)])
      const { challenge, ...pending } = challenges.begin({ kind: 'register', userId: user.id, sessionId, automatic })
      return { options: creationOptions(rp, { ...user, handle, passkeys }, { challenge, automatic }), pending }
    },

    async add({ credential, name }, actor, take) {
      const { challenge } = await clientDataOf(credential)
      const opened = await challenges.open('register', challenge, take)
      const { userId, sessionId, automatic } = opened.purpose
      // What was begun in one session can only be completed in it.
      if (userId !== actor.userId || sessionId !== actor.sessionId) throw new Problem('login_expired')
      const made = await verifyNewPasskey(credential, { challenge, automatic, rp })
      await challenges.use(opened)
      const at = now()
      const shown = name?.toWellFormed() ?? nameOfPasskey(made.aaguid, actor.client?.userAgent ?? '')
      const passkey = { id: randomId(), userId, name: shown, createdAt: at, lastUsedAt: null, ...made }
      accounts.made(await store.addPasskey(passkey, originOf(actor, userId, at)))
      return passkey
    },

    rename: (id, userId, name) => store.renamePasskey(id, userId, name.toWellFormed()),

    async remove(id, actor) {
      accounts.made(await store.removePasskey(id, actor.userId, originOf(actor, actor.userId, now())))
    },

    async signals({ id, email, name }) {
      const { passkeys } = await store.of(id)
      return {
        rpId: rp.id,
        userId: await store.findUserHandle(id),
        name: email ?? name,
        displayName: name,
        allAcceptedCredentialIds: passkeys.map(({ credentialId }) => credentialId),
      }
    },

    async beginUse(purpose, { of, verify }) {
      const allowed = of === null ? null : (await store.of(of)).passkeys
      const { challenge, ...pending } = challenges.begin(purpose)
      return { options: requestOptions(rp, { challenge, allowed, verify }), pending }
    },

    async purposeOf(credential, read) {
      return challenges.purposeOf((await clientDataOf(credential)).challenge, read)
    },

    async use(kind, credential, take, client) {
      const { challenge } = await clientDataOf(credential)
      const opened = await challenges.open(kind, challenge, take)
      const found = await store.findPasskey(credential.id)
      if (found === null) throw new Problem('passkey_unknown')
      const { passkey, account } = found
      try {
        const use = await verifyPasskeyUse(credential, { challenge, passkey, rp })
        // The account that the authenticator chose has to be the one that the passkey is of (WebAuthn L3 §7.2, step 6).
        const { userHandle } = credential.response
        const named = userHandle !== null || kind === 'sign_in'
        if (named && userHandle !== (await store.findUserHandle(account.id)))
          throw new Problem('passkey_refused', {}, new Error('the user handle is not the one of its account'))
        // Only now: nobody without a passkey can make us remember anything.
        await challenges.use(opened)
        await record(passkey, use, client)
        if (account.disabledAt !== null) throw new Problem('account_disabled')
        return { account: toAccount(account), purpose: opened.purpose, userVerified: use.userVerified }
      } catch (error) {
        if (error instanceof Problem) error.about(account.id)
        throw error
      }
    },
  }
}
