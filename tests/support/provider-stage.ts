import type { Visitor } from './client.ts'
import { setUp } from './people.ts'
import type { ClientOptions } from './provider-client.ts'
import type { ProviderOptions } from './provider-configuration.ts'
import { startProvider, type TestProvider } from './provider.ts'
import { providerSetting, signInWith, type WayIn } from './provider-visit.ts'
import { freePort, type Server, type Settings, startServer } from './server.ts'

/** One provider of a stage: how it is, how it knows the site, and what the site says of it. */
export interface StagedProvider {
  options?: ProviderOptions
  client?: Partial<ClientOptions>
  setting?: Record<string, unknown>
}

export interface ProviderStage {
  server: Server
  /** What the server was started with, to start it again. */
  settings: Settings
  origin: string
  admin: Visitor
  /** By the id that the site gives them. */
  at(id: string): TestProvider
  /**
   * A whole sign-in at one of them.
   * @returns our answer to the callback
   */
  signIn(browser: Visitor, as: string, person: WayIn['person'], more?: Partial<WayIn>): ReturnType<typeof signInWith>
  stop(): Promise<void>
}

/** Our server with real providers, each with its own address and its own idea of us. */
export async function providerStage(
  staged: Record<string, StagedProvider>,
  settings: Settings = {},
  environment: Record<string, string> = {},
): Promise<ProviderStage> {
  const port = await freePort()
  const site = `http://localhost:${port}`
  const providers = new Map<string, TestProvider>()
  const written: Record<string, unknown>[] = []
  for (const [id, { options, client, setting }] of Object.entries(staged)) {
    const provider = await startProvider(options)
    const registered = await provider.addClient({ site, as: id, ...client })
    providers.set(id, provider)
    written.push(providerSetting(id, provider.issuer, registered, { name: `Provider ${id}`, ...setting }))
  }
  const at = (id: string): TestProvider =>
    providers.get(id) ??
    (() => {
      throw new Error(`no provider ${id}`)
    })()
  const all = { REGISTRATION: 'open', PROVIDERS: JSON.stringify(written), ...settings }
  const server = await startServer({ port, settings: all, environment })
  return {
    server,
    settings: all,
    origin: server.origin,
    admin: (await setUp(server.origin)).browser,
    at,
    signIn: (browser, as, person, more = {}) => signInWith(browser, { as, issuer: at(as).issuer, person, ...more }),
    stop: async () => void (await Promise.all([...providers.values()].map(provider => provider.goDown()))),
  }
}
