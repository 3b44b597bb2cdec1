import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { type Browser, testRoutes } from './routes.testing.ts'

const ROOT = { email: 'root@example.org', name: 'Root', password: GOOD_PASSWORD }
const NEXT = 'an entirely new lantern'

let at: ReturnType<typeof testRoutes>
let browser: Browser
beforeEach(async () => {
  at = testRoutes()
  browser = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await browser.post('/auth/setup', { ...ROOT, code: at.codeOf(href) })
})
afterEach(() => at.close())

const whereTo = (answer: Response) => [answer.status, answer.headers.get('location')]
const sessionId = async () =>
  ((await (await browser.get('/auth/session')).json()) as { session: { id: string } | null }).session?.id
const name = async () =>
  ((await (await browser.get('/auth/session')).json()) as { user: { name: string } | null }).user?.name

describe('UX-18 account forms without JavaScript', () => {
  test('a new name is saved, and the page confirms it', async () => {
    expect(whereTo(await browser.form('/auth/user', { name: 'Rosa' }))).toEqual([303, '/account?saved=name'])
    expect(await name()).toBe('Rosa')
  })

  test('an invalid name reappears in its form with the problem, and in no URL', async () => {
    const odd = 'x'.repeat(101)
    expect(whereTo(await browser.form('/auth/user', { name: odd }))).toEqual([
      303,
      '/account?problem=invalid_body&form=profile#profile',
    ])
    expect(await browser.keptForm()).toMatchObject({
      page: '/account#profile',
      problem: { code: 'invalid_body' },
      fields: { name: odd },
    })
    expect(await name()).toBe('Root')
  })

  test('a new password ends the old session and opens a new one in this browser', async () => {
    const before = [...browser.jar.values()]
    const other = at.browser()
    await other.post('/auth/login', { email: ROOT.email, password: ROOT.password })
    expect(whereTo(await browser.form('/auth/password', { current: ROOT.password, next: NEXT }))).toEqual([
      303,
      '/account?saved=password',
    ])
    expect(await name()).toBe('Root')
    expect([...browser.jar.values()].filter(value => before.includes(value)).length).toBeLessThan(before.length)
    expect(((await (await other.get('/auth/session')).json()) as { user: unknown }).user).toBeNull()
    expect((await at.browser().post('/auth/login', { email: ROOT.email, password: NEXT })).status).toBe(200)
  })

  test.each([
    ['a wrong current one', { current: 'not the right lantern', next: NEXT }, 'invalid_credentials'],
    ['a short new one', { current: ROOT.password, next: 'short' }, 'password_too_short'],
    ['none', {}, 'invalid_body'],
    ['one more field', { current: ROOT.password, next: NEXT, username: ROOT.email }, 'invalid_body'],
  ])('a password is not changed by %s, and none is kept or put into a URL', async (_what, fields, code) => {
    const answer = await browser.form('/auth/password', fields)
    expect(whereTo(answer)).toEqual([303, `/account?problem=${code}&form=password#password`])
    expect(await browser.keptForm()).toMatchObject({ page: '/account#password', problem: { code }, fields: {} })
    expect((await at.browser().post('/auth/login', { email: ROOT.email, password: ROOT.password })).status).toBe(200)
  })

  test.each(['/auth/user', '/auth/password'])(
    'after the session has ended, %s leads to the page, which asks to sign in',
    async path => {
      browser.jar.clear()
      expect(
        (await browser.form(path, { name: 'Rosa', current: ROOT.password, next: NEXT })).headers.get('location'),
      ).toMatch(/^\/account\?problem=(?:not_signed_in|invalid_body)&form=/)
    },
  )

  test('RFC 9470 identity is confirmed by form, with a new session, and leads to the page that required it', async () => {
    const before = await sessionId()
    const done = await browser.form('/auth/reauthenticate', { password: ROOT.password, returnTo: '/reports/7?x=1' })
    expect([done.status, done.headers.get('location')]).toEqual([303, '/reports/7?x=1'])
    expect(await sessionId()).not.toBe(before)
    const stray = await browser.form('/auth/reauthenticate', { password: ROOT.password, returnTo: '//evil.example' })
    expect(stray.headers.get('location')).toBe('/')
  })

  test('a wrong password leads back to its form, which still knows the page; without a session, to the sign-in', async () => {
    const wrong = await browser.form('/auth/reauthenticate', { password: 'x', returnTo: '/reports/7' })
    expect(wrong.headers.get('location')).toBe('/reauthenticate?problem=invalid_credentials&returnTo=%2Freports%2F7')
    browser.jar.clear()
    const nobody = await browser.form('/auth/reauthenticate', { password: ROOT.password, returnTo: '/reports/7' })
    expect(nobody.headers.get('location')).toBe('/reauthenticate?problem=not_signed_in&returnTo=%2Freports%2F7')
  })
})
