import type { CallObserver } from '../base/call-observer.ts'
import { SECOND, systemTimers } from '../base/clock.ts'
import type { Services } from './services.ts'
import { TOKEN_API } from '../contract/token-api-id.ts'
import { takesProviderToken } from '../config/upstream-settings.ts'
import type { Config } from '../config/types.ts'
import { createRoleChanges } from '../login/role-changes.ts'
import { createLogouts, type ProviderLogouts } from '../providers/logout.ts'
import { createProviders } from '../providers/registry.ts'
import type { Needs } from '../providers/sealed-tokens.ts'
import { createTokenClient } from '../providers/token-client.ts'
import type { TokenClient } from '../providers/token-client-types.ts'
import type { Providers } from '../providers/types.ts'
import { createTokenApiClient, type TokenApiClient } from '../providers/token-api-client.ts'
import { createVault, type Vault } from '../providers/vault.ts'

export interface RunningProviders {
  providers: Providers
  vault: Vault
  logouts: ProviderLogouts
  /** null: passwords are checked here. */
  tokenApi: TokenApiClient | null
  /** Calls back when a session lost or replaced what a provider granted to it. */
  onGrantChanged(listener: (sessionId: string) => void): void
  close(): Promise<void>
}

/** Moves accounts to providers with a new address, before anyone can sign in and get another account. */
export async function followFormerIssuers({
  config,
  store,
  log,
}: Pick<Services, 'config' | 'store' | 'log'>): Promise<void> {
  for (const { id, issuer, formerIssuers } of config.providers) {
    for (const former of formerIssuers) {
      const { moved, kept } = await store.identities.moveIssuer(former, issuer)
      const fields = { provider: id, from: former, to: issuer }
      if (moved > 0)
        log.info({ event: 'identities_moved', ...fields, moved }, 'accounts follow a provider to its new issuer')
      if (kept > 0)
        log.warn(
          { event: 'identities_not_moved', ...fields, kept },
          'some people already have another account at the new issuer; their old accounts were not moved',
        )
    }
  }
}

/** Builds what communicates with providers, and connects it to the ends of sessions. */
export function startProviders(services: Services, observer: CallObserver | null): RunningProviders {
  const { config, clock, log, meter, keys, store, sessions } = services
  const { keyring } = keys
  const providers = createProviders({
    providers: config.providers,
    publicUrl: config.publicUrl,
    clock,
    timers: systemTimers,
    log,
    keyring,
    singleUses: store.singleUses,
    observer,
  })
  const tokenClients = new Map<string, TokenClient>(
    config.providers.map(({ id }) => [id, createTokenClient({ clock, log, client: () => providers.client(id) })]),
  )
  const tokenApi = config.tokenApi === null ? null : createTokenApiClient(config.tokenApi, { clock, log, observer })
  if (tokenApi !== null) tokenClients.set(TOKEN_API, tokenApi)
  const grantListeners: ((sessionId: string) => void)[] = []
  const vault = createVault({
    clock,
    timers: systemTimers,
    log,
    meter,
    keyring,
    grants: store.providerGrants,
    tokenClientOf: id => tokenClients.get(id) ?? null,
    needsOf: id => needsOf(config, id),
    changeRoles: createRoleChanges({ identities: store.identities, accounts: services.people.accounts, clock, log }),
    endSession: (sessionId, reason) => sessions.end(sessionId, { reason, userId: null, byUserId: null }),
    grantChanged: sessionId => {
      for (const listener of grantListeners) listener(sessionId)
    },
  })
  meter.gauge('provider_backoff_seconds', () =>
    [...tokenClients.keys()].map(provider => ({ labels: { provider }, value: vault.backoffMs(provider) / SECOND })),
  )
  const stopListening = sessions.onEnded(ended => vault.ended(ended.publicId))
  const logouts = createLogouts({
    clock,
    log,
    meter,
    publicUrl: config.publicUrl,
    keyring,
    grants: store.providerGrants,
    providers: config.providers,
    client: id => providers.client(id),
    endAtProvider: store.providerGrants.endAtProvider,
    announce: sessions.announce,
    grantEnded: vault.ended,
  })
  return {
    providers,
    vault,
    logouts,
    tokenApi,
    onGrantChanged: listener => void grantListeners.push(listener),
    async close() {
      // Closed first: a refresh in progress brings the only valid token, and needs the store and the providers.
      await vault.close()
      stopListening()
      await providers.close()
      await tokenApi?.close()
    },
  }
}

/** Which tokens of a provider are stored follows from how the configuration uses them. */
function needsOf(
  { upstreams, providers, recheckMs }: Pick<Config, 'upstreams' | 'providers' | 'recheckMs'>,
  id: string,
): Needs {
  const provider = providers.find(one => one.id === id)
  const everyMs = provider?.recheckMs ?? recheckMs
  return {
    access: upstreams.some(upstream => takesProviderToken(upstream) && upstream.provider === id),
    idToken: provider !== undefined && provider.kind === 'oidc' && provider.logout !== 'never',
    recheckMs: everyMs === 0 ? null : everyMs,
  }
}
