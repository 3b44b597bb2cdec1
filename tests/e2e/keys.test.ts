import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, expect, test } from 'vitest'
import { setUp } from '../support/people.ts'
import { freePort, runCommand, type Server, sleep, startServer, stopAll } from '../support/server.ts'

const api = createServer()
afterAll(async () => {
  api.close()
  await stopAll()
})

/**
 * Short, so that a key's whole life can be watched: it signs two seconds after it was published, and is retired eleven
 * after the next one signs.
 */
const LIVES = { JWKS_MAX_AGE_SECONDS: '1', UPSTREAM_TOKEN_SECONDS: '10' }

interface Listed {
  keys: { id: string }[]
  signing: { id: string; use: string }[]
}

const keyCommand = async (server: Server, ...args: string[]) => {
  const { code, output } = await runCommand(['key', ...args], { dataDir: server.dataDir })
  expect(code, output).toBe(0)
  return output
}
const uses = async (server: Server) =>
  (JSON.parse(await keyCommand(server, 'list', '--json')) as Listed).signing.map(({ id, use }) => [id, use])
const published = async (origin: string) =>
  (await (await fetch(`${origin}/.well-known/jwks.json`)).json()) as JSONWebKeySet

/**
 * An upstream as strict as the rules allow: it keeps the keys for as long as it may, and a token whose key it has not
 * is refused.
 */
function strictUpstream(origin: string) {
  const seen = { kids: new Set<string>(), refused: [] as string[] }
  let kept: { keys: ReturnType<typeof createLocalJWKSet>; until: number } | null = null
  api.on('request', async (incoming, outgoing) => {
    const token = (incoming.headers.authorization ?? '').slice('Bearer '.length)
    try {
      kept =
        kept !== null && Date.now() < kept.until
          ? kept
          : { until: Date.now() + 1000, keys: createLocalJWKSet(await published(origin)) }
      await jwtVerify(token, kept.keys, { issuer: origin, audience: 'orders', typ: 'at+jwt' })
      seen.kids.add(String(decodeProtectedHeader(token).kid))
      outgoing.end('ok')
    } catch (error) {
      seen.refused.push(String(error))
      outgoing.writeHead(401).end()
    }
  })
  return seen
}

test(
  'porchlight key rotate, beside a running server: the new key is published, then signs; the old one verifies, then is retired; no call is ever refused',
  { timeout: 120_000 },
  async () => {
    await new Promise<void>(done => api.listen(0, '127.0.0.1', done))
    const port = await freePort()
    const upstreams = [{ name: 'orders', target: `http://127.0.0.1:${(api.address() as AddressInfo).port}` }]
    const server = await startServer({ port, settings: { ...LIVES, UPSTREAMS: JSON.stringify(upstreams) } })
    const seen = strictUpstream(server.origin)
    const { browser } = await setUp(server.origin)

    let over = false
    const statuses = new Set<number>()
    const calling = (async () => {
      while (!over) {
        statuses.add((await browser.get('/api/orders/all')).status)
        await sleep(50)
      }
    })()
    try {
      await expect.poll(() => seen.kids.size).toBe(1)
      const [first = ''] = seen.kids
      expect(await uses(server)).toEqual([[first, 'signs']])

      const said = await keyCommand(server, 'rotate')
      const second = /^The key (\S+) is published now and signs upstream tokens from/m.exec(said)?.[1] ?? ''
      expect((await published(server.origin)).keys.map(({ kid }) => kid).sort()).toEqual([first, second].sort())
      await expect
        .poll(() => uses(server), { timeout: 30_000 })
        .toEqual([
          [second, 'signs'],
          [first, 'verifies'],
        ])
      await expect.poll(() => [...seen.kids], { timeout: 60_000 }).toEqual([first, second])
      await expect
        .poll(() => uses(server), { timeout: 60_000 })
        .toEqual([
          [second, 'signs'],
          [first, 'retired'],
        ])
      expect((await published(server.origin)).keys.map(({ kid }) => kid)).toEqual([second])

      const table = await keyCommand(server, 'list')
      expect(table).toMatch(new RegExp(`^${first} .* none, will be deleted within an hour$`, 'm'))
      expect(table).toMatch(new RegExp(`^${second} .* signs$`, 'm'))
      expect(table).not.toMatch(/"d"|PRIVATE/)
    } finally {
      over = true
      await calling
    }
    expect(seen.refused).toEqual([])
    expect([...statuses]).toEqual([200])
    expect((await browser.session()).user).not.toBeNull()
  },
)
