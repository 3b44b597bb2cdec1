import * as v from 'valibot'
import type { Accounts } from '../accounts/account-service.ts'
import { checkFields } from '../base/check-fields.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { Provider } from '../config/provider-config.ts'
import { ProviderLoginRequest } from '../contract/wire.ts'
import type { Providers, Purpose } from '../providers/types.ts'
import type { Vault } from '../providers/vault.ts'
import { countSignIn } from './count-sign-in.ts'
import { grantedProof } from './granted-proof.ts'
import type { ProviderLogin } from './provider-login.ts'
import type { SignInContext, SignInMethod, SignInStep } from './sign-in-method.ts'

const NoFields = v.strictObject({})

interface Deps {
  provider: Pick<Provider, 'id' | 'name' | 'icon' | 'secondFactor'>
  providers: Pick<Providers, 'all' | 'begin'>
  providerLogin: Pick<ProviderLogin, 'authenticate' | 'confirm' | 'links'>
  vault: Pick<Vault, 'createGrant' | 'revoke'>
  accounts: Pick<Accounts, 'authority'>
  meter: Meter
}

/** Signs in with an account at a provider: a post starts the sign-in there, and the return completes it. */
export function createProviderMethod({
  provider: { id, name, icon, secondFactor },
  providers,
  providerLogin,
  vault,
  accounts,
  meter,
}: Deps): SignInMethod {
  const isTrusted = secondFactor === 'trust'

  async function begin(purpose: Purpose, { returnTo, pending, client: { network } }: SignInContext) {
    const { href, ...begun } = await providers.begin(id, { purpose, returnTo, maxBytes: pending.maxBytes(), network })
    return { next: 'redirect', href, pending: begun } satisfies SignInStep
  }

  return {
    id,
    describe: () => ({
      kind: 'provider',
      name,
      icon,
      available: providers.all().some(provider => provider.id === id && provider.available),
    }),

    async authenticate(input, context) {
      if (input.kind === 'posted') {
        const { invite = null } = checkFields(ProviderLoginRequest, input.fields)
        return begin({ kind: 'sign_in', remember: context.remember, invite }, context)
      }
      const { person, purpose } = input.finished
      const { client } = context
      const proof = await countSignIn(meter, () =>
        grantedProof(vault, input.finished, { authTime: person.authTime, endsAt: null, isTrusted }, async () => {
          if (purpose.kind !== 'sign_in') throw new Problem('login_expired')
          return providerLogin.authenticate(person, { invite: purpose.invite, client })
        }),
      )
      return { next: 'session', proof }
    },

    async reauthenticate(input, context) {
      const { client, session } = context
      const { userId, publicId: sessionId } = session
      if (input.kind === 'posted') {
        checkFields(NoFields, input.fields)
        // A provider that is not linked cannot confirm anyone's identity.
        if (!(await providerLogin.links(userId)).some(link => link.provider === id))
          throw new Problem('provider_sign_in_required', { provider: id })
        return begin({ kind: 'reauthenticate', userId, sessionId }, context)
      }
      const { person, purpose } = input.finished
      const times = {
        // Without auth_time, the provider has identified the user, but not proven that they are present now.
        authTime: person.authTime ?? session.authTime,
        // The token API's grant moves to the new session, and ends as early as before.
        endsAt: accounts.authority === 'local' ? null : session.absoluteEndsAt,
        isTrusted,
      }
      const proof = await grantedProof(vault, input.finished, times, async () => {
        // What was begun in one session can only be completed in it (OA-20).
        if (purpose.kind !== 'reauthenticate' || purpose.userId !== userId || purpose.sessionId !== sessionId)
          throw new Problem('login_expired')
        return providerLogin.confirm(person, { userId, client })
      })
      return { next: 'session', proof }
    },
  }
}
