import { createLog } from '../../server/base/log.ts'
import { systemClock, systemTimers, type Clock } from '../../server/base/clock.ts'
import { randomId } from '../../server/base/ids.ts'
import { noMeter } from '../../server/base/meter.ts'
import { Problem } from '../../server/base/problem.ts'
import type { Services } from '../../server/bootstrap/services.ts'
import { PASSWORD } from './installation.ts'
import type { EndReason } from '../../server/contract/end-reasons.ts'
import type { Role } from '../../server/contract/wire.ts'
import { createRoleChanges } from '../../server/login/role-changes.ts'
import { OPERATOR, originOf } from '../../server/accounts/actor.ts'
import { RefreshFailure, type TokenClient } from '../../server/providers/token-client-types.ts'
import type { ProviderTokens } from '../../server/providers/types.ts'
import type { Needs } from '../../server/providers/sealed-tokens.ts'
import { createVault, type Vault } from '../../server/providers/vault.ts'

export const MAIN = 'main'

/** Tokens as a provider gives them. `life` in ms, from now. */
export function someTokens(name: string, life: number | null, now: number): ProviderTokens {
  return {
    accessToken: `access-${name}`,
    refreshToken: `refresh-${name}`,
    idToken: null,
    tokenType: 'Bearer',
    scope: null,
    accessEndsAt: life === null ? null : now + life,
    dpopKey: null,
  }
}

/** A provider that answers when and what the test says. It rotates: each refresh token is good once. */
export function someProvider(life = 600_000) {
  const asked: string[] = []
  const revoked: string[] = []
  const waiting: ((outcome: FailureOutcome | null) => void)[] = []
  let made = 0
  const state = {
    asked,
    revoked,
    /** Answers wait for `answer()`. */
    holds: false,
    fails: null as FailureOutcome | null,
    rotates: true,
    exchanged: [] as string[],
    /** What it says of anybody's roles at a refresh. */
    roles: null as Role[] | null,
    /** Resolves when so many refreshes have been asked for. */
    async asks(count: number) {
      while (asked.length < count) await new Promise(resolve => setImmediate(resolve))
    },
    answer(outcome: FailureOutcome | null = null) {
      waiting.shift()?.(outcome)
    },
    now: () => systemClock.now().wall,
  }
  const tokenClient: TokenClient = {
    standing: async () => ({ idToken: null, roles: state.roles }),
    async refresh(tokens) {
      asked.push(tokens.refreshToken ?? '')
      const outcome = state.holds
        ? await new Promise<FailureOutcome | null>(resolve => waiting.push(resolve))
        : state.fails
      if (outcome !== null) throw failure(outcome)
      const fresh = someTokens(`r${++made}`, life, state.now())
      return { tokens: state.rotates ? fresh : { ...fresh, refreshToken: tokens.refreshToken }, idToken: null }
    },
    async revoke(tokens) {
      if (state.fails !== null) throw failure(state.fails)
      revoked.push(tokens.refreshToken ?? tokens.accessToken)
    },
    async exchange(tokens, { audience }) {
      state.exchanged.push(`${tokens.accessToken} → ${audience}`)
      if (state.fails !== null) throw failure(state.fails)
      return { accessToken: `${audience}-for-${tokens.accessToken}`, tokenType: 'Bearer', endsAt: state.now() + life }
    },
  }
  return Object.assign(state, { tokenClient })
}

export type SomeProvider = ReturnType<typeof someProvider>
export type FailureOutcome = 'over' | 'refused' | 'unreachable' | 'cut' | 'odd'

function failure(outcome: FailureOutcome): RefreshFailure {
  switch (outcome) {
    case 'over':
      return new RefreshFailure('over', new Problem('provider_refused'))
    case 'refused':
      return new RefreshFailure('refused', new Problem('provider_refused'))
    case 'unreachable':
      return new RefreshFailure('unchanged', new Problem('provider_unavailable'))
    case 'cut':
      return new RefreshFailure('unknown', new Problem('provider_unavailable'))
    case 'odd':
      return new RefreshFailure('unknown', new Problem('provider_answer_invalid'))
    default:
      return outcome satisfies never
  }
}

/** A clock that goes on with real time and can be set ahead. */
export function movableClock(): Clock & { ahead(ms: number): void } {
  let offset = 0
  return {
    now: () => ({ wall: systemClock.now().wall + offset, steady: systemClock.now().steady + offset }),
    ahead(ms) {
      offset += ms
    },
  }
}

