import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchAs, startPorchlight, testEnvironment, type TestSite } from '../../server/testing.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts'
import { freePort } from '../support/server.ts'

const ADA = { email: 'ada@example.org' }

let upstream: RecordingUpstream
let site: TestSite

beforeAll(async () => {
  upstream = await startRecordingUpstream()
  site = await startPorchlight({
    upstreams: [{ name: 'orders', target: upstream.origin, requires: { roles: ['admin'] } }],
  })
})
afterAll(async () => {
  await site.close()
  await upstream.stop()
})

const JSON_TYPE = { 'content-type': 'application/json' }
const person = async (as: typeof fetch) => ((await (await as('/auth/session')).json()) as { user: unknown }).user

describe('fetchAs', () => {
  test('calls APIs as somebody with these roles, methods that change something, too', async () => {
    const grace = await fetchAs(site.origin, { email: 'grace@example.org', roles: ['admin'] })
    expect((await grace('/api/orders', { method: 'POST', body: '{}', headers: JSON_TYPE })).status).toBe(200)
    expect(upstream.requests.at(-1)).toMatchObject({ method: 'POST', path: '/' })
    const token = upstream.requests.at(-1)?.headers.authorization?.split('.')[1] ?? ''
    expect(JSON.parse(Buffer.from(token, 'base64url').toString())).toMatchObject({
      sub: expect.stringMatching(/^test\./) as string,
      amr: ['pwd'],
    })
    const ada = await fetchAs(site.origin, ADA)
    expect((await ada('/api/orders')).status).toBe(403)
  })

  test('is one browser each: cookies stay apart, change with a sign-out, and go to no other site', async () => {
    const [ada, bob] = [await fetchAs(site.origin, ADA), await fetchAs(site.origin, { email: 'bob@example.org' })]
    expect(await person(ada)).toMatchObject(ADA)
    expect((await bob(new Request(`${site.origin}/auth/logout`, { method: 'POST' }))).status).toBe(200)
    expect(await person(bob)).toBeNull()
    expect(await person(ada)).toMatchObject(ADA)
    await ada(new URL(upstream.origin))
    expect(upstream.requests.at(-1)?.headers).not.toHaveProperty('cookie')
    expect(upstream.requests.at(-1)?.headers).not.toHaveProperty('origin')
  })

  test('returns redirects', async () => {
    const ada = await fetchAs(site.origin, ADA)
    const response = await ada('/sign-in', { headers: { accept: 'text/html' } })
    expect([response.status, response.headers.get('location')]).toEqual([302, '/'])
  })
})

describe('what goes wrong is said', () => {
  test.each([
    [{ email: 'ada' }, 'Some fields are missing or invalid. email: It is not an e-mail address.'],
    [{ ...ADA, roles: [] }, 'Some fields are missing or invalid. roles: It is too short.'],
  ])('%j', async (somebody, reason) => {
    await expect(fetchAs(site.origin, somebody)).rejects.toThrow(
      `cannot sign in to ${site.origin} as ${somebody.email}: ${reason}`,
    )
  })

  test('another secret, none, or nobody there', async () => {
    const secret = 'x'.repeat(40)
    const wrong = fetchAs(site.origin, ADA, { secret })
    await expect(wrong).rejects.toThrow('it was started with another PORCHLIGHT_TEST_SIGN_IN')
    await expect(wrong).rejects.not.toThrow(secret)
    await expect(fetchAs(site.origin, ADA, { secret: '' })).rejects.toThrow('PORCHLIGHT_TEST_SIGN_IN is not set')
    await expect(fetchAs(`http://localhost:${await freePort()}`, ADA)).rejects.toThrow('fetch failed')
    await expect(fetchAs(upstream.origin, ADA)).rejects.toThrow('it answered 200 and is perhaps another site')
  })

  test('a setting that is not right, before anything is started', async () => {
    await expect(startPorchlight({ accessSeconds: 1 })).rejects.toMatchObject({
      advice: [expect.stringContaining('accessSeconds in the settings passed')],
    })
  })
})

test('a second server beside the first has its own people, and closing removes its data', async () => {
  const other = await startPorchlight({ demo: false })
  const ada = await fetchAs(other.origin, ADA)
  expect(await person(ada)).toMatchObject(ADA)
  await Promise.all([other.close(), other.close()])
  await expect(ada('/auth/session')).rejects.toThrow('fetch failed')
})

test('testEnvironment makes up one secret for all', () => {
  expect(testEnvironment()).toEqual(testEnvironment())
  expect(testEnvironment().PORCHLIGHT_TEST_SIGN_IN).toBe(process.env['PORCHLIGHT_TEST_SIGN_IN'])
})
