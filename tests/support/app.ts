import { describeApi } from '../../server/http/openapi/describe-api.ts'
import { type Agent, createServer, request, type RequestListener, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { type App, type AppDeps, createApp } from '../../server/bootstrap/app.ts'
import { systemClock } from '../../server/base/clock.ts'
import type { Log } from '../../server/base/log.ts'
import { noMeter } from '../../server/base/meter.ts'
import { Problem } from '../../server/base/problem.ts'
import type { AccountUser } from '../../server/accounts/account.ts'
import { toBrand } from '../../server/config/brand-settings.ts'
import { OWN_SITE } from '../../server/config/site-settings.ts'
import type { WireUser } from '../../server/contract/wire.ts'
import { createFrontCheck } from '../../server/ops/front-check.ts'
import type { Env } from '../../server/http/request/hono-env.ts'
import { createReturnPaths } from '../../server/http/request/return-paths.ts'
import { createWriteRate } from '../../server/http/steps/limit-writes.ts'
import { sessionAnswer } from '../../server/http/response/session-body.ts'
import { testRelay } from '../../server/relay/relay.testing.ts'
import type { IssuedCookies, LiveSession, PresentedCookies } from '../../server/session/types.ts'

// For the tests beside app.ts: the real server on a real socket, with hand-written rooms behind it.

export const ADA: WireUser = {
  id: 'u1',
  email: 'ada@example.org',
  emailVerified: false,
  name: 'Ada',
  roles: ['admin'],
}
const ACCOUNT: AccountUser = { ...ADA, secondFactorAt: null }
export const SESSION: LiveSession = {
  publicId: 's1',
  userId: 'u1',
  createdAt: 1,
  authTime: 1,
  amr: ['pwd'],
  remember: false,
  accessEndsAt: 2,
  idleEndsAt: 3,
  absoluteEndsAt: 4,
}
export const GRANT: IssuedCookies = {
  sidHash: 'h',
  generation: 1,
  decidedAt: 0,
  cookies: ['porchlight-access=new-access; Path=/', 'porchlight-refresh=new-refresh; Path=/'],
}

export type { AppDeps }

/** Cookies of a session that the fake room knows: what they say decides what it answers. */
export const SIGNED_IN = 'porchlight-access=good'

/** A room whose answer stands in the access cookie. */
export function fakeSessions(): AppDeps['sessions'] & {
  asked: { shown: PresentedCookies; renews: boolean; foreground: boolean }[]
  void: boolean
} {
  return {
    asked: [],
    void: false,
    async resolve(shown, traits) {
      this.asked.push({ shown, ...traits })
      switch (shown.access) {
        case 'good':
          return { state: 'live', session: SESSION, issued: null }
        case 'due':
          return { state: 'live', session: SESSION, issued: traits.renews ? GRANT : null }
        case 'replaced':
          return { state: 'replaced', session: SESSION, issued: null }
        case 'ended':
          return { state: 'anonymous', ended: 'idle', duplicated: false }
        case 'broken':
          throw new Problem('store_unavailable', { retryAfter: 5 })
        default:
          return { state: 'anonymous', ended: null, duplicated: shown.duplicated }
      }
    },
    cookiesFor(grant) {
      return this.void ? [] : grant.cookies
    },
    clearing: () => ['porchlight-access=; Max-Age=0; Path=/', 'porchlight-refresh=; Max-Age=0; Path=/'],
  }
}

export interface LogLine {
  level: string
  message: string
  [key: string]: unknown
}

export function fakeLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const writer = (level: string) => (fields: object, message?: string) =>
    void lines.push({ level, message: message ?? '', ...fields })
  return {
    lines,
    error: writer('error'),
    warn: writer('warn'),
    info: writer('info'),
    debug: writer('debug'),
  } as unknown as Log & { lines: LogLine[] }
}

