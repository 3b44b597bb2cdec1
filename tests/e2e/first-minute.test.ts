import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MethodsAnswer } from '../../server/contract/wire.ts'
import { hydrated, launchChromium, newContext, NO_TROUBLE } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import { formTo, send, signInByForm, signOutByForm } from '../support/forms.ts'
import { codeIn, somebody } from '../support/people.ts'
import { runCommand, type Server, startServer, stopAll } from '../support/server.ts'

let server: Server
let chromium: Browser

beforeAll(async () => {
  ;[server, chromium] = await Promise.all([startServer({ settings: { SETUP_CODE: null } }), launchChromium()])
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

test('a newcomer follows the set-up link, looks around, signs out and in, and ends a session from another browser', async () => {
  const person = somebody('Ada First')
  expect((await new Visitor(server.origin).get('/auth/methods')).json<MethodsAnswer>().setupNeeded).toBe(true)
  const printed = await runCommand(['setup'], {
    dataDir: server.dataDir,
    settings: { PUBLIC_URL: server.origin, PORT: String(server.port) },
  })
  const link = /https?:\/\/\S+/.exec(printed.output)?.[0] ?? ''
  expect(codeIn(link).length).toBeGreaterThanOrEqual(22)

  const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
  await page.goto(link)
  await hydrated(page)
  expect(page.url()).not.toContain(codeIn(link))
  await send(page, '/auth/setup', { email: person.email, name: person.name, password: person.password })
  await page.waitForURL(url => url.pathname === '/')
  await expect.poll(() => page.content()).toContain(person.name)

  for (const path of ['/account', '/account/sessions', '/account/security', '/people', '/']) {
    const answer = await page.goto(path)
    expect(answer?.status(), path).toBe(200)
  }
  await hydrated(page)
  await signOutByForm(page)
  await page.goto('/account')
  expect(new URL(page.url()).pathname).toBe('/sign-in')
  await signInByForm(page, person)
  expect(new URL(page.url()).pathname).toBe('/account')

  const other = await newContext(chromium, { baseURL: server.origin })
  await signInByForm(other.page, person)
  await other.page.goto('/account/sessions')
  await hydrated(other.page)
  expect((await otherSessions(server, other.page)).length).toBe(1)
  await other.page.locator('main li').filter({ hasNotText: 'This device' }).getByRole('button').click()
  await other.page.locator('dialog[open] button:not(.quiet)').click()
  await expect.poll(async () => (await otherSessions(server, other.page)).length).toBe(0)

  await page.goto('/account')
  expect(new URL(page.url()).pathname).toBe('/sign-in')
  expect(await formTo(page, '/auth/login').count()).toBe(1)
  expect(trouble).toEqual(NO_TROUBLE)
})

test('the set-up link works once, and afterwards there is nothing to set up', async () => {
  const methods = (await new Visitor(server.origin).get('/auth/methods')).json<MethodsAnswer>()
  expect(methods.setupNeeded).toBe(false)
  const late = await new Visitor(server.origin).post('/auth/setup', { code: 'x'.repeat(32), ...somebody() })
  expect(late.status).toBe(409)
  expect(late.json()).toMatchObject({ code: 'already_set_up' })
})

/** The sessions of whoever is signed in on that page, but its own. */
async function otherSessions(on: Server, page: Page): Promise<unknown[]> {
  const answer = await page.request.get(`${on.origin}/auth/sessions`)
  return ((await answer.json()) as { sessions: { current: boolean }[] }).sessions.filter(session => !session.current)
}
