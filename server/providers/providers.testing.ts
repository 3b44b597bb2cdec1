import { CLIENT, startHostileProvider } from '../../tests/support/hostile-provider.ts'
import { systemClock } from '../base/clock.ts'
import { captureLog } from '../base/log.testing.ts'
import type { LogEvent } from '../base/log-events.ts'
import type { ConfigProblem } from '../config/config-problems.ts'
import type { ProviderSetting } from '../config/provider-settings.ts'
import { toProviders } from '../config/resolve-providers.ts'
import { testPeople } from '../accounts/accounts.testing.ts'
import { createProviders } from './registry.ts'
import type { Finished, Purpose } from './types.ts'

/** This room on a real database, with a provider that tests can manipulate, and a simulated browser. */
export async function testProviders() {
  const [hostile, services, { log, lines, events }] = [await startHostileProvider(), testPeople(), captureLog()]
  // The clock is moved to the present, when the provider's tokens are issued.
  services.pass(systemClock.now().wall - services.wall())
  const opened: ReturnType<typeof createProviders>[] = []

  function open(more: Partial<ProviderSetting> = {}) {
    const problems: ConfigProblem[] = []
    const setting = { id: 'hostile', kind: 'oidc' as const, issuer: hostile.issuer, ...CLIENT, ...more }
    const all = toProviders([setting], problems, { env: {}, folder: '/', nameOf: (_, field) => field })
    if (problems.length > 0) throw new Error(JSON.stringify(problems))
    const { clock, keyring, store } = services
    const providers = createProviders({
      providers: all,
      publicUrl: 'https://porch.example',
      clock,
      timers: { every: () => () => {} },
      log,
      keyring,
      singleUses: store.singleUses,
      observer: null,
    })
    opened.push(providers)

    const begin = (purpose: Purpose = { kind: 'sign_in', remember: false, invite: null }) =>
      providers.begin('hostile', { purpose, returnTo: '/', maxBytes: 1000, network: '192.0.2.1' })
    const finish = async (href: string, sealed: string): Promise<Finished> => {
      const { headers } = await fetch(href, { redirect: 'manual' })
      return providers.finish('hostile', {
        search: new URL(headers.get('location') ?? '').search,
        sealed,
        network: '192.0.2.1',
      })
    }
    const signIn = async (purpose?: Purpose) => {
      const { href, sealed } = await begin(purpose)
      return finish(href, sealed)
    }
    /** @returns `signed_in`, or the problem's code */
    const outcome = (purpose?: Purpose) =>
      signIn(purpose).then(
        () => 'signed_in',
        (error: { code: string }) => error.code,
      )
    return { providers, provider: all[0], begin, finish, signIn, outcome }
  }

  return {
    hostile,
    lines,
    services,
    log,
    open,
    /** Log lines of an event. */
    events: (event: LogEvent) => events().filter(line => line['event'] === event),
    async close() {
      await Promise.all(opened.map(providers => providers.close()))
      await hostile.stop()
      await services.close()
    },
  }
}

export type TestProviders = Awaited<ReturnType<typeof testProviders>>
