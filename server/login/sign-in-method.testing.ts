import { CLIENT } from '../accounts/accounts.testing.ts'
import { randomId } from '../base/ids.ts'
import type { ProviderProfile, ProviderTokens, Purpose } from '../providers/types.ts'
import type { Vault } from '../providers/vault.ts'
import type { PendingSignIn, Proof, SignInContext, SignInInput, SignInStep } from './sign-in-method.ts'

export const posted = (fields: unknown): SignInInput => ({ kind: 'posted', fields })

/** What a browser stores between two steps. */
export function pendingJar() {
  const kept = new Map<string, string>()
  return {
    keep: ({ id, sealed }: PendingSignIn) => void kept.set(id, sealed),
    maxBytes: () => 1500,
    take(id: string) {
      const sealed = kept.get(id) ?? null
      kept.delete(id)
      return sealed
    },
  }
}

export const contextFrom = ({
  network = CLIENT.network,
  ...more
}: Partial<Omit<SignInContext, 'client'>> & { network?: string } = {}): SignInContext => ({
  client: { ...CLIENT, network },
  device: null,
  remember: false,
  returnTo: '/',
  pending: pendingJar(),
  ...more,
})

/** What a user returns from a provider with. */
export const returned = (purpose: Purpose, person: Partial<ProviderProfile> = {}): SignInInput => ({
  kind: 'returned',
  finished: { person: { ...PERSON, ...person }, tokens: TOKENS, purpose, returnTo: '/' },
})

const PERSON: ProviderProfile = {
  provider: 'work',
  issuer: 'https://work.example',
  subject: 'ada',
  email: null,
  emailVerified: false,
  name: 'Ada',
  label: null,
  roles: null,
  authTime: null,
  amr: ['fed'],
  providerSid: null,
}

export const TOKENS: ProviderTokens = {
  accessToken: 'a',
  refreshToken: 'r',
  idToken: null,
  tokenType: 'Bearer',
  scope: null,
  accessEndsAt: null,
  dpopKey: null,
}

export function proofOf(step: SignInStep): Proof {
  if (step.next !== 'session') throw new Error(`a proof was expected, but next is a ${step.next}`)
  return step.proof
}

/** Stores no grants, and records what it revoked. */
export function fakeVault(): Pick<Vault, 'createGrant' | 'revoke'> & { revoked: string[] } {
  const revoked: string[] = []
  return {
    revoked,
    createGrant: async ({ person: { provider, issuer, subject, providerSid }, userId, sessionId, origin }) => ({
      id: randomId(),
      sessionId,
      userId,
      provider,
      issuer,
      subject,
      providerSid,
      origin,
      sealed: null,
      accessEndsAt: null,
      idTokenAlg: null,
      recheckAt: null,
      refreshingAt: null,
      refreshes: 0,
      createdAt: 1,
      endedAt: null,
    }),
    revoke: ({ subject }) => void revoked.push(subject),
  }
}
