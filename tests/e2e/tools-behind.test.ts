import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE } from '../support/chromium.ts'
import { formTo, send, signInByForm } from '../support/forms.ts'
import { type Person, setUp, signIn, signUp, somebody } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'
import { varied } from '../support/varied.ts'

// A tool as people have them: pages of its own with scripts and forms, below a prefix that it knows.
const tool = http.createServer((incoming, outgoing) => {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () =>
    outgoing.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html><title>tool</title>
<h1>${incoming.method} ${incoming.url} ${Buffer.concat(chunks).toString()}</h1>
<form method="post" action="save"><input name="text" value="typed"><button>Save</button></form>
<script>document.title = 'ran'</script>`),
  )
})

let server: Server
/** Here the tool is the front end. */
let closed: Server
let chromium: Browser
let admin: Person
const closedAdmin = somebody('Ada Front')
let user: Person
/** Sessions that are too old for some pages once the last tests run. */
let early: { name: string; value: string; url: string }[][]

beforeAll(async () => {
  await new Promise<void>(done => tool.listen(0, '127.0.0.1', done))
  const target = `http://127.0.0.1:${(tool.address() as AddressInfo).port}`
  const each = { target, document: true, strip: false }
  server = await startServer({
    settings: {
      UPSTREAMS: JSON.stringify([
        { ...each, name: 'desk' },
        { ...each, name: 'admin', prefix: '/tool-admin', requires: { roles: ['admin'] } },
        { ...each, name: 'recent', prefix: '/recent', requires: { maxAge: 8 } },
        { target, name: 'orders' },
      ]),
    },
  })
  closed = await startServer({
    settings: { SITE: JSON.stringify({ upstream: target, requires: { signedIn: true }, serverRoutes: true }) },
  })
  await setUp(closed.origin, closedAdmin)
  chromium = await launchChromium()
  const first = await setUp(server.origin)
  admin = first.person
  const second = await signUp(first.browser)
  user = second.person
  early = [second.browser, await signIn(server.origin, user)].map(({ jar }) =>
    jar.all().map(({ name, value }) => ({ name, value, url: server.origin })),
  )
})
afterAll(async () => {
  await chromium?.close()
  tool.closeAllConnections()
  tool.close()
  await stopAll()
})

const visitor = (javaScriptEnabled = true) => newContext(chromium, { baseURL: server.origin, javaScriptEnabled })
const arrive = (page: Page, path: string) => page.waitForURL(url => url.pathname + url.search === path)
const heading = (page: Page) => page.textContent('h1')
const signInHere = (page: Page, { email, password }: Person) => send(page, '/auth/login', { email, password })

test.each([true, false])(
  'a page of a tool leads to sign-in, and from there to that very page by a full load (JavaScript: %s)',
  async javaScript => {
    const { page, trouble } = await visitor(javaScript)
    await page.goto('/api/desk/lab%20one?q=1#part')
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    if (javaScript) await signInByForm(page, user)
    else await signInHere(page, user)
    await arrive(page, '/api/desk/lab%20one?q=1')
    expect(await heading(page)).toBe('GET /api/desk/lab%20one?q=1 ')
    expect(await page.title()).toBe(javaScript ? 'ran' : 'tool')
    // Somebody who is signed in already is led on at once, and back from there past the sign-in page.
    await page.goto('/sign-in?returnTo=%2Fapi%2Fdesk%2Fother')
    expect(await heading(page)).toBe('GET /api/desk/other ')
    if (javaScript) expect(trouble).toEqual(NO_TROUBLE)
    await page.context().close()
  },
)

test.each(varied([true], [true, false]))(
  'what cannot be returned to leads home, and a page that the account may not see ends there, without a loop (JavaScript: %s)',
  async javaScript => {
    const { page } = await visitor(javaScript)
    await page.goto('/sign-in?returnTo=%2Fapi%2Forders%2F1')
    if (javaScript) await signInByForm(page, user)
    else await signInHere(page, user)
    await page.waitForURL(`${server.origin}/`)
    const refused = await page.goto('/sign-in?returnTo=%2Ftool-admin%2F')
    expect([refused?.status(), new URL(page.url()).pathname]).toEqual([403, '/tool-admin/'])
    await page.click('main a')
    await arrive(page, '/account')
    await page.context().close()
  },
)

