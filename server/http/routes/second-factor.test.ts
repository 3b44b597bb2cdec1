import { TOTP } from 'otpauth'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SECOND } from '../../base/clock.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { EnrolledAnswer, SessionAnswer, TotpSetupAnswer } from '../../contract/wire.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

// The whole of it is in second-factor.more.test.ts.

const ROOT = { email: 'root@example.org', password: GOOD_PASSWORD }
let at: ReturnType<typeof testRoutes>
let root: Browser
beforeEach(async () => {
  at = testRoutes()
  root = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await root.post('/auth/setup', { ...ROOT, code: at.codeOf(href), name: 'Root' })
})
afterEach(() => at.close())

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T

test('ASVS 6.3.3 ASVS 6.5.1 a person with an authenticator app signs in with a password and a code, once each', async () => {
  const { secret } = await json<TotpSetupAnswer>(root.post('/auth/totp'))
  const code = () => new TOTP({ secret }).generate({ timestamp: at.wall() })
  const { codes } = await json<EnrolledAnswer>(root.post('/auth/totp/confirm', { code: code() }))
  const browser = at.browser()
  const firstStep = () => json(browser.post('/auth/login', ROOT))
  expect(await firstStep()).toEqual({ next: 'second_factor', methods: ['totp', 'recovery'] })
  expect(await json(browser.get('/auth/session'))).toEqual({ user: null, session: null })
  expect(await refusal(browser.post('/auth/login/totp', { code: code() }))).toBe('401 incorrect_code')
  at.pass(30 * SECOND)
  const { session } = await json<SessionAnswer>(browser.post('/auth/login/totp', { code: code() }))
  expect(session).toMatchObject({ amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' })
  for (const expected of [200, 401]) {
    await firstStep()
    expect((await browser.post('/auth/login/recovery', { code: codes?.[0] })).status).toBe(expected)
  }
  expect(await refusal(root.delete('/auth/totp')), 'the session from before enrolment').toBe(
    '401 reauthentication_required',
  )
  expect((await browser.delete('/auth/totp')).status).toBe(200)
  expect(await firstStep()).toMatchObject({ session: { acr: 'aal1' } })
})
