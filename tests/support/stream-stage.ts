import { once } from 'node:events'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import WebSocket, { WebSocketServer } from 'ws'
import { startApp } from './app.ts'
import { noMeter } from '../../server/base/meter.ts'
import { createLog } from '../../server/base/log.ts'
import { systemClock } from '../../server/base/clock.ts'
import type { SignInMethod } from '../../server/login/sign-in-method.ts'
import { createSignInMethods } from '../../server/login/sign-in-methods.ts'
import { buildServices, type Services } from '../../server/bootstrap/services.ts'
import { installation, PASSWORD } from './installation.ts'
import { loadConfig } from '../../server/config/load-config.ts'
import { Problem } from '../../server/base/problem.ts'
import { createReturnPaths } from '../../server/http/request/return-paths.ts'
import { authRoutes } from '../../server/http/routes/auth-routes.ts'
import { buildSignIn } from '../../server/bootstrap/build-sign-in.ts'
import { startRelay } from '../../server/bootstrap/start-relay.ts'
import { OPERATOR } from '../../server/accounts/actor.ts'
import { listen } from '../../server/relay/relay.testing.ts'

// Real rooms, a real database, the real routes and the relay, in front of one upstream: all but the site and the
// providers.

const HOST = 'porch.example'
const ORIGIN = `http://${HOST}`
const none = () => Promise.reject(new Problem('not_found'))
const noProviders = {
  providers: { all: () => [], begin: none, finish: none, returnTo: async () => null },
  vault: {
    createGrant: none,
    linked: () => {},
    revoke: () => {},
    ended: () => {},
    exchange: none,
    tokenFor: async () => ({ accessToken: 'granted', tokenType: 'Bearer', dpopKey: null }),
  },
  logouts: { after: async () => null, redirect: async () => null, returned: async () => false },
}

/** What the upstream has open, and what it does with a client. */
export interface Behind {
  streams: number
  sockets: Set<WebSocket>
}

/**
 * @param more settings beside those that every such test needs
 * @param others sign-in methods beside those that the settings name
 */
