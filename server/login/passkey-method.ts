import * as v from 'valibot'
import type { Passkeys } from '../accounts/passkeys/passkeys.ts'
import { checkFields } from '../base/check-fields.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import { passkeyAmr } from '../contract/acr.ts'
import { AuthenticationCredential } from '../contract/webauthn.ts'
import { countSignIn } from './count-sign-in.ts'
import { postedFields, type Proof, type SignInMethod, type SignInStep } from './sign-in-method.ts'

/** Without a credential, a challenge is wanted. */
const Fields = v.strictObject({ credential: v.optional(AuthenticationCredential) })

interface Deps {
  passkeys: Pick<Passkeys, 'beginUse' | 'use'>
  meter: Meter
}

/**
 * Signs in with a passkey: a first post gets a challenge, and a second one answers it. On its own it has to verify the
 * user, which makes it two factors in one (NIST SP 800-63B-4 §3.1.7).
 */
export function createPasskeyMethod({ passkeys, meter }: Deps): SignInMethod {
  return {
    id: 'passkey',
    describe: () => ({ kind: 'challenge' }),

    async authenticate(input, { client, pending }) {
      const { credential } = checkFields(Fields, postedFields(input))
      if (credential === undefined)
        return challenged(await passkeys.beginUse({ kind: 'sign_in' }, { of: null, verify: true }))
      return countSignIn(meter, async () => {
        const { account, userVerified } = await passkeys.use('sign_in', credential, pending.take, client)
        if (!userVerified) throw new Problem('user_verification_required').about(account.id)
        return { next: 'session', proof: passkeyProof(account, userVerified) }
      })
    },

    async reauthenticate(input, { client, pending, session: { userId, publicId: sessionId } }) {
      const { credential } = checkFields(Fields, postedFields(input))
      if (credential === undefined)
        return challenged(await passkeys.beginUse({ kind: 'confirm', userId, sessionId }, { of: userId, verify: true }))
      const { account, purpose, userVerified } = await passkeys.use('confirm', credential, pending.take, client)
      // What was begun in one session can only be completed in it.
      if (purpose.userId !== userId || purpose.sessionId !== sessionId) throw new Problem('login_expired')
      if (account.id !== userId) throw new Problem('passkey_of_another').about(account.id)
      if (!userVerified) throw new Problem('user_verification_required')
      return { next: 'session', proof: passkeyProof(account, userVerified) }
    },
  }
}

function challenged({ options, pending }: Awaited<ReturnType<Passkeys['beginUse']>>): SignInStep {
  return { next: 'challenge', challenge: options, pending }
}

function passkeyProof(account: Proof['account'], userVerified: boolean): Proof {
  return { account, amr: passkeyAmr(userVerified), basis: null, abandon: () => {} }
}
