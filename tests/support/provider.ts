import { randomBytes } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { type ClientOptions, type RegisteredClient, registration } from './provider-client.ts'
import { configure, newKeys, type ProviderOptions } from './provider-configuration.ts'
import { addTokenExchange } from './provider-exchange.ts'
import { answerInteraction, type ProviderPerson } from './provider-pages.ts'
import { providerStore } from './provider-store.ts'

/** Takes a request over before the provider sees it, and says whether it did: to be slow, to fail, to break off. */
export type Meddler = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>

export interface TestProvider {
  issuer: string
  /** Every request that arrived: `POST /token`. */
  requests: string[]
  /** Grant types that the token endpoint was asked for, in order: those it gave, and those it refused. */
  granted: string[]
  refused: string[]
  /** Answers to its logout tokens. */
  logouts: { to: string; status: number }[]
  meddle: Meddler | null
  /** How long access tokens live that it gives from now on. */
  accessSeconds: number
  addClient(options: ClientOptions): Promise<RegisteredClient>
  /** From now on it signs with a new key, and publishes no other. */
  rotateKeys(): Promise<void>
  /** Ends every session of a person here, and tells all sites by back-channel logout. */
  signOut(login: string): Promise<void>
  /** Takes everything back that a person granted, and tells nobody. */
  revoke(login: string): void
  /** Whether an access token is still good here. */
  isAlive(accessToken: string): Promise<boolean>
  /** Stops listening, and breaks off what is under way. */
  goDown(): Promise<void>
  /** Listens again, at the same address. */
  comeBack(): Promise<void>
}

export const ALMA: ProviderPerson = {
  login: 'alma',
  password: 'alma at the provider',
  claims: { email: 'alma@provider.example', email_verified: true, name: 'Alma Quist', groups: ['staff'] },
}
export const BRUNO: ProviderPerson = {
  login: 'bruno',
  password: 'bruno at the provider',
  claims: { email: 'bruno@provider.example', email_verified: true, name: 'Bruno Vale', groups: ['staff', 'admins'] },
}

/** A real OpenID provider (npm oidc-provider) on a loopback port. Stop it with `goDown`. */
export async function startProvider(options: ProviderOptions = {}): Promise<TestProvider> {
  const { people = [ALMA, BRUNO] } = options
  const store = providerStore()
  const secrets = { cookies: randomBytes(24).toString('hex'), nonce: randomBytes(32) }
  const server = http.createServer(
    (request, response) => void answer(request, response).catch(error => fail(error, response)),
  )
  await listen(options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const facts: Pick<TestProvider, 'requests' | 'granted' | 'refused' | 'logouts' | 'meddle' | 'accessSeconds'> = {
    requests: [],
    granted: [],
    refused: [],
    logouts: [],
    meddle: null,
    accessSeconds: options.accessSeconds ?? 60,
  }
  let provider = await build()

  async function build(): Promise<Provider> {
    const configuration = configure(options, {
      keys: await newKeys(),
      store,
      people,
      secrets,
      port,
      accessSeconds: () => facts.accessSeconds,
      fetch: tellSites,
    })
    const built = new Provider(issuer, configuration)
    addTokenExchange(built, options.audiences ?? [], facts.accessSeconds)
    built.on('grant.success', ctx => facts.granted.push(String(ctx.oidc.params?.grant_type)))
    built.on('grant.error', ctx => facts.refused.push(String(ctx.oidc.params?.grant_type)))
    return built
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? ''
    facts.requests.push(`${request.method} ${path}`)
    if (facts.meddle && (await facts.meddle(request, response))) return
    if (path.startsWith('/interaction/')) return answerInteraction(provider, people, request, response)
    await provider.callback()(request, response)
  }

  /** oidc-provider talks to no loopback address by itself: here, sites are there. */
  async function tellSites(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const { dispatcher: _dispatcher, ...rest } = (init ?? {}) as RequestInit & { dispatcher?: unknown }
    const answered = await fetch(input, rest)
    facts.logouts.push({ to: new URL(input instanceof Request ? input.url : input).pathname, status: answered.status })
    return answered
  }

  function listen(at: number): Promise<void> {
    return new Promise((done, failed) => server.once('error', failed).listen(at, '127.0.0.1', done))
  }

  return Object.assign(facts, {
    issuer,
    addClient: async (client: ClientOptions) => {
      const { metadata, registered } = await registration(client)
      await store.adapter('Client').upsert(registered.clientId, metadata)
      return registered
    },
    rotateKeys: async () => {
      provider = await build()
    },
    signOut: async (login: string) => {
      for (const { uid, authorizations } of store.all('Session').filter(each => each.accountId === login)) {
        const told = Object.entries(authorizations ?? {}).map(async ([clientId, { sid }]) => {
          const client = (await provider.Client.find(clientId)) as
            { backchannelLogout(sub: string, sid?: string): Promise<void> } | undefined
          await client?.backchannelLogout(login, sid)
        })
        await Promise.all(told)
        store.forget('Session', payload => payload.uid === uid)
      }
    },
    revoke: (login: string) => {
      for (const model of ['Grant', 'AccessToken', 'RefreshToken'])
        store.forget(model, payload => payload.accountId === login)
    },
    isAlive: async (accessToken: string) => (await provider.AccessToken.find(accessToken)) !== undefined,
    goDown: () =>
      new Promise<void>(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
    comeBack: () => listen(port),
  })
}

function fail(error: unknown, response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
  response.end(String(error))
}
