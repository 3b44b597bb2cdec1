import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Config } from '../../config/types.ts'
import type { Upstream } from '../../config/upstream-config.ts'
import type { Keyring } from '../../keys/types.ts'
import type { PasswordLogin } from '../../login/password-login.ts'
import type { ProviderLogin } from '../../login/provider-login.ts'
import type { SecondFactor } from '../../login/second-factor.ts'
import type { SignInMethods } from '../../login/sign-in-methods.ts'
import type { People } from '../../accounts/build-accounts.ts'
import type { ProviderLogouts } from '../../providers/logout.ts'
import type { Providers } from '../../providers/types.ts'
import type { Vault } from '../../providers/vault.ts'
import type { Proof } from '../../demo/proof/proof.ts'
import type { Streams } from '../../relay/streams.ts'
import type { Sessions } from '../../session/types.ts'
import type { ReturnPaths } from '../request/return-paths.ts'
import type { WriteRate } from '../steps/limit-writes.ts'

/** The dependencies of the routes below /auth. */
export interface AuthDeps {
  config: Pick<
    Config,
    'secureCookies' | 'rememberSecondFactorMs' | 'registration' | 'mail' | 'passwordMinLength' | 'site' | 'testSignIn'
  >
  clock: Clock
  log: Log
  /** Limits the writes of one account. */
  writeRate: WriteRate
  keyring: Keyring
  sessions: Pick<Sessions, 'open' | 'end' | 'endAll' | 'page'>
  people: Pick<
    People,
    'accounts' | 'addresses' | 'passwordMeter' | 'registration' | 'resets' | 'factors' | 'log' | 'passkeys'
  >
  methods: SignInMethods
  secondFactor: SecondFactor
  /** Checks the current password when it is changed. */
  passwordLogin: Pick<PasswordLogin, 'confirm'>
  providers: Pick<Providers, 'begin' | 'finish' | 'returnTo'>
  providerLogin: Pick<ProviderLogin, 'link' | 'links' | 'unlink'>
  vault: Pick<Vault, 'createGrant' | 'linked' | 'revoke' | 'ended'>
  logouts: Pick<ProviderLogouts, 'after' | 'redirect' | 'returned'>
  /** null: no sample runs here, so there are no demonstrations. */
  proof: Proof | null
  upstreams: readonly Upstream[]
  returnPaths: Pick<ReturnPaths, 'safe' | 'requiresRecent'>
  streams: Pick<Streams, 'of' | 'endStreamsOf'>
  reachable: (upstream: Upstream) => Promise<boolean>
}
