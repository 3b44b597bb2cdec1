import type { IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, test, type TestContext } from 'vitest'
import type { SessionListAnswer } from '../contract/wire.ts'
import { OPERATOR } from '../accounts/actor.ts'
import { streamStage } from '../../tests/support/stream-stage.ts'

// What counts as a stream because it takes long, whatever its upstream calls it: real sockets, a real database.

const ENDLESS = ['lines', 'camera', 'download', 'untyped']
const PATIENTLY = { timeout: 15_000, interval: 100 }

async function stage({ onTestFinished }: TestContext, ...settings: Parameters<typeof streamStage>) {
  const here = await streamStage(...settings)
  onTestFinished(here.close)
  return here
}

/** Reads a response until it ends. */
function follow(response: IncomingMessage) {
  const seen: { outcome: 'open' | 'whole' | 'cut'; status: number } = {
    outcome: 'open',
    status: response.statusCode ?? 0,
  }
  response.resume().once('close', () => (seen.outcome = response.complete ? 'whole' : 'cut'))
  return seen
}

type Browser = Pick<Awaited<ReturnType<Awaited<ReturnType<typeof streamStage>>['somebody']>>, 'stream' | 'call'>

const open = async (browser: Browser, kinds: string[]) =>
  (await Promise.all(kinds.map(kind => browser.stream(`/api/notes/${kind}`)))).map(follow)
const outcomes = (all: { outcome: string }[]) => all.map(one => one.outcome)

describe.concurrent('a response whose body is open for seconds is a stream, whatever its type', () => {
  test(
    'it is listed with its session since it began, and ends with "all others"',
    { timeout: 30_000 },
    async context => {
      const { expect } = context
      const { somebody, streams } = await stage(context)
      const ada = await somebody()
      const all = await open(ada, [...ENDLESS, 'sized'])
      expect(streams.count(), 'not before it has taken long').toBe(0)
      await expect.poll(() => streams.count(), PATIENTLY).toBe(5)
      const { sessions } = (await ada.call('GET', '/auth/sessions')).json() as SessionListAnswer
      expect(sessions[0]?.streams.map(({ kind, upstream }) => `${kind} ${upstream}`)).toEqual(
        Array(5).fill('response notes'),
      )
      for (const { since } of sessions[0]?.streams ?? []) expect(Date.now() - since).toBeGreaterThan(4500)
      await ada.call('DELETE', '/auth/sessions')
      await expect.poll(() => outcomes(all), PATIENTLY).toEqual(Array(5).fill('cut'))
      expect(streams.count()).toBe(0)
    },
  )

  test(
    'it lives no longer than streamMaxSeconds, unless it says how long it is',
    { timeout: 30_000 },
    async context => {
      const { expect } = context
      const { somebody } = await stage(context, { streamMaxSeconds: 2 })
      const all = await open(await somebody(), [...ENDLESS, 'sized'])
      await expect.poll(() => outcomes(all), PATIENTLY).toEqual(['cut', 'cut', 'cut', 'cut', 'open'])
    },
  )

  test('it takes a place of its session, and is cut where there is none', { timeout: 30_000 }, async context => {
    const { expect } = context
    const { somebody, streams } = await stage(context, {}, { PORCHLIGHT_MAX_STREAMS_PER_SESSION: '3' })
    const ada = await somebody()
    const feed = await ada.stream()
    const all = await open(ada, [...ENDLESS, 'sized'])
    await expect.poll(() => outcomes(all).filter(outcome => outcome === 'cut').length, PATIENTLY).toBe(3)
    expect(streams.count()).toBe(3)
    expect((await open(ada, ['feed']))[0]?.status, 'an event stream is refused').toBe(429)
    expect((await ada.call('GET', '/api/notes/x')).status, 'calls go on').toBe(200)
    feed.destroy()
    await expect.poll(async () => (await open(ada, ['feed']))[0]?.status, PATIENTLY).toBe(200)
  })

  test('it takes a place of its network, for strangers too', { timeout: 30_000 }, async context => {
    const { expect } = context
    const { browser, streams } = await stage(context, { token: 'none' }, { PORCHLIGHT_MAX_STREAMS_PER_NETWORK: '8' })
    const all = await open(browser(), ENDLESS)
    await expect.poll(() => outcomes(all).filter(outcome => outcome === 'cut').length, PATIENTLY).toBe(2)
    expect([streams.count(), (await open(browser(), ['feed']))[0]?.status]).toEqual([2, 429])
  })

  test('it ends when its account loses the role, and when its session ends', { timeout: 30_000 }, async context => {
    const { expect } = context
    const { somebody, streams, services } = await stage(context, { requires: { roles: ['admin'] } })
    await somebody('root@example.org')
    const [ada, bob] = [await somebody(), await somebody('bob@example.org')]
    const all = [...(await open(ada, ENDLESS)), ...(await open(bob, ENDLESS))]
    await expect.poll(() => streams.count(), PATIENTLY).toBe(8)
    await services.people.accounts.change(ada.account.id, { roles: ['user'] }, OPERATOR)
    await expect.poll(() => outcomes(all.slice(0, 4)), PATIENTLY).toEqual(Array(4).fill('cut'))
    await bob.call('POST', '/auth/logout')
    await expect.poll(() => outcomes(all), PATIENTLY).toEqual(Array(8).fill('cut'))
  })

  test('a server that ends lets it finish, though it closes event streams', { timeout: 30_000 }, async context => {
    const { expect } = context
    const { somebody, streams } = await stage(context)
    const ada = await somebody()
    const late = await open(ada, ['lines'])
    await expect.poll(() => streams.count(), PATIENTLY).toBe(1)
    const [feed] = await open(ada, ['feed'])
    const early = await open(ada, ['lines'])
    streams.close()
    await expect.poll(() => feed?.outcome, PATIENTLY).toBe('whole')
    await wait(6000)
    expect(outcomes([...late, ...early])).toEqual(['open', 'open'])
  })
})
