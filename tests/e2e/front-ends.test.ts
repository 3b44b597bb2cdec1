import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import { send } from '../support/forms.ts'
import { type Person, setUp, signIn, somebody } from '../support/people.ts'
import {
  freePort,
  ROOT,
  type Server,
  startServer,
  statusOf,
  stopAll,
  temporaryFolder,
  waitUntil,
} from '../support/server.ts'

const FIXTURE = join(ROOT, 'tests/support/vite-app')
const VITE = join(ROOT, 'node_modules/vite/bin/vite.js')

let chromium: Browser
let api: http.Server
const children: ChildProcess[] = []

beforeAll(async () => {
  chromium = await launchChromium()
  // An API of one's own; it would refuse a call without a token.
  api = http.createServer((incoming, outgoing) =>
    outgoing
      .writeHead(incoming.headers.authorization?.startsWith('Bearer ') ? 200 : 403, {
        'content-type': 'application/json',
      })
      .end('[]'),
  )
  await new Promise<void>(done => api.listen(0, '127.0.0.1', done))
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await chromium?.close()
  api?.close()
  await stopAll()
})

/** Runs Vite as its users do, with a copy of the fixture. */
function vite(...args: string[]): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'NODE_ENV')
  const child = spawn(process.execPath, [VITE, ...args], { cwd: ROOT, env: Object.fromEntries(inherited) })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  return { child, output: () => output, ended: new Promise(done => child.on('exit', done)) }
}

async function startWith(site: object): Promise<{ server: Server; person: Person }> {
  const target = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const upstreams = [
    { name: 'orders', target },
    { name: 'wages', target, requires: { maxAge: 0.1 } },
  ]
  const server = await startServer({ settings: { SITE: JSON.stringify(site), UPSTREAMS: JSON.stringify(upstreams) } })
  const person = somebody('Ada First')
  await setUp(server.origin, person)
  return { server, person }
}

const GUIDE = readFileSync(join(ROOT, 'docs/guides/own-sign-in-form.md'), 'utf8')
const guideBlock = (language: string) =>
  new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(GUIDE)?.[1] ?? ''

const who = (page: Page) => page.textContent('#who')
const become = (page: Page, text: string) =>
  waitUntil(async () => (await who(page)) === text, `the page to say "${text}"`)
const fillIn = async (page: Page, person: Person) => {
  await hydrated(page)
  await send(page, '/auth/login', { email: person.email, password: person.password })
}

