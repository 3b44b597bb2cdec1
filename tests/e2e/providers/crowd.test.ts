import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts'
import { type HostileStage, hostileStage, returnFrom } from '../../support/hostile-stage.ts'
import { begin, comeBack, providerSetting } from '../../support/provider-visit.ts'
import { sleep, stopAll } from '../../support/server.ts'
import { varied } from '../../support/varied.ts'

// One provider that wants sign-ins announced (RFC 9126) and takes its time, and one client with very many connections.
const SLOW_MS = 200
const CONNECTIONS = 600

let stage: HostileStage
let slow: HostileProvider
const calls = { now: 0, most: 0 }

beforeAll(async () => {
  slow = await startHostileProvider()
  slow.change = { metadata: metadata => (metadata['pushed_authorization_request_endpoint'] = `${slow.issuer}/par`) }
  slow.person = { sub: 'somebody', name: 'Somebody' }
  const { answer } = slow
  const slowly: HostileProvider['answer'] = async (request, response) => {
    calls.most = Math.max(calls.most, ++calls.now)
    await sleep(SLOW_MS)
    await answer(request, response)
    calls.now--
  }
  stage = await hostileStage({
    more: [providerSetting('slow', slow.issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }, { name: 'Slow' })],
  })
  slow.change.instead = { '/par': slowly, '/token': slowly }
})
afterAll(async () => {
  await Promise.all([stage?.stop(), slow?.stop()])
  await stopAll()
})

/**
 * Keeps that many connections busy until it is told to stop.
 * @returns how often each status was answered
 */
function flood(
  addressOf: (n: number) => string,
  ask: (browser: Visitor) => Promise<{ status: number; headers: { location?: string | undefined } }>,
) {
  let isOn = true
  const answers: Record<string, number> = {}
  const all = Array.from({ length: CONNECTIONS }, async (_, n) => {
    while (isOn) {
      const browser = new Visitor(stage.server.origin)
      browser.address = addressOf(n)
      const { status, headers } = await ask(browser)
      const problem = /problem=(\w+)/.exec(headers.location ?? '')?.[1] ?? ''
      answers[`${status} ${problem}`] = (answers[`${status} ${problem}`] ?? 0) + 1
      browser.close()
      if (problem !== '') await sleep(50)
    }
  })
  return {
    answers,
    stop: async () => {
      isOn = false
      await Promise.all(all)
    },
  }
}

const others = () => Array.from({ length: 8 }, () => new Visitor(stage.server.origin))

/** From one IPv4 address, from all over one IPv6 customer's network, and from ten clients at once. */
const CLIENTS: [string, (n: number) => string][] = [
  ['one address', () => '198.51.100.7'],
  ['one IPv6 network with an address for each connection', n => `2001:db8:0:1:${n.toString(16)}::1`],
  ['ten addresses', n => `198.51.100.${n % 10}`],
]

describe('16.5.3 others sign in at a provider', () => {
  test.each(varied(CLIENTS.slice(0, 1), CLIENTS))(
    'while %s begins sign-ins over 600 connections',
    async (_who, addressOf) => {
      const crowd = flood(addressOf, browser => browser.page('/auth/login/slow'))
      await sleep(1500)
      const locations = await Promise.all(
        others().map(async browser => {
          const href = await begin(browser, { as: 'slow', returnTo: '/account' })
          return (await comeBack(browser, await returnFrom(slow, href))).headers.location
        }),
      )
      await crowd.stop()
      expect(locations).toEqual(locations.map(() => '/account'))
      expect(Object.keys(crowd.answers).toSorted()).toEqual(expect.arrayContaining(['303 ', '303 busy']))
    },
    60_000,
  )

  test('while one address comes back with made-up codes', async () => {
    const crowd = flood(
      () => '203.0.113.9',
      async browser => {
        const begun = await browser.page(`/auth/login/${'hostile'}`)
        const state = new URL(begun.headers.location ?? 'http://none.invalid').searchParams.get('state') ?? ''
        return browser.page(
          `/auth/callback/hostile?code=made-up&state=${state}&iss=${encodeURIComponent(stage.hostile.issuer)}`,
        )
      },
    )
    stage.hostile.change = {
      instead: {
        '/token': (request, response) => void sleep(SLOW_MS).then(() => stage.hostile.answer(request, response)),
      },
    }
    await sleep(1500)
    const locations = await Promise.all(
      others().map(async browser => {
        const back = await returnFrom(stage.hostile, await begin(browser, { as: 'hostile', returnTo: '/account' }))
        return (await comeBack(browser, back)).headers.location
      }),
    )
    await crowd.stop()
    stage.hostile.change = {}
    expect(locations).toEqual(locations.map(() => '/account'))
  }, 60_000)

  test('a provider never has more of our calls at once than it bears', () => {
    expect(calls.most).toBeGreaterThan(4)
    expect(calls.most).toBeLessThanOrEqual(32)
  })
})