/** The real vault over the rooms of an installation. */
export function vaultOf(
  services: Services,
  provider: SomeProvider,
  needs: Needs = { access: true, idToken: true, recheckMs: null },
): Vault & { changed: string[]; stop(): Promise<void> } {
  provider.now = () => services.clock.now().wall
  const changed: string[] = []
  const vault = createVault({
    clock: services.clock,
    timers: systemTimers,
    log: createLog('silent'),
    meter: noMeter,
    keyring: services.keys.keyring,
    grants: services.store.providerGrants,
    tokenClientOf: id => (id === MAIN ? provider.tokenClient : null),
    needsOf: () => needs,
    changeRoles: createRoleChanges({
      identities: services.store.identities,
      accounts: services.people.accounts,
      clock: services.clock,
      log: createLog('silent'),
    }),
    endSession: (sessionId: string, reason: EndReason) =>
      services.sessions.end(sessionId, { reason, userId: null, byUserId: null }),
    grantChanged: sessionId => void changed.push(sessionId),
  })
  const stopListening = services.sessions.onEnded(ended => vault.ended(ended.publicId))
  return {
    ...vault,
    /** Sessions that were said to have lost, or changed, a grant. */
    changed,
    async stop() {
      stopListening()
      await vault.close()
    },
  }
}

/** Somebody who signed in at the provider, and what it granted. */
export async function signedInThere(
  services: Services,
  vault: Vault,
  {
    life = 600_000,
    email = 'ada@example.org',
    replaces = null as string | null,
    sid = null as string | null,
    name = 'first',
    idToken = null as string | null,
  } = {},
) {
  const account =
    (await services.people.accounts.findByEmail(email)) ??
    (await services.people.accounts.create({ email, name: 'Ada', roles: ['user'], password: PASSWORD }, OPERATOR))
  const person = {
    provider: MAIN,
    issuer: 'https://main.example',
    subject: `subject of ${email}`,
    providerSid: sid,
    roles: null,
  }
  await identify(services, account.id, person)
  const tokens = { ...someTokens(name, life, services.clock.now().wall), idToken }
  const providerGrant = await vault.createGrant(
    { person, userId: account.id, sessionId: '', origin: 'sign_in' },
    tokens,
  )
  const { session } = await services.sessions.open({
    userId: account.id,
    amr: ['fed'],
    remember: true,
    client: { userAgent: 'test', network: '127.0.0.1' },
    replaces: replaces === null ? null : { publicId: replaces, reauthenticates: false },
    newDevice: false,
    basis: { kind: 'provider', authTime: null, endsAt: null, grant: providerGrant },
  })
  return { session, grantId: providerGrant.id, person, tokens }
}

/**
 * Somebody who is signed in links an account there, as the route does.
 * @returns whether what it granted was kept
 */
export async function linkThere(
  services: Services,
  vault: Vault,
  session: { publicId: string; userId: string },
  { subject, sid = null }: { subject: string; sid?: string | null },
  tokens: ProviderTokens,
): Promise<boolean> {
  const person = { provider: MAIN, issuer: 'https://main.example', subject, providerSid: sid, roles: null }
  const grant = await vault.createGrant(
    { person, userId: session.userId, sessionId: session.publicId, origin: 'link' },
    tokens,
  )
  const at = services.clock.now().wall
  const { granted: kept } = await services.store.identities.link(
    identityOf(grant.id, session.userId, person, at),
    grant,
    originOf(OPERATOR, session.userId, at),
  )
  if (kept) vault.linked(session.publicId)
  return kept
}

/** Whoever signs in there is known here. */
async function identify(services: Services, userId: string, person: Subject): Promise<void> {
  const at = services.clock.now().wall
  if ((await services.store.identities.find(person.issuer, person.subject)) === null)
    await services.store.identities.link(
      identityOf(randomId(), userId, person, at),
      null,
      originOf(OPERATOR, userId, at),
    )
}

interface Subject {
  issuer: string
  subject: string
}

function identityOf(id: string, userId: string, { issuer, subject }: Subject, at: number) {
  return {
    id,
    userId,
    provider: MAIN,
    issuer,
    subject,
    email: null,
    emailVerified: false,
    label: subject,
    linkedIn: null,
    createdAt: at,
    lastUsedAt: at,
  }
}

/** Why a session is over; null: it lives. */
export async function endOf(services: Services, publicId: string): Promise<EndReason | null> {
  return (await services.store.sessions.findByPublicId(publicId))?.endReason ?? null
}