describe('a plain Vite build', () => {
  let server: Server
  let person: Person

  beforeAll(async () => {
    const dist = join(temporaryFolder(), 'dist')
    const build = vite('build', FIXTURE, '--outDir', dist, '--emptyOutDir', '--sourcemap', '--logLevel', 'warn')
    expect(await build.ended, build.output()).toBe(0)
    // The sign-in form of the guide, word for word.
    writeFileSync(join(dist, 'login.html'), guideBlock('html'))
    writeFileSync(join(dist, 'login.js'), guideBlock('js'))
    ;({ server, person } = await startWith({ static: dist }))
  })

  test('runs as it is, under a policy that lets nothing else run; a call without a session leads to the sign-in page and back to the wanted page', async () => {
    const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
    const elsewhere: string[] = []
    page.on('request', request =>
      request.url().startsWith(server.origin) || request.url().startsWith('data:')
        ? undefined
        : elsewhere.push(request.url()),
    )
    const first = await page.goto('/orders/7?view=all#lines')
    expect(first?.headers()['content-security-policy']).toContain("script-src 'self'")
    await become(page, 'nobody (never)')
    expect(await page.evaluate('({ ...document.body.dataset })')).toMatchObject({ inline: 'ran', handler: 'ran' })
    expect(await page.evaluate('getComputedStyle(document.querySelector("h1")).color')).toBe('rgb(180, 83, 10)')
    await waitUntil(
      () => page.evaluate<boolean>('document.getElementById("dot").naturalWidth > 0'),
      'the picture that is inside the script',
    )
    await page.click('#lazy')
    await waitUntil(
      async () => (await page.textContent('#answer')) === 'a part that came later',
      'the part that is loaded later',
    )
    expect(trouble).toEqual({ console: [], errors: [], csp: [], failed: [] })

    await page.click('#load')
    await page.waitForURL('**/sign-in?*')
    await fillIn(page, person)
    await page.waitForURL('**/orders/7?view=all#lines')
    await become(page, 'Ada First')
    await page.click('#load')
    await waitUntil(async () => (await page.textContent('#answer')) === '200', 'the orders')

    // The browser itself writes the 401 into its console.
    expect(trouble.console.filter(line => !line.includes('401'))).toEqual([])
    expect({ ...trouble, console: [] }).toEqual({ console: [], errors: [], csp: [], failed: [] })
    expect(elsewhere).toEqual([])
    await page.context().close()
  })

  test('RFC 9470 a call that requires a recent sign-in leads to its confirmation, and back to the page', async () => {
    const { page } = await newContext(chromium, { baseURL: server.origin })
    await page.goto('/sign-in?returnTo=/wages%23mine')
    await fillIn(page, person)
    await become(page, 'Ada First')
    await expect
      .poll(
        async () => await page.evaluate('porchlight.fetch("/api/wages").then(({ status }) => status)').catch(() => 0),
      )
      .not.toBe(200)
    await page.waitForURL('**/reauthenticate?*')
    await hydrated(page)
    await send(page, '/auth/reauthenticate', { password: person.password })
    await page.waitForURL('**/wages#mine')
    await page.context().close()
  })

  test('other tabs notice a sign-out, and learn why a session is over', async () => {
    const { context, page } = await newContext(chromium, { baseURL: server.origin })
    await page.goto('/sign-in')
    await fillIn(page, person)
    await become(page, 'Ada First')
    const second = await context.newPage()
    const questions: (string | undefined)[] = []
    second.on('request', request =>
      request.url().endsWith('/auth/session')
        ? questions.push(request.headers()['x-porchlight-background'])
        : undefined,
    )
    await second.goto('/second')
    await become(second, 'Ada First')
    await page.click('#out')
    await become(page, 'nobody (never)')
    await become(second, 'nobody (never)')

    await page.goto('/sign-in?returnTo=/first')
    await fillIn(page, person)
    await become(page, 'Ada First')
    await become(second, 'Ada First')
    const elsewhere = await signIn(server.origin, person)
    expect((await elsewhere.ask({ method: 'DELETE', path: '/auth/sessions' })).status).toBeLessThan(300)
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))')
    await become(page, 'nobody (signed_out_elsewhere)')
    // Nobody did anything in the second tab, so nothing that it asked may keep a session alive.
    expect(questions.length).toBeGreaterThanOrEqual(3)
    expect(questions.filter(value => value !== '1')).toEqual([])
    await context.close()
  })

  test('our own pages lead to the front end by a full load, not to a page of ours', async () => {
    const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
    await page.goto('/sign-in')
    await fillIn(page, person)
    await become(page, 'Ada First')
    await page.goto('/account')
    await hydrated(page)
    await page.click('header a[href="/"]')
    await become(page, 'Ada First')
    expect(trouble.errors).toEqual([])
    await page.goto('/nothing/at/all')
    await become(page, 'Ada First')
    await page.context().close()
  })

  describe('its own sign-in form, as the guide has it,', () => {
    const message = (page: Page) => page.locator('form [role=alert]').innerText()

    test('signs in without leaving the page for ours, and goes on to a path of this site', async () => {
      const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
      await page.goto('/login?returnTo=/orders/7%3Fview=all%23lines')
      await send(page, '/auth/login', { email: person.email, password: 'not the right one' })
      await expect.poll(() => message(page)).toBe('The e-mail address or the password is incorrect.')
      expect(await page.locator('[name=password]').inputValue()).toBe('')
      await send(page, '/auth/login', { password: person.password })
      await page.waitForURL('**/orders/7?view=all#lines')
      await become(page, 'Ada First')
      // The browser itself writes the 401 into its console.
      expect(trouble.console.filter(line => !line.includes('401'))).toEqual([])
      expect({ ...trouble, console: [] }).toEqual({ console: [], errors: [], csp: [], failed: [] })
      await page.context().close()
    })

    test.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])(
      'does not go on to %s',
      async returnTo => {
        const { page } = await newContext(chromium, { baseURL: server.origin })
        await page.goto(`/login?returnTo=${encodeURIComponent(returnTo)}`)
        await send(page, '/auth/login', { email: person.email, password: person.password })
        await become(page, 'Ada First')
        expect(new URL(page.url()).pathname).toBe('/')
        await page.context().close()
      },
    )

    test('says how long to wait after too many wrong passwords, without telling whether there is such an account', async () => {
      const { page } = await newContext(chromium, { baseURL: server.origin })
      await page.goto('/login')
      for (let times = 0; times < 6; times++) {
        await send(page, '/auth/login', { email: 'nobody@example.org', password: 'not the right one' })
        await expect.poll(() => page.locator('button[type=submit]').isEnabled()).toBe(true)
      }
      expect(await message(page)).toMatch(/^Too many attempts\. Try again in (?:30|2\d) seconds\.$/)
      await page.context().close()
    })

    test('works without JavaScript: a failure goes on at our page, which has kept the address', async () => {
      const context = await chromium.newContext({ baseURL: server.origin, javaScriptEnabled: false })
      const page = await context.newPage()
      await page.goto('/login')
      await send(page, '/auth/login', { email: person.email, password: 'not the right one' })
      await page.waitForURL('**/sign-in?problem=invalid_credentials')
      expect(await page.locator('[name=email]').inputValue()).toBe(person.email)
      await page.goto('/login')
      await send(page, '/auth/login', { email: person.email, password: person.password })
      await page.waitForURL(`${server.origin}/`)
      await page.goto('/account')
      expect(await page.content()).toContain('Ada First')
      await context.close()
    })

    test('CS-7 on another origin is refused, as the guide says', async () => {
      const body = JSON.stringify({ email: person.email, password: person.password })
      const headers = { 'content-type': 'application/json' }
      const post = (more: Record<string, string>) =>
        fetch(`${server.origin}/auth/login`, { method: 'POST', headers: { ...headers, ...more }, body })
      const foreign = await post({ origin: 'https://shop.example' })
      expect([foreign.status, await foreign.json()]).toMatchObject([403, { code: 'cross_origin' }])
      const own = await post({ origin: server.origin })
      expect([own.status, await own.json()]).toMatchObject([200, { user: { name: 'Ada First' }, session: {} }])
      const untyped = await post({ origin: server.origin, 'content-type': 'text/plain' })
      expect([untyped.status, await untyped.json()]).toMatchObject([415, { code: 'unsupported_media_type' }])
    })
  })

  test('the client script that it loads is at most 2 KB as sent, uncompressed', async () => {
    const visitor = new Visitor(server.origin)
    for (const encoding of ['identity', 'br, gzip']) {
      const answer = await visitor.get('/_porchlight/client.js', { 'accept-encoding': encoding })
      expect([answer.status, answer.headers['content-type'], answer.headers['content-encoding']]).toEqual([
        200,
        'text/javascript; charset=utf-8',
        undefined,
      ])
      expect(Number(answer.headers['content-length'] ?? Buffer.byteLength(answer.text))).toBe(
        Buffer.byteLength(answer.text),
      )
      expect(Buffer.byteLength(answer.text)).toBeGreaterThan(0)
      expect(Buffer.byteLength(answer.text)).toBeLessThanOrEqual(2048)
      expect(answer.text).not.toMatch(/\bimport\b/)
    }
  })

  test('its files are kept for good, and its source maps stay here', async () => {
    const visitor = new Visitor(server.origin)
    const html = (await visitor.page('/')).text
    const script = /src="(\/assets\/[^"]+)"/.exec(html)?.[1] ?? ''
    const answer = await visitor.get(script)
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable'])
    expect((await visitor.get(`${script}.map`)).status).toBe(404)
  })
})

