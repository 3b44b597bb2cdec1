import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SECOND } from '../base/clock.ts'
import { handClock } from '../accounts/accounts.testing.ts'
import { testProviders, type TestProviders } from './providers.testing.ts'
import { createTurns } from './turns.ts'

const code = (work: Promise<unknown>) =>
  work.then(
    () => 'called',
    (error: { code: string }) => error.code,
  )

describe('turns at a provider', () => {
  test('begins and callbacks are limited together by network, an IPv6 /64 counting as one; other networks are unaffected', async () => {
    const { clock, pass } = handClock()
    const { begin, finish } = createTurns(clock)
    for (let n = 0; n < 150; n++) {
      expect(await code(begin(`2001:db8::${n.toString(16)}`, async () => 1))).toBe('called')
      expect(await code(finish('2001:db8::ffff', async () => 1))).toBe('called')
    }
    await expect(begin('2001:db8::1', async () => 1)).rejects.toMatchObject({
      code: 'slow_down',
      extras: { retryAfter: 1 },
    })
    expect(await code(finish('2001:db8::1', async () => 1))).toBe('slow_down')
    expect(await code(begin('2001:db8:0:1::1', async () => 1))).toBe('called')
    expect(await code(begin('192.0.2.1', async () => 1))).toBe('called')
    pass(SECOND)
    expect(await Promise.all(Array.from({ length: 11 }, () => code(begin('2001:db8::1', async () => 1))))).toEqual([
      ...Array<string>(10).fill('called'),
      'slow_down',
    ])
  })

  test('callbacks have turns of their own, however many sign-ins begin', async () => {
    const { begin, finish } = createTurns(handClock().clock)
    const held = Array.from({ length: 400 }, (_, n) => code(begin(`192.0.2.${n % 250}`, () => new Promise(() => {}))))
    expect(await code(finish('198.51.100.1', async () => 1))).toBe('called')
    expect(await Promise.race([...held, new Promise(resolve => setImmediate(resolve, 'none yet'))])).toBe('busy')
  })
})

describe('a sign-in refused for load', () => {
  let at: TestProviders
  beforeEach(async () => {
    at = await testProviders()
  })
  afterEach(() => at.close())

  test('on its return is not used up: it can be finished when its turn comes', async () => {
    at.hostile.change = {
      metadata: metadata => (metadata['pushed_authorization_request_endpoint'] = `${at.hostile.issuer}/par`),
    }
    const { begin, finish } = at.open()
    const { href, sealed } = await begin()
    for (let n = 0; n < 299; n++) await begin()
    const calls = at.hostile.tokenCalls.length
    const back = new URL((await fetch(href, { redirect: 'manual' })).headers.get('location') ?? '')
    at.hostile.change.instead = {
      '/authorize': (_, response) => response.writeHead(303, { location: back.href }).end(),
    }
    await expect(finish(href, sealed)).rejects.toMatchObject({ code: 'slow_down' })
    expect(at.hostile.tokenCalls.length).toBe(calls)
    at.services.pass(SECOND)
    expect((await finish(href, sealed)).person.subject).toBe('visitor-1')
    await expect(finish(href, sealed)).rejects.toMatchObject({ code: 'login_expired' })
  })
})
