import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ResetLinkAnswer } from '../../server/contract/wire.ts'
import { launchChromium } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import { formTo, send } from '../support/forms.ts'
import { codeIn, invite, type Person, signUp, somebody } from '../support/people.ts'
import { siteRoutes } from '../support/site-routes.ts'
import { SETUP_CODE, type Server, startServer, stopAll } from '../support/server.ts'

let server: Server
let chromium: Browser
let admin: Visitor
let adminPerson: Person
let context: BrowserContext
let page: Page

beforeAll(async () => {
  ;[server, chromium] = await Promise.all([startServer(), launchChromium()])
})
beforeEach(async () => {
  await context?.close()
  context = await chromium.newContext({ javaScriptEnabled: false, baseURL: server.origin })
  page = await context.newPage()
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

const path = () => new URL(page.url()).pathname

describe('UX-18 without JavaScript', () => {
  test('the first administrator is made', async () => {
    adminPerson = somebody('Ada First')
    await page.goto(`/set-up#code=${SETUP_CODE}`)
    await send(page, '/auth/setup', {
      code: SETUP_CODE,
      email: adminPerson.email,
      name: adminPerson.name,
      password: adminPerson.password,
    })
    expect(path()).toBe('/')
    expect(await page.content()).toContain(adminPerson.name)
    admin = new Visitor(server.origin)
    await admin.post('/auth/login', { email: adminPerson.email, password: adminPerson.password })
  })

  test('sign-in goes to the wanted page, sign-out to its own', async () => {
    await page.goto('/account/sessions')
    expect(path()).toBe('/sign-in')
    await send(page, '/auth/login', { email: adminPerson.email, password: adminPerson.password })
    expect(path()).toBe('/account/sessions')
    await formTo(page, '/auth/logout').first().locator('button[type=submit]').click()
    expect(path()).toBe('/signed-out')
    expect((await context.cookies()).filter(cookie => /access|refresh/.test(cookie.name))).toEqual([])
  })

  test('a wrong password says so, keeps the address, and neither field is in a URL', async () => {
    await page.goto('/sign-in')
    await send(page, '/auth/login', { email: adminPerson.email, password: 'not the right password' })
    expect(path()).toBe('/sign-in')
    expect(page.url()).not.toContain('%40')
    expect(page.url()).not.toContain('@')
    const form = formTo(page, '/auth/login')
    expect(await form.locator('[name=email]').inputValue()).toBe(adminPerson.email)
    expect(await form.locator('[name=password]').inputValue()).toBe('')
    expect(await page.getByRole('alert').count()).toBeGreaterThan(0)
    expect(await page.content()).not.toContain('not the right password')
  })

  test('an invitation makes an account', async () => {
    const person = somebody('Grace Invited')
    await page.goto('/sign-up')
    await send(page, '/auth/register', {
      invite: await invite(admin),
      email: person.email,
      name: person.name,
      password: person.password,
    })
    expect(path()).toBe('/')
    expect(await page.content()).toContain(person.name)
  })

  test('a common password is refused with the fields kept, and the same invitation still works', async () => {
    const person = somebody('Grace Again')
    await page.goto('/sign-up')
    await send(page, '/auth/register', {
      invite: await invite(admin),
      email: person.email,
      name: person.name,
      password: 'PasswordPassword',
    })
    expect(path()).toBe('/sign-up')
    expect(await formTo(page, '/auth/register').locator('[name=name]').inputValue()).toBe(person.name)
    await send(page, '/auth/register', { password: person.password })
    expect(path()).toBe('/')
  })

  test('a reset link gives a new password', async () => {
    const { person, answer } = await signUp(admin)
    const made = await admin.post(`/auth/people/${answer.user?.id ?? ''}/reset`)
    const { href } = made.json<ResetLinkAnswer>()
    await page.goto(href)
    await send(page, '/auth/reset', { code: codeIn(href), password: 'another quiet lantern 42' })
    await page.goto('/sign-in')
    await send(page, '/auth/login', { email: person.email, password: 'another quiet lantern 42' })
    expect(path()).toBe('/')
  })

  test('UX-18 name and password are changed on the account page, failures come back to their own form, and no field is in a URL', async () => {
    await signIn()
    await page.goto('/account')
    await send(page, '/auth/user', { name: 'Ada Unscripted' })
    expect(path()).toBe('/account')
    expect(await page.locator('.notice[role=alert]').count()).toBe(1)
    expect(await formTo(page, '/auth/user').locator('[name=name]').inputValue()).toBe('Ada Unscripted')

    await send(page, '/auth/password', { current: 'not the right password', next: 'another quiet lantern 43' })
    expect(new URL(page.url()).search).toBe('?problem=invalid_credentials&form=password')
    expect(await page.locator('.notice[role=alert]').count()).toBe(1)
    expect(await formTo(page, '/auth/user').locator('[aria-invalid]').count()).toBe(0)
    expect(await formTo(page, '/auth/password').locator('[name=current]').inputValue()).toBe('')
    expect(await page.content()).not.toContain('another quiet lantern 43')

    await send(page, '/auth/password', { current: adminPerson.password, next: 'another quiet lantern 43' })
    adminPerson.password = 'another quiet lantern 43'
    expect(new URL(page.url()).search).toBe('?saved=password')
    expect(await page.locator('.notice[role=alert]').count()).toBe(1)
    await page.goto('/account/sessions')
    expect(path()).toBe('/account/sessions')
  })

  test('on every page, signed in or not, each form is posted and each control that shows does something', async () => {
    const dead: string[] = []
    const forms = new Set<string>()
    for (const signedIn of [false, true]) {
      if (signedIn) await signIn()
      for (const route of siteRoutes()) {
        await page.goto(route.replace(/:\w+/, 'no-such-page'))
        for (const form of await page.locator('form').all()) {
          const [method, action] = [await form.getAttribute('method'), await form.getAttribute('action')]
          forms.add(action ?? '')
          if (method !== 'post' || action?.startsWith('/') !== true)
            dead.push(`${route}: a form that goes out as ${method ?? 'GET'} to ${action ?? 'its own page'}`)
        }
        for (const control of await page.locator('button, select, input, textarea, [role=button]').all()) {
          if (!(await control.isVisible())) continue
          const form = await actionOf(control)
          const type = await control.getAttribute('type')
          if (form === null || !ALIVE.has(form) || type === 'button')
            dead.push(
              `${route}: ${(await control.textContent())?.trim() ?? ''} ${(await control.getAttribute('name')) ?? ''} ${type ?? ''} of ${form ?? 'no form'}`,
            )
        }
      }
    }
    expect(dead).toEqual([])
    expect([...forms]).toEqual(expect.arrayContaining([...ALIVE]))
  })

  test('pages that need JavaScript say so', async () => {
    await signIn('/sign-in?returnTo=/account/sessions')
    expect(await page.locator('noscript').count()).toBeGreaterThan(0)
  })
})

/** Calls that a form may make. */
const ALIVE = new Set([
  '/auth/login',
  '/auth/logout',
  '/auth/register',
  '/auth/reset',
  '/auth/email/verify',
  '/auth/email/restore',
  '/auth/user',
  '/auth/password',
  '/auth/reauthenticate',
])

/**
 * Where the form of a control goes, which may stand outside of it.
 * @returns null: it has none
 */
async function actionOf(control: Locator): Promise<string | null> {
  const id = await control.getAttribute('form')
  const form = id === null ? control.locator('xpath=ancestor::form') : page.locator(`[id="${id}"]`)
  return (await form.count()) === 0 ? null : form.getAttribute('action')
}

async function signIn(at = '/sign-in'): Promise<void> {
  await page.goto(at)
  await send(page, '/auth/login', { email: adminPerson.email, password: adminPerson.password })
}
