import { freePort } from '../tests/support/server.ts'
import { against, headersOf } from './against.ts'
import { startBare } from './baselines.ts'
import type { Bench, Figure } from './figure.ts'

/** Headers that a server adds by itself on both sides, and cookies, which the measured answer does not set. */
const LEFT_OUT = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'set-cookie'])

/** The route that every open tab asks for, against Hono giving the same bytes under the same headers. */
export async function measureSession({ server, browser }: Bench): Promise<Figure[]> {
  const path = '/auth/session'
  const answer = await browser.get(path)
  const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !LEFT_OUT.has(name)).map(([name, value]) => [name, String(value)]))
  const port = await freePort()
  const child = await startBare('bare-hono', { port, path, body: answer.json(), headers })
  return [{ what: 'GET /auth/session, signed in', unit: '× bare Hono', ...await against(server, { child, port }, { path, headers: headersOf(browser) }, 0.7) }]
}
