import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE } from '../support/chromium.ts'
import type { Visitor } from '../support/client.ts'
import { formTo, send, signInByForm, signOutByForm } from '../support/forms.ts'
import { invite, type Person, setUp, signIn, signUp } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

let server: Server
let chromium: Browser
let admin: Visitor
let adminPerson: Person

beforeAll(async () => {
  ;[server, chromium] = await Promise.all([startServer(), launchChromium()])
  ;({ browser: admin, person: adminPerson } = await setUp(server.origin))
})
// A page that is left open goes on asking and drawing.
afterEach(async () => void (await Promise.all(chromium.contexts().map(context => context.close()))))
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

const open = () => newContext(chromium, { baseURL: server.origin })

describe('several tabs of one browser', () => {
  test('notice a sign-in and a sign-out in another tab', async () => {
    const { person } = await signUp(admin)
    const { context, page: first, trouble } = await open()
    await first.goto('/')
    await hydrated(first)
    const second = await context.newPage()
    await signInByForm(second, person)

    await first.bringToFront()
    await expect.poll(() => first.locator('body').innerText()).toContain('Sign out')
    // What a page has asked for as somebody is answered 401 when another tab signs out first: here nothing is under
    // way.
    for (const page of [first, second]) await expect.poll(() => page.locator('main').innerText()).toContain('Reachable')
    await second.bringToFront()
    await signOutByForm(second)
    await first.bringToFront()
    await expect.poll(() => first.locator('body').innerText()).toContain('Sign in')
    expect(await formTo(first, '/auth/logout').count()).toBe(0)
    expect(await first.content()).not.toContain(person.email)
    expect(trouble).toEqual(NO_TROUBLE)
  })

  test('take over a language that was chosen in another tab, on the pages that load sentences of their own too', async () => {
    const { browser } = await signUp(admin)
    const { context, page: first, trouble } = await open()
    await context.addCookies(
      browser.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin })),
    )
    await first.goto('/account/security')
    await hydrated(first)
    const second = await context.newPage()
    await second.goto('/account')
    await hydrated(second)
    await second.locator('footer select').first().selectOption('zh-CN')
    for (const page of [first, second]) {
      await expect.poll(() => page.locator('h1').innerText()).toBe('您的账户')
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    }
    await expect.poll(() => first.locator('main').innerText()).toContain('账户已创建')
    await second.locator('main a[href="/account/sessions"]').click()
    await expect.poll(() => second.locator('main h2').innerText()).toBe('设备')
    await second.reload()
    expect(await second.locator('h1').innerText()).toBe('您的账户')
    expect(trouble).toEqual(NO_TROUBLE)
  })

  test('a session that was ended from another browser is noticed, and the page says why', async () => {
    const { person } = await signUp(admin)
    const { page } = await open()
    await signInByForm(page, person)
    await page.goto('/account')
    await hydrated(page)
    const other = await signIn(server.origin, person)
    expect((await other.ask({ method: 'DELETE', path: '/auth/sessions' })).status).toBeLessThan(300)
    await page.goto('/account/sessions')
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    const { ended } = JSON.parse(await page.evaluate('fetch("/auth/session").then(answer => answer.text())')) as {
      ended: string
    }
    expect(ended).toBe('signed_out_elsewhere')
  })
})

describe('the wanted page', () => {
  test('is kept across sign-in, query and all, with a real load and with a click', async () => {
    const { person } = await signUp(admin)
    const { page } = await open()
    await page.goto('/account/security?from=mail')
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    await signInByForm(page, person)
    expect(page.url()).toBe(`${server.origin}/account/security?from=mail`)
  })

  const ELSEWHERE = [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/%09/evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    'https:evil.example',
    '/\t/evil.example',
    '/sign-in',
    '/auth/logout',
  ]

  test.each(ELSEWHERE)('OA-1 returnTo %j leads nowhere else', async wanted => {
    const posted = await admin
      .stranger()
      .form('/auth/login', { email: adminPerson.email, password: adminPerson.password, returnTo: wanted })
    expect(posted.status).toBe(303)
    expect(new URL(posted.headers.location ?? '', server.origin).origin).toBe(server.origin)
    const already = await admin.page(`/sign-in?returnTo=${encodeURIComponent(wanted)}`)
    expect(new URL(already.headers.location ?? '/', server.origin).origin).toBe(server.origin)
  })

  test.each(ELSEWHERE.slice(0, 3))('OA-1 returnTo %j leads nowhere else with scripts either', async wanted => {
    const { page, context } = await open()
    await page.goto(`/sign-in?returnTo=${encodeURIComponent(wanted)}`)
    await hydrated(page)
    await send(page, '/auth/login', { email: adminPerson.email, password: adminPerson.password })
    await page.waitForURL(url => url.pathname !== '/sign-in')
    expect(new URL(page.url()).origin).toBe(server.origin)
    await context.close()
  })

  test('somebody signed in is not asked again', async () => {
    const { person } = await signUp(admin)
    const { page } = await open()
    await signInByForm(page, person)
    await page.goto('/sign-in?returnTo=/account')
    expect(new URL(page.url()).pathname).toBe('/account')
  })
})

