import { describe, expect, test } from 'vitest'
import { Visitor } from '../support/client.ts'
import { expectRefused, HOSTILE, hostileStageOfFile, signInAt } from '../support/hostile-stage.ts'

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
    expect(fetches() - before).toBeLessThanOrEqual(1 + Math.floor(elapsed / 10_000))
  })

  test('OI-10 a provider that changes its keys is understood again by itself', async () => {
    await stage.hostile.rotateKeys()
    const browser = new Visitor(stage.server.origin)
    await expect.poll(async () => (await signInAt(browser, stage.hostile)).headers.location, { timeout: 30_000, interval: 1000 }).toBe('/account')
    expect((await stage.resident.session()).user?.name).toBe('Vera Visitor')
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
