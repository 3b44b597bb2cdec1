import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SessionAnswer } from '../../contract/wire.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

// A server that started with its clock a year ahead, which was then corrected: whatever was created before now lies in
// the future.

const YEAR = 365 * 86_400_000
const EMAIL = 'ada@example.org'
const NEXT = 'an entirely new lantern'

let at: ReturnType<typeof testRoutes>
let ada: Browser

beforeEach(async () => {
  at = testRoutes()
  ada = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await ada.post('/auth/setup', { email: EMAIL, name: 'Ada', password: GOOD_PASSWORD, code: at.codeOf(href) })
})
afterEach(() => at.close())

const signIn = (browser: Browser, password: string) => browser.post('/auth/login', { email: EMAIL, password })

test('a password set in the future (by a wrong clock) still signs in and confirms', async () => {
  at.setBack(YEAR)
  const browser = at.browser()
  expect((await signIn(browser, GOOD_PASSWORD)).status).toBe(200)
  expect((await browser.post('/auth/reauthenticate', { password: GOOD_PASSWORD })).status).toBe(200)
  expect((await browser.post('/auth/password', { current: GOOD_PASSWORD, next: NEXT })).status).toBe(200)
  expect(await refusal(signIn(at.browser(), GOOD_PASSWORD))).toBe('401 invalid_credentials')
  expect((await signIn(at.browser(), NEXT)).status).toBe(200)
})

test('a throttle that began in the future (by a wrong clock) does not last until then', async () => {
  const stranger = at.browser()
  for (let n = 0; n < 5; n++) await signIn(stranger, 'wrong and wrong again')
  expect(await refusal(signIn(stranger, GOOD_PASSWORD))).toBe('429 slow_down')
  at.setBack(YEAR)
  expect((await signIn(stranger, GOOD_PASSWORD)).status).toBe(200)
})

test("a browser that signs in afterwards is a known device, which strangers' failures do not lock out", async () => {
  at.setBack(YEAR)
  await signIn(ada, GOOD_PASSWORD)
  await ada.post('/auth/logout')
  const stranger = at.browser()
  for (let n = 0; n < 6; n++) await signIn(stranger, 'wrong and wrong again')
  expect(await refusal(signIn(stranger, GOOD_PASSWORD))).toBe('429 slow_down')
  expect((await signIn(ada, GOOD_PASSWORD)).status).toBe(200)
})

test('a sign-in dated in the future (by a wrong clock) does not count as recent for a year', async () => {
  at.setBack(YEAR)
  expect(((await (await ada.get('/auth/session')).json()) as SessionAnswer).user?.name).toBe('Ada')
  expect(await refusal(ada.post('/auth/invites', { roles: ['admin'] }))).toBe('401 reauthentication_required')
  expect((await ada.post('/auth/reauthenticate', { password: GOOD_PASSWORD })).status).toBe(200)
  expect((await ada.post('/auth/invites', { roles: ['admin'] })).status).toBe(200)
})