test("Vite's dev server behind us: an edit reaches an open page through our origin, without a reload; its socket outlasts the session", async () => {
  const app = join(temporaryFolder(), 'app')
  cpSync(FIXTURE, app, { recursive: true })
  const port = await freePort()
  const dev = vite(app, '--port', String(port), '--strictPort', '--host', '127.0.0.1')
  await waitUntil(async () => (await statusOf(port, '/')) === 200, 'Vite; it wrote:\n', dev.output, 60_000)
  const { server, person } = await startWith({ upstream: `http://127.0.0.1:${port}` })

  const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
  const elsewhere: string[] = []
  const sockets: string[] = []
  page.on('request', request =>
    request.url().startsWith(server.origin) || request.url().startsWith('data:')
      ? undefined
      : elsewhere.push(request.url()),
  )
  page.on('websocket', socket => sockets.push(socket.url()))
  await page.goto('/orders/7')
  await become(page, 'nobody (never)')
  await page.click('#load')
  await page.waitForURL('**/sign-in?*')
  await fillIn(page, person)
  await page.waitForURL('**/orders/7')
  await become(page, 'Ada First')

  const greeting = join(app, 'src/greeting.js')
  const edit = async (text: string) => {
    writeFileSync(greeting, readFileSync(greeting, 'utf8').replace(/'.*'/, `'${text}'`))
    await waitUntil(async () => (await page.textContent('#greeting')) === text, `the edit "${text}" to arrive`)
  }
  await page.evaluate('window.sameDocument = true')
  await edit('edited')
  await page.click('#out')
  await waitUntil(async () => (await who(page))?.startsWith('nobody') ?? false, 'the page to notice the sign-out')
  await edit('edited again')
  expect(await page.evaluate('window.sameDocument')).toBe(true)

  expect(sockets.length).toBeGreaterThan(0)
  expect(sockets.filter(url => !url.startsWith(server.origin.replace('http', 'ws')))).toEqual([])
  expect(elsewhere).toEqual([])
  expect(trouble.csp).toEqual([])
  expect(trouble.errors).toEqual([])
  await page.context().close()
})
