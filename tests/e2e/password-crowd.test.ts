import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { json } from '../support/hostile-provider.ts'
import { type Person, setUp, signUp } from '../support/people.ts'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'
import { varied } from '../support/varied.ts'

const TRIES = 600
const RIGHT = 'a word that the shop knows'
let server: Server
let behindApi: Server
let api: http.Server
let people: Person[]
const calls = { now: 0, most: 0 }

/** An API that takes its time to judge a password. */
async function startApi(): Promise<http.Server> {
  const slow = http.createServer(async (request, response) => {
    calls.most = Math.max(calls.most, ++calls.now)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    await sleep(100)
    calls.now--
    if (form.get('password') !== RIGHT) return json(response, 401, {})
    const claims = Buffer.from(
      JSON.stringify({ sub: form.get('username'), exp: Math.floor(Date.now() / 1000) + 3600 }),
    ).toString('base64url')
    json(response, 200, { access_token: `e30.${claims}.x`, token_type: 'bearer' })
  })
  await new Promise<void>(done => slow.listen(0, '127.0.0.1', done))
  return slow
}

beforeAll(async () => {
  api = await startApi()
  const tokenApi = JSON.stringify({
    name: 'Shop',
    url: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
    refresh: { path: '/refresh' },
  })
  server = await startServer()
  behindApi = await startServer({
    settings: {
      LOGIN: 'token-api',
      TOKEN_API: tokenApi,
      UPSTREAMS: JSON.stringify([
        { name: 'shop', target: 'http://127.0.0.1:9', token: 'provider', provider: 'token-api' },
      ]),
    },
  })
  const { browser } = await setUp(server.origin)
  people = []
  for (let n = 0; n < 8; n++) people.push((await signUp(browser)).person)
})
afterAll(async () => {
  api?.close()
  await stopAll()
})

async function attempt(origin: string, address: string, email: string, password: string): Promise<string> {
  const browser = new Visitor(origin)
  browser.address = address
  const { status, text } = await browser.post('/auth/login', { email, password })
  browser.close()
  return status === 200 ? 'signed_in' : (JSON.parse(text) as { code: string }).code
}

/** From one IPv4 address, from all over one IPv6 customer's network, and from twelve clients at once. */
const CLIENTS: [string, (n: number) => string][] = [
  ['one address tries', () => '198.51.100.7'],
  ['one IPv6 network tries, with an address for each connection,', n => `2001:db8:0:1:${n.toString(16)}::1`],
  ['twelve addresses try', n => `203.0.113.${n % 12}`],
]

describe.each<[string, () => { origin: string; whoever: [string, string][] }]>([
  [
    'with a password that is kept here',
    () => ({ origin: server.origin, whoever: people.map(({ email, password }) => [email, password]) }),
  ],
  [
    'with a password that an API judges',
    () => ({ origin: behindApi.origin, whoever: people.map((_, n) => [`person ${n}`, RIGHT]) }),
  ],
])('16.5.3 others sign in %s', (_how, at) => {
  test.each(varied(CLIENTS.slice(0, 1), CLIENTS))(
    `while %s ${TRIES} passwords at once`,
    async (_who, addressOf) => {
      const { origin, whoever } = at()
      let left = TRIES
      const flood = Array.from({ length: TRIES }, (_, n) =>
        attempt(origin, addressOf(n), `nobody${n}@example.org`, 'a wrong guess').finally(() => left--),
      )
      await sleep(300)
      const told = await Promise.all(
        whoever.map(([name, password], n) => attempt(origin, `192.0.2.${n + 1}`, name, password)),
      )
      const leftThen = left
      const answers = await Promise.all(flood)
      expect({ told, leftThen }).toMatchObject({ told: whoever.map(() => 'signed_in') })
      expect([...new Set(answers)].filter(one => !['invalid_credentials', 'slow_down', 'busy'].includes(one))).toEqual(
        [],
      )
    },
    60_000,
  )
})

test('16.5.3 an API never has more sign-ins to judge at once than it bears', () => {
  expect(calls.most).toBeGreaterThan(4)
  expect(calls.most).toBeLessThanOrEqual(16)
})
