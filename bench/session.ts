import { join } from 'node:path'
import { request } from 'undici'
import { freePort, startServer, temporaryFolder } from '../tests/support/server.ts'
import { against, headersOf } from './against.ts'
import { startBare } from './baselines.ts'
import type { Bench, Figure } from './figure.ts'
import { seededFolder } from './seeded-folder.ts'

/** Headers that a server adds by itself on both sides, and cookies, which the measured answer does not set. */
const LEFT_OUT = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'set-cookie'])
const PATH = '/auth/session'
const BROWSERS = 1000

/** The route that every open tab asks for, against Hono giving the same bytes under the same headers. */
export async function measureSession({ server, browser }: Bench): Promise<Figure[]> {
  const bare = await bareFor(server.port, headersOf(browser))
  const alone = await against(server, bare, {
    request: { path: PATH, headers: headersOf(browser), cookies: null },
    by: 'rate',
    least: 0.7,
  })
  return [await measureCrowd(), { what: `GET ${PATH}, a browser to a connection`, unit: '× bare Hono', ...alone }]
}

/** A proxy in front sends the requests of many browsers over few connections: no connection repeats its cookies. */
async function measureCrowd(): Promise<Figure> {
  const { dataDir, headers, cookies } = await seededFolder({ sessions: BROWSERS, browsers: BROWSERS })
  const server = await startServer({ dataDir, outputFile: join(temporaryFolder(), 'server.log') })
  const asked = { ...headers, Host: new URL(server.origin).host }
  const bare = await bareFor(server.port, { ...asked, Cookie: cookies[0] ?? '' })
  const figure = await against(server, bare, {
    request: { path: PATH, headers: asked, cookies },
    by: 'processor time',
    least: 0.9,
  })
  await server.stop()
  return { what: `GET ${PATH}, 1,000 browsers over 16 connections`, unit: '× bare Hono', ...figure }
}

/** Hono alone, giving what that server answers. */
async function bareFor(measured: number, headers: Record<string, string>) {
  const answer = await request(`http://127.0.0.1:${measured}${PATH}`, { headers })
  const added = Object.fromEntries(
    Object.entries(answer.headers)
      .filter(([name]) => !LEFT_OUT.has(name))
      .map(([name, value]) => [name, String(value)]),
  )
  const body = (await answer.body.json()) as { user: object | null }
  if (body.user === null) throw new Error('the measured server does not know who asks')
  const port = await freePort()
  return { child: await startBare('bare-hono', { port, path: PATH, body, headers: added }), port }
}
