import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { expectRefused, HOSTILE, hostileStageOfFile, signInAt } from '../support/hostile-stage.ts'
import { sleep } from '../support/server.ts'

// A provider whose keys change, and one that goes away altogether.
const stage = hostileStageOfFile()

describe('keys', () => {
  test('OI-10 however many tokens name keys that nobody knows, keys are asked for once in a while', async () => {
    const { hostile, server } = stage
    const fetches = () => hostile.requests.filter(request => request === 'GET /jwks').length
    const before = fetches()
    const started = Date.now()
    let count = 0
    hostile.change = { header: header => (header.kid = `unknown-${count++}`) }
    const answers = await Promise.all(Array.from({ length: 30 }, () => signInAt(new Visitor(server.origin), hostile)))
    const elapsed = Date.now() - started
    for (const { headers } of answers) expect(headers.location).toBe(`/sign-in?problem=provider_answer_invalid&provider=${HOSTILE}&returnTo=%2Faccount`)
    expect(count).toBe(30)
    expect(fetches() - before).toBeLessThanOrEqual(1 + Math.floor(elapsed / 1000))
  })

  test('OI-10 a provider that changes its keys is understood again by itself', async () => {
    await stage.hostile.rotateKeys()
    const browser = new Visitor(stage.server.origin)
    await sleep(1000)
    expect((await signInAt(browser, stage.hostile)).headers.location).toBe('/account')
    expect((await stage.resident.session()).user?.name).toBe('Vera Visitor')
  })

  test('OI-10 a provider that gives a new key the id of the old one is understood again, too', async () => {
    const { hostile, server } = stage
    hostile.change = { keys: keys => keys.forEach(key => Object.assign(key, { kid: 'only' })), header: header => (header.kid = 'only') }
    const browsers = [new Visitor(server.origin), new Visitor(server.origin)] as const
    for (const browser of browsers) {
      await sleep(1000)
      expect((await signInAt(browser, hostile)).headers.location).toBe('/account')
      await hostile.rotateKeys()
    }
  })

  test('OI-10 a token without a key id is tried with each key that fits', async () => {
    const { hostile, server } = stage
    const others = await Promise.all([1, 2].map(async () => ({ ...await exportJWK((await generateKeyPair('RS256')).publicKey), alg: 'RS256', use: 'sig' })))
    hostile.change = { keys: keys => void keys.unshift(...others), header: header => void delete header.kid }
    await sleep(1000)
    expect((await signInAt(new Visitor(server.origin), hostile)).headers.location).toBe('/account')
  })

  test.each(['logout+jwt', 'at+jwt', 'application/at+jwt', 'AT+JWT'])('OI-3 an ID token typed as %s is none', async (typ) => {
    stage.hostile.change = { header: header => (header.typ = typ) }
    const browser = new Visitor(stage.server.origin)
    await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'provider_answer_invalid')
  })

  test('OI-3 keys that are for something else are not taken', async () => {
    const browser = new Visitor(stage.server.origin)
    stage.hostile.change = { keys: keys => keys.forEach(key => Object.assign(key, { use: 'enc' })) }
    await stage.hostile.rotateKeys()
    await expectRefused(stage, browser, await signInAt(browser, stage.hostile), 'provider_answer_invalid')
  })
})

test('the whole provider gone away: a clear page, residents stay, and it works again by itself', async () => {
  const { hostile, server } = stage
  await hostile.rotateKeys()
  const browser = new Visitor(server.origin)
  const { headers } = await browser.page(`/auth/login/${HOSTILE}?returnTo=/account`)
  await hostile.stop()
  const back = new URL(headers.location ?? '').searchParams
  const answer = await browser.page(`/auth/callback/${HOSTILE}?code=any&state=${encodeURIComponent(back.get('state') ?? '')}&iss=${encodeURIComponent(hostile.issuer)}`)
  await expectRefused(stage, browser, answer, 'provider_unavailable')
  await hostile.start()
  await expect.poll(async () => (await signInAt(browser, hostile)).headers.location, { timeout: 30_000, interval: 1000 }).toBe('/account')
})

test('OA-21 no failure of a provider is an error of ours, and no secret of one is in the log', () => {
  expect(stage.server.output).not.toMatch(/"status":500/)
  expect(stage.hostile.secrets.filter(secret => stage.server.output.includes(secret))).toEqual([])
})
