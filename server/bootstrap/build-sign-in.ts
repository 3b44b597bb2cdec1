import { createPasskeyMethod } from '../login/passkey-method.ts'
import { createPasswordLogin, type PasswordLogin } from '../login/password-login.ts'
import { createPasswordMethod } from '../login/password-method.ts'
import { createProviderLogin, type ProviderLogin } from '../login/provider-login.ts'
import { createProviderMethod } from '../login/provider-method.ts'
import { createSecondFactor, type SecondFactor } from '../login/second-factor.ts'
import { createSignInMethods, type SignInMethods } from '../login/sign-in-methods.ts'
import { createTokenApiMethod } from '../login/token-api-method.ts'
import type { TokenApiClient } from '../providers/token-api-client.ts'
import type { Providers } from '../providers/types.ts'
import type { Vault } from '../providers/vault.ts'
import type { Services } from './services.ts'

export interface SignIn {
  methods: SignInMethods
  passwordLogin: PasswordLogin
  providerLogin: ProviderLogin
  secondFactor: SecondFactor
}

/** What signs users in besides this site. */
interface Elsewhere {
  providers: Pick<Providers, 'all' | 'begin'>
  vault: Pick<Vault, 'createGrant' | 'revoke'>
  /** null: passwords are local. */
  tokenApi: Pick<TokenApiClient, 'name' | 'links' | 'signIn'> | null
}

/** Builds the sign-in methods. The list here is the only place that knows which ones there are. */
export function buildSignIn(
  services: Pick<Services, 'config' | 'clock' | 'log' | 'meter' | 'keys' | 'people' | 'store' | 'sessions'>,
  { providers, vault, tokenApi }: Elsewhere,
): SignIn {
  const { config, people, store } = services
  const { keyring } = services.keys
  const { accounts, passwords } = people
  const { throttles, identities } = store
  const passwordLogin = createPasswordLogin({ ...services, accounts, passwords, throttles, keyring })
  const providerLogin = createProviderLogin({ ...services, accounts, identities })
  const shared = { ...services, keyring, accounts, identities, throttles, providers, vault, providerLogin }
  const minLength = config.passwordMinLength

  const methods = createSignInMethods([
    tokenApi === null
      ? createPasswordMethod({ passwordLogin, minLength })
      : createTokenApiMethod({ ...shared, api: tokenApi, minLength }),
    ...(people.passkeys === null ? [] : [createPasskeyMethod({ ...services, passkeys: people.passkeys })]),
    ...config.providers.map(provider => createProviderMethod({ ...shared, provider })),
  ])
  const secondFactor = createSecondFactor({
    ...services,
    keyring,
    accounts,
    factors: people.factors,
    singleUses: store.singleUses,
    grants: store.providerGrants,
  })
  return { methods, passwordLogin, providerLogin, secondFactor }
}
