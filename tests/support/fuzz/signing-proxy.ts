import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomInt } from 'node:crypto'
import type { Visitor } from '../client.ts'

/** What stands for something of the browser's own in a path; the proxy puts the real id there. */
export const MINE = 'mine-0000000000000000'

export interface SigningProxy {
  origin: string
  /** By method and path: the statuses that were answered, with their codes: `401 not_signed_in`. */
  seen: Map<string, Map<string, number>>
  close(): void
}

export interface SigningOptions {
  origin: string
  /** Takes the place of a browser that was signed out. null: nobody is signed in */
  signIn: (() => Promise<Visitor>) | null
  /** How many are signed in at once, so that limits of one account do not end the run. */
  people: number
  /** The secret of tests, for the call that takes it. */
  testSecret: string
}

/**
 * Between a program that knows the description alone and the server: it gives every request a browser's cookies, what
 * browsers add by themselves, and a network of its own, which limits would otherwise take for one attacker's.
 */
export async function signingProxy({ origin, signIn, people, testSecret }: SigningOptions): Promise<SigningProxy> {
  const browsers: Visitor[] = []
  if (signIn !== null) for (let i = 0; i < people; i++) browsers.push(await signIn())
  const seen: SigningProxy['seen'] = new Map()
  const agent = new http.Agent({ keepAlive: true })
  let turn = 0

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body = Buffer.concat((await request.toArray()) as Buffer[])
    const at = turn++ % Math.max(1, browsers.length)
    let reply = await pass(request, body, browsers[at])
    if (signIn !== null && reply.code === 'not_signed_in') {
      browsers[at] = await signIn()
      reply = await pass(request, body, browsers[at])
    }
    const name = `${request.method} ${(request.url ?? '').replace(/\?.*$/s, '')}`
    const statuses = seen.get(name) ?? new Map<string, number>()
    const outcome = `${reply.status} ${reply.code}`.trim()
    seen.set(name, statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1))
    response.writeHead(reply.status, reply.headers)
    response.end(reply.body)
  }

  async function pass(request: http.IncomingMessage, body: Buffer, browser: Visitor | undefined) {
    const path = await withOwnId(request.url ?? '/', browser)
    const isNavigation = request.method === 'GET' && /^\/auth\/(?:login|callback|logout)\//.test(path)
    const cookie = browser?.jar.header()
    const headers: http.OutgoingHttpHeaders = {
      ...request.headers,
      host: new URL(origin).host,
      'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`,
      ...(request.headers['sec-fetch-site'] === undefined ? { 'sec-fetch-site': 'same-origin' } : {}),
      ...(isNavigation ? { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' } : {}),
      ...(path.startsWith('/auth/test/') ? { authorization: `Bearer ${testSecret}` } : {}),
      ...(cookie === undefined || cookie === null ? {} : { cookie }),
    }
    const { port } = new URL(origin)
    return new Promise<{ status: number; headers: string[]; body: Buffer; code: string }>((resolve, reject) => {
      const asked = http.request({ host: '127.0.0.1', port, method: request.method, path, headers, agent }, got => {
        got.toArray().then(chunks => {
          const whole = Buffer.concat(chunks as Buffer[])
          browser?.jar.take(got.headers['set-cookie'] ?? [])
          const code = /"code":"(\w+)"/.exec(whole.toString())?.[1]
          resolve({ status: got.statusCode ?? 0, headers: got.rawHeaders, body: whole, code: code ?? '' })
        }, reject)
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }

  const server = http.createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => {
      server.close()
      server.closeAllConnections()
      agent.destroy()
    },
  }
}

async function withOwnId(path: string, browser: Visitor | undefined): Promise<string> {
  if (browser === undefined || !path.includes(MINE)) return path
  const { session } = await browser.session()
  return path.replace(MINE, session?.id ?? MINE)
}
