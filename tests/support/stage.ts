import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setUp } from './people.ts'
import { type Server, type Settings, startServer } from './server.ts'
import { startTerminator } from './terminator.ts'
import type { Visitor } from './client.ts'

/** One server as its visitors see it, and other people's sites beside it. */
export interface Stage {
  server: Server
  /** Where people find our site. */
  origin: string
  /** Another host of the same registrable domain, in somebody else's hands: same-site, not same-origin. */
  siblingOrigin: string
  /** A site of another domain. */
  foreignOrigin: string
  admin: Visitor
  /** What Chromium needs to find these names. */
  flags: string[]
  close(): Promise<void>
}

const HOSTS = { own: 'app.porch.test', sibling: 'other.porch.test', foreign: 'elsewhere.test' }

/** Our site behind a TLS terminator, as on the open web. */
export async function httpsStage(settings: Settings): Promise<Stage> {
  const strangers = await startStrangers()
  const routes = new Map([
    [HOSTS.sibling, strangers.port],
    [HOSTS.foreign, strangers.port],
  ])
  const terminator = await startTerminator(Object.values(HOSTS), routes)
  const at = (host: string) => `https://${host}:${terminator.port}`
  const server = await startServer({ publicUrl: at(HOSTS.own), settings: { HOST: '127.0.0.1', ...settings } })
  routes.set(HOSTS.own, server.port)
  return {
    server,
    origin: at(HOSTS.own),
    siblingOrigin: at(HOSTS.sibling),
    foreignOrigin: at(HOSTS.foreign),
    admin: (await setUp(at(HOSTS.own))).browser,
    flags: ['--host-resolver-rules=MAP *.test 127.0.0.1', '--ignore-certificate-errors'],
    close: async () => {
      await terminator.close()
      await strangers.close()
    },
  }
}

/** Our site on the newcomer's own machine, without TLS. */
export async function httpStage(settings: Settings): Promise<Stage> {
  const strangers = await startStrangers()
  const server = await startServer({ settings })
  return {
    server,
    origin: server.origin,
    siblingOrigin: `http://localhost:${strangers.port}`,
    foreignOrigin: `http://127.0.0.1:${strangers.port}`,
    admin: (await setUp(server.origin)).browser,
    flags: [],
    close: () => strangers.close(),
  }
}

/** A site that serves the page it is asked for in `?html=`. */
async function startStrangers(): Promise<{ port: number; close(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    const html = new URL(request.url ?? '/', 'http://stranger.invalid').searchParams.get('html') ?? ''
    response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      .end(`<!doctype html><title>elsewhere</title>${html}`)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(done => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}
