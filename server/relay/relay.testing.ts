import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  request,
  type RequestListener,
  type RequestOptions,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallObserver } from '../base/call-observer.ts'
import { systemClock, systemTimers } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { Upstream } from '../config/upstream-config.ts'
import type { Vault } from '../providers/vault.ts'
import { createCredentials } from './credentials.ts'
import { nodeSink } from './node-sink.ts'
import { createRelay, type Relay } from './relay.ts'
import { createStreams, type Streams } from './streams.ts'
import type { RelayCaller, UpstreamTokens } from './types.ts'

/** For tests: an upstream with every default, at a given target. */
export function testUpstream(origin: string, changes: Partial<Upstream> = {}): Upstream {
  return {
    name: 'notes',
    prefix: '/api/notes',
    target: { origin, basePath: '' },
    token: 'porchlight',
    provider: null,
    audience: 'notes',
    scopes: [],
    tokenType: 'at+jwt',
    claims: [],
    tokenHeader: null,
    tls: null,
    host: 'target',
    methods: null,
    requires: { signedIn: true, roles: [], maxAgeMs: null, acr: null },
    strip: true,
    timeouts: { connectMs: 2000, headersMs: 5000, idleMs: 5000, websocketIdleMs: 5000 },
    streamMaxMs: 60_000,
    maxBodyBytes: null,
    maxHeaderBytes: 32 * 1024,
    websocket: false,
    document: false,
    cookies: false,
    encodedPaths: false,
    dropHeaders: [],
    redirectOrigins: [],
    title: 'Notes',
    description: '',
    icon: null,
    page: null,
    ...changes,
  }
}

export const ANNA: RelayCaller = {
  user: {
    id: 'anna',
    email: 'anna@example.test',
    emailVerified: false,
    secondFactorAt: null,
    name: 'Anna',
    roles: ['user'],
  },
  language: null,
  session: {
    publicId: 's-anna',
    userId: 'anna',
    createdAt: 0,
    authTime: systemClock.now().wall,
    amr: ['pwd'],
    remember: false,
    accessEndsAt: null,
    idleEndsAt: 0,
    absoluteEndsAt: 0,
  },
}

/** Readable tokens that name their user, and a count of how many were requested. */
function testTokens(): UpstreamTokens & { minted: number } {
  const tokens = {
    minted: 0,
    async tokenFor(upstream: Upstream, caller: RelayCaller, fresh: boolean) {
      tokens.minted++
      return `${fresh ? 'fresh' : 'kept'}.${upstream.name}.${caller.user.id}`
    },
    forget() {},
  }
  return tokens
}

export async function listen(
  listener: RequestListener,
): Promise<{ server: Server; origin: string; close: () => Promise<void> }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export type RelayVault = Pick<Vault, 'tokenFor' | 'exchange'>

const noVault: RelayVault = {
  tokenFor: async (_session, provider) => Promise.reject(new Problem('provider_sign_in_required', { provider })),
  exchange: async (_session, provider) => Promise.reject(new Problem('provider_sign_in_required', { provider })),
}

/** The real relay, with readable tokens. */
export function testRelay(
  upstreams: readonly Upstream[],
  tokens: UpstreamTokens = testTokens(),
  streams: Streams = testStreams(),
  vault: RelayVault = noVault,
  log = createLog('silent'),
  observer: CallObserver | null = null,
): Relay {
  return createRelay({
    clock: systemClock,
    log,
    publicUrl: 'https://site.test',
    upstreams,
    frontEnd: null,
    credentials: createCredentials({ clock: systemClock, tokens, vault }),
    isOwnCookie: name => name.toLowerCase().includes('porchlight-'),
    streams,
    observer,
  })
}

export function testStreams(changes: Partial<Parameters<typeof createStreams>[0]> = {}): Streams {
  return createStreams({
    clock: systemClock,
    timers: systemTimers,
    log: createLog('silent'),
    endIfOver: async () => Number.MAX_SAFE_INTEGER,
    findUser: () => ANNA.user,
    mustEnrol: () => false,
    limits: { perSession: 50, perNetwork: 1000 },
    ...changes,
  })
}

/** A minimal front for relayed paths; a header says who the caller is. */
export async function front(
  upstreams: readonly Upstream[],
  callers: Record<string, RelayCaller> = { anna: ANNA },
  vault: RelayVault = noVault,
  log?: Log,
) {
  const tokens = testTokens()
  const relay = testRelay(upstreams, tokens, testStreams(), vault, log)
  const policies: (string | null)[] = []
  const here = await listen((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const [path = '', query] = (incoming.url ?? '').split('?')
    const relayed = {
      id: 'r-1',
      method: incoming.method ?? 'GET',
      path,
      search: query === undefined ? '' : `?${query}`,
      rawHeaders: incoming.rawHeaders,
      body:
        incoming.headers['content-length'] === undefined && incoming.headers['transfer-encoding'] === undefined
          ? null
          : incoming,
      network: '192.0.2.7',
      caller: callers[String(incoming.headers['x-test-caller'] ?? 'anna')] ?? null,
    }
    const answer = async () => {
      const match = relay.match(path)
      if (match === null) throw new Problem('not_found')
      relay.admit(match, relayed)
      await relay.pass(
        match,
        relayed,
        nodeSink(outgoing, policy => policies.push(policy)),
      )
    }
    answer().catch((error: unknown) => {
      const problem = error instanceof Problem ? error : new Problem('internal', {}, error)
      if (outgoing.headersSent) return outgoing.destroy()
      return outgoing
        .writeHead(problem.status, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify(problem.body('r-1')))
    })
  })
  return {
    ...here,
    relay,
    tokens,
    policies,
    async close() {
      await relay.close()
      await here.close()
    },
  }
}

export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  body: string
  trailers: NodeJS.Dict<string>
  complete: boolean
}

/** One request with exactly these headers. */
export async function ask(
  origin: string,
  path: string,
  options: RequestOptions & { send?: string | Buffer } = {},
): Promise<Answer> {
  const { send, ...rest } = options
  const outgoing = request(`${origin}/`, { ...rest, path, agent: false })
  outgoing.end(send)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
  } catch {
    // Cut off: `complete` tells.
  }
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body: Buffer.concat(chunks).toString(),
    trailers: incoming.trailers,
    complete: incoming.complete,
  }
}