describe('signing out within the page', () => {
  test('leaves neither the name nor the address of the person anywhere in the document', async () => {
    const { person } = await signUp(admin)
    const { page } = await open()
    await signInByForm(page, person)
    await page.goto('/account')
    await hydrated(page)
    expect(await page.content()).toContain(person.email)
    await page.evaluate('window.sameDocument = true')
    await signOutByForm(page)
    await page.getByRole('link', { name: 'Sign in again' }).waitFor()
    expect(await page.evaluate('window.sameDocument')).toBe(true)
    expect(await page.content()).not.toContain(person.email)
    expect(await page.content()).not.toContain(person.name)
  })
})

describe('without a mouse', () => {
  test('sign-in works by keyboard alone, and an error is announced and gets the focus (UX-17)', async () => {
    const { person } = await signUp(admin)
    const { page } = await open()
    await page.goto('/sign-in')
    await hydrated(page)
    await tabTo('[name=email]')
    await page.keyboard.type(person.email)
    await page.keyboard.press('Tab')
    expect(await focused('[name=password]')).toBe(true)
    await page.keyboard.type('a wrong password, typed')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').first().waitFor()
    await expect.poll(() => page.evaluate('document.activeElement !== document.body')).toBe(true)

    await formTo(page, '/auth/login').locator('[name=password]').focus()
    await page.keyboard.press('Control+A')
    await page.keyboard.type(person.password)
    await page.keyboard.press('Enter')
    await page.waitForURL(url => url.pathname === '/')

    async function focused(selector: string): Promise<boolean> {
      return (await page.evaluate(`document.activeElement?.matches('${selector}')`)) === true
    }
    async function tabTo(selector: string): Promise<void> {
      for (let presses = 0; presses < 25; presses++) {
        await page.keyboard.press('Tab')
        if (await focused(selector)) return
      }
      throw new Error(`${selector} is not reached by Tab`)
    }
  })

  test('a field that has to be changed is marked, and gets the focus once the problem was announced', async () => {
    const { page } = await open()
    await page.goto(`/sign-up#code=${await invite(admin)}`)
    await hydrated(page)
    const fields = { name: 'Ida Short', email: 'ida@example.org', password: 'PasswordPassword' }
    await send(page, '/auth/register', fields)
    const alert = page.getByRole('alert').first()
    await alert.waitFor()
    const password = formTo(page, '/auth/register').locator('[name=password]')
    await expect.poll(() => page.evaluate('document.activeElement?.name')).toBe('password')
    expect(await password.getAttribute('aria-invalid')).toBe('true')
    expect(await alert.innerText()).toContain('too common')

    await send(page, '/auth/register', { ...fields, email: adminPerson.email, password: 'a long lantern of words' })
    await expect.poll(() => page.evaluate('document.activeElement?.name')).toBe('email')
    expect(await password.getAttribute('aria-invalid')).toBeNull()

    await page.goto('/sign-in')
    await hydrated(page)
    await send(page, '/auth/login', { email: adminPerson.email, password: 'far too long '.repeat(400) })
    await expect.poll(() => page.evaluate('document.activeElement?.name')).toBe('password')
    expect(await page.locator('[name=password]').getAttribute('aria-invalid')).toBe('true')
  })

  test('UX-2 UX-5 every field says what belongs into it, a code is one field, and nothing stands in the way of pasting', async () => {
    const { browser: visitor } = await signUp(admin)
    const stranger = visitor.stranger()
    const fields = async (browser: typeof visitor, path: string) => {
      const page = (await browser.page(path)).text
      expect(page).not.toMatch(/onpaste/i)
      return Object.fromEntries(
        [...page.matchAll(/<input [^>]*>/g)].map(([tag]) => [
          / name="([^"]+)"/.exec(tag)?.[1] ?? 'for password managers only',
          / autocomplete="([^"]+)"/.exec(tag)?.[1],
        ]),
      )
    }
    expect(await fields(stranger, '/sign-in')).toMatchObject({ email: 'username', password: 'current-password' })
    expect(await fields(stranger, '/sign-up')).toMatchObject({
      invite: 'off',
      name: 'name',
      email: 'username',
      password: 'new-password',
    })
    expect(await fields(stranger, '/reset')).toMatchObject({ code: 'off', password: 'new-password' })
    expect(await fields(visitor, '/account')).toMatchObject({
      name: 'name',
      current: 'current-password',
      next: 'new-password',
      'for password managers only': 'username',
    })
  })

  test('the first Tab leads past the header, and what has the focus shows it', async () => {
    const { page } = await open()
    await page.goto('/sign-in')
    await hydrated(page)
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.getAttribute("href")')).toMatch(/^#/)
    const outline = await page.evaluate(
      'getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).boxShadow',
    )
    expect(outline).not.toBe('nonenone')
  })

  test('UX-1 ASVS 6.2.7 a password can be pasted, and what was typed before the scripts came is kept', async () => {
    const { person } = await signUp(admin)
    const { page } = await open()
    await page.route('**/_porchlight/**/*.js', async route => {
      await new Promise(done => setTimeout(done, 600))
      await route.continue()
    })
    await page.goto('/sign-in', { waitUntil: 'commit' })
    const form = formTo(page, '/auth/login')
    await form.locator('[name=email]').fill(person.email)
    await form.locator('[name=password]').focus()
    await page.keyboard.insertText(person.password)
    await hydrated(page)
    expect(await form.locator('[name=email]').inputValue()).toBe(person.email)
    expect(await form.locator('[name=password]').inputValue()).toBe(person.password)
    await form.locator('button[type=submit]').click()
    await page.waitForURL(url => url.pathname === '/')
  })
})
