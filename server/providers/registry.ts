import type { CallObserver } from '../base/call-observer.ts'
import type { Clock, Timers } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { createTurns, type Turns } from './turns.ts'
import { Problem } from '../base/problem.ts'
import type { Provider } from '../config/provider-config.ts'
import type { Keyring } from '../keys/types.ts'
import type { SingleUseStore } from '../store/types.ts'
import { createDiscovery, type Discovery } from './discovery.ts'
import { type Flow, pushes } from './flow.ts'
import { createOauth2 } from './oauth2.ts'
import { createOidc } from './oidc.ts'
import { createTransactions } from './transactions.ts'
import type { Providers } from './types.ts'

export interface ProvidersDeps {
  providers: readonly Provider[]
  publicUrl: string
  clock: Clock
  timers: Timers
  log: Log
  keyring: Keyring
  singleUses: SingleUseStore
  /** Watches the calls to providers; null: nothing does. */
  observer: CallObserver | null
}

interface Known {
  provider: Provider
  discovery: Discovery
  flow: Flow
  turns: Turns
}

/** Creates the providers. Without configured ones, nothing is loaded or called. */
export function createProviders(deps: ProvidersDeps): Providers {
  const { log } = deps
  const transactions = createTransactions(deps)
  const flows = { oidc: createOidc(deps), oauth2: createOauth2(deps) }
  const known = new Map<string, Known>(
    deps.providers.map(provider => [
      provider.id,
      {
        provider,
        discovery: createDiscovery(provider, deps),
        flow: flows[provider.kind],
        turns: createTurns(deps.clock),
      },
    ]),
  )

  function mustFind(id: string): Known {
    const found = known.get(id)
    if (found === undefined) throw new Problem('not_found')
    return found
  }

  /** Logs which check failed, since the user only learns whose fault it is. */
  async function logged<T>(id: string, what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Problem && error.cause !== undefined)
        log.warn(
          {
            event: 'provider_sign_in_failed',
            provider: id,
            code: error.code,
            why: error.cause instanceof Error ? error.cause.message : 'unknown',
          },
          what,
        )
      throw error
    }
  }

  return {
    all: () =>
      [...known.values()].map(({ provider: { id, name, icon, kind }, discovery }) => ({
        id,
        name,
        icon,
        kind,
        available: discovery.available,
      })),

    async begin(id, { purpose, returnTo, maxBytes, network }) {
      const { discovery, flow, turns } = mustFind(id)
      const client = await discovery.client()
      const { sealed, transaction } = await transactions.begin(id, purpose, returnTo, maxBytes)
      const begin = () => flow.begin(client, transaction)
      const href = await logged(id, 'failed to start a provider sign-in', () =>
        pushes(client) ? turns.begin(network, begin) : begin(),
      )
      return { href, id: transaction.id, sealed }
    },

    async finish(id, { search, sealed, network }) {
      const { discovery, flow, turns } = mustFind(id)
      const transaction = await transactions.open(id, search, sealed)
      const { person, tokens } = await turns.finish(network, async () => {
        const client = await discovery.client()
        await transactions.use(transaction)
        return logged(id, 'failed to finish a provider sign-in', () => flow.finish(client, transaction, search))
      })
      return { person, tokens, purpose: transaction.purpose, returnTo: transaction.returnTo }
    },

    returnTo: (search, sealed) => transactions.returnTo(search, sealed),
    client: async id => mustFind(id).discovery.client(),
    async close() {
      await Promise.all([...known.values()].map(({ discovery }) => discovery.close()))
    },
  }
}
