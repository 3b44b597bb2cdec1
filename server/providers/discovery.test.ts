import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { MINUTE, SECOND } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { toProviders } from '../config/resolve-providers.ts'
import { handClock } from '../accounts/accounts.testing.ts'
import { createDiscovery, type Discovery } from './discovery.ts'

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** A provider that can be stopped, with its metadata and how often they were requested. */
async function someProvider() {
  const state = { answers: true, asked: 0, change: {} as Record<string, unknown> }
  const server = http.createServer((request, response) => {
    state.asked++
    if (!state.answers) return response.writeHead(503).end()
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        issuer,
        authorization_endpoint: `${issuer}/a`,
        token_endpoint: `${issuer}/t`,
        jwks_uri: `${issuer}/k`,
        ...state.change,
      }),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stops.push(
    () =>
      new Promise(resolve => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  )
  return Object.assign(state, { issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function discoveryOf(issuer: string): { discovery: Discovery; pass(ms: number): void; tick(): void } {
  const [provider] = toProviders([{ id: 'main', kind: 'oidc', issuer, clientId: 'x' }], [], {
    env: {},
    folder: '/',
    nameOf: () => '',
  })
  if (provider === undefined) throw new Error('no provider')
  const time = handClock()
  let tick = () => {}
  const discovery = createDiscovery(provider, {
    clock: time.clock,
    log: createLog('silent'),
    timers: { every: (_ms, work) => ((tick = work), () => {}) },
    observer: null,
  })
  stops.push(() => discovery.close())
  return { discovery, pass: time.pass, tick: () => tick() }
}

describe('a provider', () => {
  test('is discovered once, however many callers need it, and available from the start', async () => {
    const provider = await someProvider()
    const { discovery } = discoveryOf(provider.issuer)
    expect(discovery.available).toBe(true)
    const clients = await Promise.all(Array.from({ length: 20 }, () => discovery.client()))
    expect(new Set(clients).size).toBe(1)
    expect(provider.asked).toBe(1)
  })

  test('that is down at the start is shown as unavailable, retried with backoff, and recovers by itself', async () => {
    const provider = await someProvider()
    provider.answers = false
    const { discovery, pass, tick } = discoveryOf(provider.issuer)
    await expect.poll(() => discovery.available).toBe(false)
    await expect(discovery.client()).rejects.toMatchObject({
      code: 'provider_unavailable',
      extras: { provider: 'main', retryAfter: 1 },
    })
    expect(provider.asked, 'whoever asks again at once is told what is known').toBe(1)
    for (const [wait, asked] of [
      [1, 2],
      [2, 3],
      [4, 4],
      [8, 5],
      [16, 6],
      [32, 7],
      [60, 8],
      [60, 9],
    ] as const) {
      pass(wait * SECOND - 1)
      tick()
      await new Promise(resolve => setImmediate(resolve))
      expect(provider.asked, `before ${wait} s`).toBe(asked - 1)
      pass(1)
      tick()
      await expect.poll(() => provider.asked).toBe(asked)
      await expect
        .poll(async () => discovery.client().catch((error: { code: string }) => error.code))
        .toBe('provider_unavailable')
    }
    provider.answers = true
    pass(MINUTE)
    tick()
    await expect.poll(() => discovery.available).toBe(true)
    expect((await discovery.client()).configuration.serverMetadata().issuer).toBe(provider.issuer)
  })

  test('that is down is retried at once when a sign-in needs it', async () => {
    const provider = await someProvider()
    provider.answers = false
    const { discovery, pass } = discoveryOf(provider.issuer)
    await expect.poll(() => discovery.available).toBe(false)
    provider.answers = true
    pass(SECOND)
    expect((await discovery.client()).provider.id).toBe('main')
    expect(discovery.available).toBe(true)
  })

  test('that moves its endpoints is followed within the hour, and stays usable while discovery fails', async () => {
    const provider = await someProvider()
    const { discovery, pass } = discoveryOf(provider.issuer)
    const tokenEndpoint = async () => (await discovery.client()).configuration.serverMetadata().token_endpoint
    expect(await tokenEndpoint()).toBe(`${provider.issuer}/t`)
    provider.answers = false
    pass(61 * MINUTE)
    expect(await tokenEndpoint()).toBe(`${provider.issuer}/t`)
    await expect.poll(() => provider.asked).toBe(2)
    provider.change = { token_endpoint: `${provider.issuer}/moved` }
    provider.answers = true
    expect(discovery.available).toBe(true)
    await expect
      .poll(async () => {
        pass(SECOND)
        return tokenEndpoint()
      })
      .toBe(`${provider.issuer}/moved`)
  })

  test.each<[string, Record<string, unknown>]>([
    ['OI-1 names another issuer', { issuer: 'http://127.0.0.1:1' }],
    ['names no token endpoint', { token_endpoint: undefined }],
    ['names no keys', { jwks_uri: undefined }],
    ['sends browsers to a script', { authorization_endpoint: 'javascript:alert(1)' }],
    ['sends browsers to a place with a password', { authorization_endpoint: 'https://a:b@main.example/' }],
    ['has a token endpoint in the clear on another machine', { token_endpoint: 'http://main.example/t' }],
    ['ends sessions by a script', { end_session_endpoint: 'data:text/html,x' }],
    ['has an endpoint that is a number', { userinfo_endpoint: 7 }],
  ])('that %s is not used', async (_what, change) => {
    const provider = await someProvider()
    provider.change = change
    const { discovery } = discoveryOf(provider.issuer)
    await expect(discovery.client()).rejects.toMatchObject({ code: 'provider_misconfigured' })
    expect(discovery.available).toBe(false)
  })

  test("OI-1 whose issuer differs by a slash is not used: an ID token's would differ, too", async () => {
    const provider = await someProvider()
    provider.change = { issuer: `${provider.issuer}/` }
    const { discovery } = discoveryOf(provider.issuer)
    await expect(discovery.client()).rejects.toMatchObject({ code: 'provider_misconfigured' })
  })
})