export async function streamStage(
  upstream: object = {},
  more: Record<string, string> = {},
  others: (services: Services) => SignInMethod[] = () => [],
) {
  const home = installation()
  const behind: Behind = { streams: 0, sockets: new Set() }
  const sockets = new WebSocketServer({ noServer: true })
  const api = await listen((incoming, outgoing) => answer(behind, incoming, outgoing))
  api.server.on('upgrade', (incoming, socket, head) =>
    sockets.handleUpgrade(incoming, socket, head, client => {
      behind.sockets.add(client)
      client.on('close', () => behind.sockets.delete(client))
      client.on('message', (data, binary) => client.send(data, { binary }))
    }),
  )
  const { config } = await loadConfig(
    {
      PORCHLIGHT_DATA_DIR: home.dataDir,
      PORCHLIGHT_PUBLIC_URL: ORIGIN,
      PORCHLIGHT_INSECURE_HTTP: 'true',
      ...more,
      PORCHLIGHT_UPSTREAMS: JSON.stringify([
        { name: 'notes', target: api.origin, websocket: true, title: 'Notes', ...upstream },
      ]),
    },
    home.dataDir,
  )
  const services = await buildServices({
    config,
    clock: systemClock,
    log: createLog('silent'),
    meter: noMeter,
    tracing: null,
    what: 'the test',
    waitMs: 2000,
  })
  const { people, sessions, clock } = services
  const { keyring } = services.keys
  const grants: ((sessionId: string) => void)[] = []
  const running = startRelay(services, config.upstreams, {
    vault: noProviders.vault as never,
    onGrantChanged: listener => void grants.push(listener),
    observer: null,
  })
  const signIn = buildSignIn(services, { ...noProviders, tokenApi: null })
  const app = await startApp({
    config,
    sessions,
    relay: running.relay,
    findUser: people.accounts.findActive,
    authRoutes: authRoutes({
      ...services,
      ...noProviders,
      writeRate: { spend: () => {} },
      keyring,
      ...signIn,
      methods: createSignInMethods([...signIn.methods.all(), ...others(services)]),
      proof: null,
      returnPaths: createReturnPaths(running.relay.match),
      upstreams: config.upstreams,
      streams: running.streams,
      reachable: async () => true,
    }),
  })

  function browser() {
    const jar = new Map<string, string>()
    const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = (more: Record<string, string> = {}) => ({
      host: HOST,
      origin: ORIGIN,
      'sec-fetch-site': 'same-origin',
      cookie: cookie(),
      ...more,
    })
    return {
      jar,
      headers,
      /** The same cookies in other hands. */
      copy() {
        const thief = browser()
        for (const [name, value] of jar) thief.jar.set(name, value)
        return thief
      },
      async call(method: string, path: string, body?: object) {
        const answered = await app.ask(path, {
          method,
          headers: headers(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        for (const line of [answered.headers['set-cookie'] ?? []].flat()) {
          const [pair = ''] = line.split(';')
          jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
        }
        return answered
      },
      /** @returns the status, and the socket once it is open */
      async socket(path = '/api/notes/live'): Promise<{ status: number; socket: WebSocket }> {
        const socket = new WebSocket(`ws://127.0.0.1:${app.port}${path}`, { headers: headers() })
        socket.on('error', () => {})
        const status = await new Promise<number>(resolve => {
          socket.once('open', () => resolve(101))
          socket.once('unexpected-response', (_request, response: IncomingMessage) => {
            response.resume()
            resolve(response.statusCode ?? 0)
          })
        })
        return { status, socket }
      },
      async stream(path = '/api/notes/feed', method = 'GET'): Promise<IncomingMessage> {
        const sent = request({
          port: app.port,
          path,
          method,
          agent: false,
          headers: headers({ accept: 'text/event-stream' }),
        })
        sent.on('error', () => {})
        sent.end()
        const [response] = (await once(sent, 'response')) as [IncomingMessage]
        return response.on('error', () => {})
      },
    }
  }

  return {
    services,
    behind,
    app,
    config,
    streams: running.streams,
    grantChanged: (sessionId: string) => {
      for (const listener of grants) listener(sessionId)
    },
    browser,
    /** Somebody with an account, signed in. */
    async somebody(email = 'ada@example.org', roles: ('admin' | 'user')[] = ['admin', 'user']) {
      const known = await people.accounts.findByEmail(email)
      const account =
        known ?? (await people.accounts.create({ email, name: 'Ada', roles, password: PASSWORD }, OPERATOR))
      const theirs = browser()
      const answered = await theirs.call('POST', '/auth/login', { email, password: PASSWORD })
      if (answered.status !== 200) throw new Error(`sign-in answered ${answered.status}`)
      return { ...theirs, account, clock }
    },
    async close() {
      running.relay.closeStreams()
      await app.close()
      await running.close()
      await services.close()
      await api.close()
      home.remove()
    },
  }
}

const ENDLESS: Record<string, Record<string, string>> = {
  download: { 'content-type': 'application/octet-stream' },
  lines: { 'content-type': 'application/x-ndjson' },
  camera: { 'content-type': 'multipart/x-mixed-replace; boundary=x' },
  untyped: {},
  sized: { 'content-type': 'application/zip', 'content-length': '1000000000' },
}

function answer(behind: Behind, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const [, kind = ''] = (incoming.url ?? '').split('/')
  outgoing.on('error', () => {})
  if (kind === 'feed') {
    behind.streams++
    outgoing.on('close', () => behind.streams--)
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
  }
  // Answers that go on for as long as somebody reads, though they are no event streams.
  else if (kind in ENDLESS) {
    outgoing.writeHead(200, ENDLESS[kind])
    const timer = setInterval(() => outgoing.write('more'), 50)
    outgoing.on('close', () => clearInterval(timer))
  }
  // Says nothing until whatever was sent is whole, and then later.
  else if (kind === 'late') incoming.resume().on('end', () => setTimeout(() => outgoing.end('{}'), 5000))
  else outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{}')
}

/** Resolves with how it went: the code of the close frame and its reason. */
export async function closed(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, String(reason)]
}
