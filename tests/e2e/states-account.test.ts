import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import type { Visitor } from '../support/client.ts'
import { send } from '../support/forms.ts'
import { LANGUAGES, lookAt } from '../support/look.ts'
import { invite, setUp, signIn, signUp, somebody } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

// Sign-in, account and people once something was done or has failed. pages.test.ts looks at each page as it opens.

type Language = (typeof LANGUAGES)[number]

/** Nobody listens there: the pages only have to know that mail is configured. */
const MAIL = { MAIL_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'login@porch.example' }

let server: Server
let chromium: Browser
let admin: Visitor

beforeAll(async () => {
  ;[server, chromium] = await Promise.all([startServer({ settings: MAIL }), launchChromium()])
  admin = (await setUp(server.origin, somebody('Ada First'))).browser
  await signUp(admin, somebody('Grace Lantern'))
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

async function open(language: Language, path: string, visitor?: Visitor): Promise<Page> {
  const { context, page } = await newContext(chromium, {
    baseURL: server.origin,
    locale: language,
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  })
  const cookies = visitor?.jar.all() ?? []
  await context.addCookies(cookies.map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin })))
  await page.goto(path)
  await hydrated(page)
  return page
}

describe.each(LANGUAGES)('axe: in %s', language => {
  test('a sign-in and a sign-up that failed', async () => {
    const page = await open(language, '/sign-in')
    await send(page, '/auth/login', { email: 'grace@example.org', password: 'not the right password' })
    await page.getByRole('alert').first().waitFor()
    await lookAt(page, { name: 'sign-in.failed', language })

    await page.goto(`/sign-up#code=${await invite(admin)}`)
    await hydrated(page)
    const fields = { name: 'Grace', email: 'grace@example.org', password: 'PasswordPassword' }
    await send(page, '/auth/register', fields)
    await page.getByRole('alert').first().waitFor()
    await lookAt(page, { name: 'sign-up.failed', language })
    await page.context().close()
  })

  test('NI-5 a password being chosen: characters are counted up to the least length, then it is judged as the server will', async () => {
    const page = await open(language, `/sign-up#code=${await invite(admin)}`)
    const meter = page.locator('.meter [role=status]')
    const field = page.locator('[name=password]')
    const lit = page.locator('.meter .lit')
    await field.fill('only 12 char')
    await expect.poll(() => meter.textContent()).toContain('3')
    expect(await lit.count()).toBe(0)
    for (const [password, steps, name] of [
      ['passwordpassword', 1, 'common'],
      ['grace lantern grace', 1, 'personal'],
      ['vXq81-!zzPq.3mRt7_aa', 4, 'strong'],
    ] as const) {
      await page.locator('[name=name]').fill('Grace Lantern')
      await field.fill(password)
      await expect.poll(() => lit.count()).toBe(steps)
      await lookAt(page, { name: `sign-up.${name}`, language })
    }
    expect(await meter.textContent()).not.toBe('')
    await page.context().close()
  })

  test('the sign-in page after the session was ended elsewhere', async () => {
    const { browser, person } = await signUp(admin, somebody('Grace Lantern'))
    await (await signIn(server.origin, person)).ask({ method: 'DELETE', path: '/auth/sessions' })
    const page = await open(language, '/account', browser)
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    expect(await page.locator('main .notice').count()).toBe(1)
    await lookAt(page, { name: 'sign-in.ended', language })
    await page.context().close()
  })

  test('an address that waits to be confirmed', async () => {
    const { browser } = await signUp(admin, somebody('Ida Moth'))
    expect((await browser.post('/auth/email', { email: 'ida.moth.new@example.org' })).status).toBe(202)
    const page = await open(language, '/account', browser)
    await page.locator('.pending').waitFor()
    await lookAt(page, { name: 'account.pending', language })
    await page.context().close()
  })

  test('an invitation just created, a person being managed, and a question before a change', async () => {
    const page = await open(language, '/people', admin)
    await page.locator('form[action="/auth/invites"] button[type=submit]').click()
    await page.locator('form[action="/auth/invites"] + .link').waitFor()
    await page.locator('details.manage').first().locator('summary').click()
    await lookAt(page, { name: 'people.managing', language })

    await page.locator('details.manage[open] button.danger').click()
    await page.locator('dialog[open] .actions').waitFor()
    await lookAt(page, { name: 'people.asking', language })
    await page.locator('dialog[open] .actions button').first().click()

    // Right after a sign-in nothing is asked for again, so the answer of a later change is given here.
    await page.route('**/auth/people/*/reset', route =>
      route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'reauthentication_required', status: 403 }),
      }),
    )
    await page.locator('details.manage[open] button').nth(1).click()
    await page.locator('dialog[open] [name=password]').waitFor()
    await page.locator('dialog[open] [name=password]').fill('not the right password')
    await page.locator('dialog[open] button[type=submit]').click()
    await page.locator('dialog[open] [role=alert]').waitFor()
    await lookAt(page, { name: 'people.reauthenticating', language })
    await page.context().close()
  })
})
