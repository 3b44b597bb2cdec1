import * as v from 'valibot'
import { networkOf } from '../accounts/client-network.ts'
import { createAttemptLine } from '../accounts/attempt-line.ts'
import { ACCOUNT, countUnder, NETWORK } from '../accounts/credential-throttle.ts'
import { toEmailKey } from '../base/email-key.ts'
import { checkFields } from '../base/check-fields.ts'
import type { Clock, UnixMs } from '../base/clock.ts'
import { createLimiter } from '../base/limiter.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { LoginRequest } from '../contract/wire.ts'
import type { Keyring } from '../keys/types.ts'
import type { TokenApiClient } from '../providers/token-api-client.ts'
import type { ProviderProfile, ProviderTokens } from '../providers/types.ts'
import type { Vault } from '../providers/vault.ts'
import type { Client } from '../session/types.ts'
import { confirmKey, deviceKey, exactKey, knownNetworkKey, networkKey, recentKey } from '../store/throttle-keys.ts'
import type { IdentityStore, ThrottleStore } from '../store/types.ts'
import { countSignIn } from './count-sign-in.ts'
import { grantedProof } from './granted-proof.ts'
import { readDevice } from './known-device.ts'
import type { Proven } from './password-login.ts'
import type { ProviderLogin } from './provider-login.ts'
import { postedFields, type Proof, type SignInMethod } from './sign-in-method.ts'

const Fields = v.pick(LoginRequest, ['email', 'password'])
const PasswordOnly = v.pick(LoginRequest, ['password'])

/** Who the API says it is, and its tokens. */
interface Granted {
  person: ProviderProfile
  tokens: ProviderTokens
}

interface Deps {
  minLength: number
  api: Pick<TokenApiClient, 'name' | 'links' | 'signIn'>
  providerLogin: Pick<ProviderLogin, 'authenticate' | 'confirm'>
  identities: Pick<IdentityStore, 'list'>
  throttles: Pick<ThrottleStore, 'reserveAll' | 'recordOutcome'>
  vault: Pick<Vault, 'createGrant' | 'revoke'>
  keyring: Keyring
  clock: Clock
  meter: Meter
}

/**
 * `account`: the exact name, so that signing in with another spelling does not reset it. `folded`: the case-folded
 * name, for an API that treats all spellings as one.
 */
interface Keys {
  account: string
  folded: string | null
  network: string
}

/** Problems that mean wrong credentials: only these count as failures. */
const JUDGED_WRONG = new Set(['invalid_credentials', 'account_disabled'])

/**
 * Limits the API's concurrent sign-ins. Networks take turns, and each gets at most half of the calls and of the queue,
 * so that guessing does not delay others.
 */
const LIMITS = { atOnce: 16, waiting: 250, each: { atOnce: 8, waiting: 125 } }

/**
 * Signs in with a user name and password checked by an external API. The API manages passwords and accounts; here there
 * is a session, and an account for the API's subject.
 */
export function createTokenApiMethod({
  minLength,
  api,
  providerLogin,
  identities,
  throttles,
  vault,
  keyring,
  clock,
  meter,
}: Deps): SignInMethod {
  const now = () => clock.now().wall
  const limiter = createLimiter(LIMITS)
  const line = createAttemptLine()

  /**
   * Counts the attempt before the call, so that concurrent ones are all counted. The API may have limits of its own.
   */
  async function judge(
    { account, folded, network }: Keys,
    { username, password, client }: { username: string; password: string; client: Client },
  ) {
    const accounts = folded === null ? [account] : [account, folded]
    const keys = [...accounts, network]
    const { counted, judged } = await line.admit(keys, () =>
      countUnder(
        throttles,
        keys.map(key => [key, key === network ? NETWORK : ACCOUNT] as const),
        now(),
      ),
    )
    try {
      const found = await limiter.run(networkOf(client.network), () => api.signIn(username, password))
      await throttles.recordOutcome({ forget: [account], refund: counted.filter(({ key }) => key !== account) })
      return found
    } catch (error) {
      const counts = error instanceof Problem && JUDGED_WRONG.has(error.code)
      if (!counts) await throttles.recordOutcome({ forget: [], refund: counted })
      throw error
    } finally {
      judged()
    }
  }

  /** The name that the user types to sign in, stored as their identity's label. */
  async function usernameOf(userId: string): Promise<string> {
    const identity = (await identities.list(userId)).find(candidate => candidate.provider === TOKEN_API)
    if (identity === undefined) throw new Problem('provider_sign_in_required', { provider: TOKEN_API })
    return identity.label
  }

  /** A browser known to the user is not throttled by what strangers try with their name. */
  async function keysFor(username: string, sealed: string | null, { network }: Client): Promise<Keys> {
    const device = await readDevice(keyring, sealed, now())
    const exact = username.normalize('NFC')
    // Exact, because the API may distinguish names that differ in case.
    const isKnown =
      device !== null &&
      (await identities.list(device.userId)).some(
        identity => identity.provider === TOKEN_API && identity.label.normalize('NFC') === exact,
      )
    return isKnown
      ? { account: deviceKey(device.userId, device.id), folded: null, network: knownNetworkKey(device.userId) }
      : { account: exactKey(exact), folded: recentKey(toEmailKey(username)), network: networkKey(networkOf(network)) }
  }

  /** @param judge finds the account of the user that the API has identified */
  async function proven(found: Granted, judge: () => Promise<Proven>): Promise<Proof> {
    return grantedProof(
      vault,
      found,
      { authTime: found.person.authTime, endsAt: endOf(found.tokens), isTrusted: false },
      judge,
    )
  }

  return {
    id: TOKEN_API,
    describe: () => ({ kind: 'password', minLength, by: api.name, links: api.links }),

    async authenticate(input, { device, client }) {
      const { email: username, password } = checkFields(Fields, postedFields(input))
      const proof = await countSignIn(meter, async () => {
        const found = await judge(await keysFor(username, device, client), { username, password, client })
        return proven(found, () => providerLogin.authenticate(found.person, { invite: null, client }))
      })
      return { next: 'session', proof }
    },

    async reauthenticate(input, { client, session: { userId } }) {
      const { password } = checkFields(PasswordOnly, postedFields(input))
      const username = await usernameOf(userId)
      const found = await judge(
        { account: confirmKey(userId), folded: null, network: knownNetworkKey(userId) },
        { username, password, client },
      )
      const proof = await proven(found, () => providerLogin.confirm(found.person, { userId, client }))
      return { next: 'session', proof }
    },
  }
}

/** Without a refresh token, the session ends with the access token, since its calls would fail. */
function endOf({ refreshToken, accessEndsAt }: ProviderTokens): UnixMs | null {
  return refreshToken === null ? accessEndsAt : null
}