const fakeRoutes = (): Hono<Env> =>
  new Hono<Env>()
    .get('/session', c => c.json(sessionAnswer(c.get('caller'))))
    .post('/echo', async c => c.json({ got: await c.req.text() }))
    .post('/login', c => {
      c.get('answer').issue(GRANT)
      return c.json({})
    })
    .post('/logout', c => {
      c.get('answer').clear()
      return c.json({})
    })
    .get('/crash', () => {
      throw new Error('a secret in a message')
    })
    .get('/bad-header', c => c.body('x', 200, { 'X-Odd': 'a\nb' }))

export interface Answered {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
  json: () => unknown
}

export interface Running {
  port: number
  server: Server
  log: ReturnType<typeof fakeLog>
  sessions: ReturnType<typeof fakeSessions>
  /** One request over a real connection; `host` and whatever else is in `headers` as it is. */
  ask(
    target: string,
    options?: {
      method?: string
      headers?: Record<string, string | string[]>
      body?: string
      agent?: Agent
      binary?: boolean
    },
  ): Promise<Answered>
  /** Bytes as they are; resolves to everything that came back until the server closed the connection. */
  raw(bytes: string): Promise<string>
  close(): Promise<void>
}

export const PUBLIC_URL = 'http://porch.example'
/** The headers of a page load, and of a script of one of our pages. */
export const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
export const FROM_OUR_PAGE = { origin: PUBLIC_URL, 'sec-fetch-site': 'same-origin' }
export const codeOf = (answered: Answered) => (answered.json() as { code: string }).code
export const setCookies = (answered: Answered) => answered.headers['set-cookie'] ?? []
export const CONFIG: AppDeps['config'] = {
  publicUrl: PUBLIC_URL,
  secureCookies: false,
  trustedProxies: [],
  proxyProtocol: false,
  secondFactor: 'optional',
  jwksMaxAgeMs: 300_000,
  securityContact: null,
  relatedOrigins: [],
  demo: true,
  brand: toBrand(),
  traces: null,
}

/** @param inside makes the listener of somebody else's server, in which it runs instead of one of its own */
export async function startApp(
  changes: Partial<AppDeps> = {},
  inside: ((handle: App['handle']) => RequestListener) | null = null,
): Promise<Running> {
  const log = fakeLog()
  const sessions = fakeSessions()
  const app = createApp({
    config: CONFIG,
    clock: systemClock,
    log,
    meter: noMeter,
    tracer: null,
    sessions,
    relay: testRelay([]),
    findUser: async id => (id === ADA.id ? ACCOUNT : null),
    openForm: async () => null,
    signing: { published: () => [] },
    readiness: async () => null,
    draining: () => false,
    frontCheck: createFrontCheck(systemClock),
    writeRate: createWriteRate(systemClock),
    backchannelLogout: async () => {},
    authRoutes: fakeRoutes(),
    frontEnd: OWN_SITE,
    passkeysOffered: false,
    returnPaths: createReturnPaths(() => null),
    clientScript: async () => 'export {}',
    describeCalls: async () => describeApi(),
    site: {
      built: { root: '/nowhere', files: [] },
      development: null,
      listener: async () => (_incoming, outgoing) => outgoing.end('<!doctype html>'),
    },
    ...changes,
  })
  const server = inside === null ? app.createServer() : createServer(inside(app.handle))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    port,
    server,
    log,
    sessions,
    ask: (target, { method = 'GET', headers = {}, body, agent, binary = false } = {}) =>
      new Promise((resolve, reject) => {
        const sent = request(
          { port, path: target, method, agent: agent ?? false, headers: { host: 'porch.example', ...headers } },
          response => {
            const chunks: Buffer[] = []
            response.on('data', (chunk: Buffer) => chunks.push(chunk))
            response.on('end', () => {
              const text = Buffer.concat(chunks).toString(binary ? 'latin1' : 'utf8')
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                body: text,
                json: () => JSON.parse(text) as unknown,
              })
            })
          },
        )
        sent.on('error', reject)
        sent.end(body)
      }),
    raw: bytes =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1')
        let all = ''
        socket.on('data', chunk => (all += chunk.toString('latin1')))
        socket.on('error', reject)
        socket.on('close', () => resolve(all))
        socket.write(bytes, 'latin1')
      }),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
