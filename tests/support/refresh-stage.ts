import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Answer, Visitor } from './client.ts'
import { CLIENT, type HostileProvider, json, startHostileProvider } from './hostile-provider.ts'
import { signInAt } from './hostile-stage.ts'
import { setUp } from './people.ts'
import { providerSetting } from './provider-visit.ts'
import { startRecordingUpstream } from './recording-upstream.ts'
import { freePort, type Server, startServer, waitUntil } from './server.ts'

type TokenEndpoint = (request: IncomingMessage, response: ServerResponse) => void

/** Somebody who came by a provider that nobody else comes by, and whose token has just run out. */
export interface Guest {
  /** The provider's id at the site. */
  as: string
  hostile: HostileProvider
  browser: Visitor
  /** Calls the upstream that takes the provider's token. */
  call(): Promise<Answer>
  /** How many calls have reached it. */
  reached(): number
  /** From now on the provider answers so where tokens are refreshed. */
  atToken(answer: TokenEndpoint): void
  /** From now on it refreshes them as it should, with what `change` makes of its answer. */
  refreshes(change?: (answer: Record<string, unknown>) => void | Promise<void>): { count: number }
  /** The provider is left alone for a while after trouble. */
  untilItWorks(): Promise<void>
}

export interface RefreshStage {
  server: Server
  arrived(): Promise<Guest>
  /** What a browser was shown beside the calls of a guest. */
  saw(answer: Answer): void
  /** Starts the server again, once it has ended. */
  startAgain(): Promise<void>
  /** No token of a provider is in the log, in anything that a browser got, or readable in the data folder. */
  expectNoTokenAnywhere(): void
  stop(): Promise<void>
}

/** Our server with as many providers: each test bends one of its own, so that all are waited for together. */
export async function refreshStage(count: number): Promise<RefreshStage> {
  const [port, upstream] = await Promise.all([freePort(), startRecordingUpstream()])
  const providers = await Promise.all(
    Array.from({ length: count }, async (_, nth) => ({ as: `provider-${nth}`, hostile: await startHostileProvider() })),
  )
  const settings = {
    REGISTRATION: 'open',
    LOG_LEVEL: 'debug',
    PROVIDERS: JSON.stringify(
      providers.map(({ as, hostile }) =>
        providerSetting(as, hostile.issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }),
      ),
    ),
    UPSTREAMS: JSON.stringify(
      providers.flatMap(({ as }) => [
        { name: as, target: upstream.origin, token: 'provider', provider: as },
        { name: `${as}-exchanged`, target: upstream.origin, token: 'exchange', provider: as },
      ]),
    ),
  }
  const logs: string[] = []
  const answers: Answer[] = []
  const unused = [...providers]
  const stage: RefreshStage = {
    server: await startServer({ port, settings }),
    arrived,
    saw: answer => void answers.push(answer),
    startAgain,
    expectNoTokenAnywhere,
    stop,
  }
  await setUp(stage.server.origin)
  return stage

  async function arrived(): Promise<Guest> {
    const provider = unused.pop()
    if (provider === undefined) throw new Error('this stage needs one provider more')
    const { as, hostile } = provider
    // Without an address, which at several providers would be taken.
    hostile.person = { sub: 'visitor-1', name: 'Vera Visitor' }
    hostile.change = { tokens: tokens => (tokens['expires_in'] = 1) }
    const browser = new Visitor(stage.server.origin)
    const answer = await signInAt(browser, hostile, as)
    answers.push(answer)
    expect(answer.headers.location, stage.server.output).toBe('/account')
    hostile.change = {}
    const endsAt = Date.now() + 1000
    await waitUntil(() => Date.now() > endsAt, 'the token to end')

    const atToken = (endpoint: TokenEndpoint) => void (hostile.change = { instead: { '/token': endpoint } })
    const call = async () => {
      const answered = await browser.get(`/api/${as}/of-${as}`)
      answers.push(answered)
      return answered
    }
    return {
      as,
      hostile,
      browser,
      call,
      atToken,
      reached: () => upstream.requests.filter(({ path }) => path === `/of-${as}`).length,
      refreshes: (change = () => {}) => {
        const asked = { count: 0 }
        atToken((_request, response) => {
          asked.count++
          const fresh: Record<string, unknown> = {
            access_token: `fresh-${as}-${asked.count}`,
            token_type: 'Bearer',
            expires_in: 300,
            refresh_token: `next-${as}-${asked.count}`,
          }
          void Promise.resolve(change(fresh)).then(() => json(response, 200, fresh))
        })
        return asked
      },
      untilItWorks: () =>
        waitUntil(
          async () => (await call()).status === 200,
          'the provider to be asked again',
          () => stage.server.output,
          60_000,
        ),
    }
  }

  async function startAgain(): Promise<void> {
    logs.push(stage.server.output)
    stage.server = await startServer({ port, dataDir: stage.server.dataDir, settings })
  }

  function expectNoTokenAnywhere(): void {
    const secrets = [...providers.flatMap(({ hostile }) => hostile.secrets), 'fresh-', 'next-']
    const files = filesIn(stage.server.dataDir).map(path => readFileSync(path, 'latin1'))
    const seen = {
      log: logs.join('\n') + stage.server.output,
      answers: answers.map(answer => `${JSON.stringify(answer.headers)}\n${answer.text}`).join('\n'),
      data: files.join('\n'),
    }
    // A client's secret, a code and three tokens of each provider that somebody came by.
    expect(secrets.length).toBeGreaterThan(4 * (count - unused.length))
    expect(files.length).toBeGreaterThan(1)
    for (const [where, text] of Object.entries(seen))
      expect([where, secrets.filter(secret => text.includes(secret))]).toEqual([where, []])
  }

  async function stop(): Promise<void> {
    await Promise.all([upstream.stop(), ...providers.map(({ hostile }) => hostile.stop())])
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .map(name => join(folder, name))
    .flatMap(path => (statSync(path).isDirectory() ? filesIn(path) : statSync(path).isFile() ? [path] : []))
}