test('a role that is lacking after the sign-in shows why, once', async () => {
  const { page } = await visitor()
  await page.goto('/tool-admin/users')
  await signInByForm(page, user)
  await arrive(page, '/tool-admin/users')
  expect(await page.textContent('main')).toContain(user.email)
  await page.context().close()
  const other = await visitor()
  await other.page.goto('/tool-admin/users')
  await signInByForm(other.page, admin)
  await arrive(other.page, '/tool-admin/users')
  expect(await heading(other.page)).toBe('GET /tool-admin/users ')
  await other.page.context().close()
})

test.each(varied([true], [true, false]))(
  'a front end for some people only leads each of its pages to sign-in and back, below /api too (JavaScript: %s)',
  async javaScript => {
    for (const path of varied(['/orders/7?view=all'], ['/', '/orders/7?view=all', '/api/docs?v=1'])) {
      const { page } = await newContext(chromium, { baseURL: closed.origin, javaScriptEnabled: javaScript })
      await page.goto(path)
      expect(new URL(page.url()).pathname).toBe('/sign-in')
      if (javaScript) await hydrated(page)
      await signInHere(page, closedAdmin)
      await arrive(page, path)
      expect(await heading(page)).toBe(`GET ${path} `)
      await page.context().close()
    }
  },
)

test('a form that is sent after the session has ended is not lost: signing in beside it, then sending it again, works', async () => {
  const { context, page } = await visitor()
  await page.goto('/api/desk/form')
  await signInByForm(page, user)
  await arrive(page, '/api/desk/form')
  await page.fill('[name=text]', 'an afternoon of work')
  await page.request.post('/auth/logout', { headers: { origin: server.origin } })
  await page.click('button')
  expect(await page.textContent('main')).toContain('was not processed')
  const [beside] = await Promise.all([context.waitForEvent('page'), page.click('main a')])
  await signInByForm(beside, user)
  await arrive(beside, '/api/desk/form')
  await page.reload()
  expect(await heading(page)).toBe('POST /api/desk/save text=an+afternoon+of+work')
  await context.close()
})

test('a frame shows the way to sign in for the page around it', async () => {
  const { context, page } = await visitor()
  await page.goto('/api/desk/board')
  await signInByForm(page, user)
  await arrive(page, '/api/desk/board')
  await page.request.post('/auth/logout', { headers: { origin: server.origin } })
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<iframe src="/api/desk/panel"></iframe>')`)
  await page.frameLocator('iframe').locator('main a').click()
  await signInByForm(page, user)
  await arrive(page, '/api/desk/board')
  await context.close()
})

test('a sign-up by invitation that began at a tool ends there', async () => {
  const { page } = await visitor()
  await page.goto('/api/desk/new')
  await page.click('a[href^="/sign-up"]')
  await formTo(page, '/auth/register').waitFor()
  expect(new URL(page.url()).searchParams.get('returnTo')).toBe('/api/desk/new')
  await page.context().close()
})

test.each(varied([true], [true, false]))(
  'RFC 9470 a page that requires a recent sign-in asks for the password, and continues (JavaScript: %s)',
  async javaScript => {
    const { context, page } = await visitor(javaScript)
    await context.addCookies(early.pop() ?? [])
    await expect
      .poll(async () => (await page.goto('/recent/report?id=8'), new URL(page.url()).pathname), { timeout: 30_000 })
      .toBe('/reauthenticate')
    if (javaScript) await hydrated(page)
    await send(page, '/auth/reauthenticate', { password: 'not the right password' })
    await page.locator('.notice.bad').waitFor()
    await send(page, '/auth/reauthenticate', { password: user.password })
    await arrive(page, '/recent/report?id=8')
    expect(await heading(page)).toBe('GET /recent/report?id=8 ')
    await context.close()
  },
)
