import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { OPERATOR } from '../../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { PasswordStrength } from '../../contract/wire.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

let at: ReturnType<typeof testRoutes>
afterEach(() => at.close())

const measure = async (browser: Browser, request: object) =>
  (await (await browser.post('/auth/password/strength', request)).json()) as PasswordStrength

const PASSWORDS = [
  'short',
  'passwordpassword',
  'grace lantern grace',
  'qwertyuiopasdfghjkl',
  'correct horse battery staple',
  'a lantern left burning',
  'x'.repeat(1025),
  'aaaaaaaaaaaaaaaaaaaaa',
  '我爱你我爱你我爱你我爱你我爱你',
  'vXq81-!zzPq.3mRt7_aa',
]

test('NI-5 the meter says what the check says, for every password, at sign-up and by a link', async () => {
  at = testRoutes({ registration: 'open' })
  const { href } = await at.people.registration.makeSetupLink()
  await at.browser().post('/auth/setup', {
    email: 'root@example.org',
    name: 'Root',
    password: GOOD_PASSWORD,
    code: at.codeOf(href),
  })
  let n = 0
  for (const password of PASSWORDS) {
    const who = { email: `grace.lantern${n++}@example.org`, name: 'Grace Lantern' }
    const network = `198.51.100.${n}`
    const { problem, strength } = await measure(at.browser({ ...CLIENT, network }), { password, ...who })
    const made = await refusal(at.browser({ ...CLIENT, network }).post('/auth/register', { password, ...who }))
    expect(made, password.slice(0, 30)).toBe(problem === null ? '200 ' : `400 ${problem}`)
    expect(strength === 'weak').toBe(problem !== null)

    const account = await at.people.accounts.create(
      { ...who, email: `other${n}@example.org`, roles: ['user'], password: GOOD_PASSWORD },
      OPERATOR,
    )
    const code = at.codeOf((await at.people.resets.makeLink(account.id, OPERATOR)).href)
    const byLink = await measure(at.browser({ ...CLIENT, network }), { password, code })
    const reset = await refusal(at.browser({ ...CLIENT, network }).post('/auth/reset', { code, password }))
    expect(reset, password.slice(0, 30)).toBe(byLink.problem === null ? '200 ' : `400 ${byLink.problem}`)
  }
})

test('the meter knows whose password it will be from the session, whatever the request says', async () => {
  at = testRoutes()
  const browser = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await browser.post('/auth/setup', {
    email: 'grace@example.org',
    name: 'Grace Lantern',
    password: 'an evening on the veranda',
    code: at.codeOf(href),
  })
  expect(await measure(browser, { password: 'grace lantern grace', name: 'X', email: 'x@example.org' })).toEqual({
    strength: 'weak',
    problem: 'password_personal',
  })
  expect(await measure(browser, { password: 'vXq81-!zzPq.3mRt7_aa' })).toEqual({ strength: 'strong', problem: null })
})

test('the meter is bounded per network, and nothing of a password is logged', async () => {
  at = testRoutes()
  const statuses: string[] = []
  for (let n = 0; n < 70; n++)
    statuses.push(await refusal(at.browser().post('/auth/password/strength', { password: 'an odd lantern indeed' })))
  expect(new Set(statuses)).toEqual(new Set(['200 ', '429 slow_down']))
  expect(at.lines.join('\n')).not.toContain('odd lantern')
  expect(await refusal(at.browser({ ...CLIENT, network: '198.51.100.9' }).post('/auth/password/strength', {}))).toBe(
    '400 invalid_body',
  )
})

test('ASVS 6.2.12 a leaked password is refused at sign-up, by a link and at a change; the meter asks no service', async () => {
  let asked = 0
  const leaked = 'a lantern found in a breach'
  const service = createServer((_, response) => {
    asked++
    response.end(`${createHash('sha1').update(leaked).digest('hex').toUpperCase().slice(5)}:9\r\n`)
  })
  await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
  at = testRoutes({ breachedPasswords: `http://127.0.0.1:${(service.address() as AddressInfo).port}/` })
  const browser = at.browser()
  const code = at.codeOf((await at.people.registration.makeSetupLink()).href)
  const person = { email: 'root@example.org', name: 'Root', code }
  expect(await refusal(browser.post('/auth/setup', { ...person, password: leaked }))).toBe('400 password_breached')
  expect(await refusal(browser.post('/auth/setup', { ...person, password: GOOD_PASSWORD }))).toBe('200 ')
  const change = { current: GOOD_PASSWORD, next: leaked }
  expect(await refusal(browser.post('/auth/password', change))).toBe('400 password_breached')
  const id = (await at.people.accounts.findByEmail('root@example.org'))?.id ?? ''
  const reset = at.codeOf((await at.people.resets.makeLink(id, OPERATOR)).href)
  expect(await refusal(at.browser().post('/auth/reset', { code: reset, password: leaked }))).toBe(
    '400 password_breached',
  )
  const before = asked
  expect((await measure(at.browser(), { password: leaked })).problem).toBeNull()
  expect(asked).toBe(before)
  service.close()
})
