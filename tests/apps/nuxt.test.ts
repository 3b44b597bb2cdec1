import { execFile } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE, type Trouble, unpackChromium } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import {
  BUILT,
  firstMessages,
  installNuxtApp,
  type NuxtApp,
  type RunningApp,
  startTokenUpstream,
} from '../support/nuxt-app.ts'
import { SETUP_CODE, sleep, stopAll, temporaryFolder } from '../support/server.ts'

// Somebody's Nuxt application with `modules: ['porchlight/nuxt']`, as a newcomer gets it from npm.

const ADA = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }
const SHORT_LIVES = {
  PORCHLIGHT_ACCESS_SECONDS: '4',
  PORCHLIGHT_REFRESH_CONFIRM_SECONDS: '1',
  PORCHLIGHT_REFRESH_GRACE_SECONDS: '2',
}

/** A server route whose answer is kept for a minute, and which calls others. */
const KEPT = `export default defineCachedEventHandler(
  async event => ({
    own: getUserSession(event).user?.email ?? 'nobody',
    called: (await event.$fetch('/api/hello')).hello,
    global: (await $fetch('/api/hello')).hello,
  }),
  { maxAge: 60 },
)
`

let nuxtApp: NuxtApp
let browser: Browser
let upstreams: Record<string, string>
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  await unpackChromium()
  browser = await launchChromium()
  const [orders, stock] = [await startTokenUpstream(), await startTokenUpstream()]
  closing.push(() => browser.close(), orders.stop, stock.stop)
  upstreams = { ORDERS_URL: orders.origin, STOCK_URL: stock.origin }
  nuxtApp = await installNuxtApp(inject('tarball'), 'nuxt')
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  await stopAll()
})

async function open(running: RunningApp): Promise<{ page: Page; trouble: Trouble; more: () => Promise<Page> }> {
  const { context, page, trouble } = await newContext(browser)
  closing.push(() => context.close())
  return { page: await page.goto(running.origin).then(() => page), trouble, more: () => context.newPage() }
}

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('E-mail').fill(ADA.email)
  await page.getByLabel('Password', { exact: true }).fill(ADA.password)
  await page.locator('button[type=submit]').click()
}

const refusal = (run: Promise<unknown>) =>
  run.then(
    () => 'nothing was wrong',
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  )

describe('not built, or not well', () => {
  test('starting it says that it has to be built', async () => {
    const said = await refusal(nuxtApp.run('npx', 'porchlight', 'start'))
    expect(said).toContain('This Nuxt application has not been built with Porchlight yet.')
  })

  test('a wrong key in nuxt.config is named, and nothing is built', async () => {
    const before = "modules: ['porchlight/nuxt'],"
    nuxtApp.edit('nuxt.config.ts', text => text.replace(before, `${before} porchlight: { upstream: [] },`))
    const said = await refusal(nuxtApp.nuxt('build'))
    nuxtApp.edit('nuxt.config.ts', text => text.replace(' porchlight: { upstream: [] },', ''))
    expect(said).toMatch(/The key `porchlight` in nuxt.config is wrong:[^]*did you mean upstreams\?/)
    expect(existsSync(join(nuxtApp.folder, '.output/server'))).toBe(false)
  })
})

describe('built', () => {
  let running: RunningApp
  let ada: Visitor

  beforeAll(async () => {
    writeFileSync(join(nuxtApp.folder, 'server/api/kept.ts'), KEPT)
    await nuxtApp.nuxt('build')
    // Development has kept accounts in `data`, too.
    running = await nuxtApp.start(BUILT, { ...upstreams, ...SHORT_LIVES, PORCHLIGHT_DATA_DIR: 'production' })
    closing.push(running.stop)
    ada = new Visitor(running.origin)
    expect((await ada.post('/auth/setup', { code: SETUP_CODE, ...ADA })).status).toBe(200)
  })

  test('one process serves our pages and the application’s, each with its own files', async () => {
    const visitor = new Visitor(running.origin)
    expect((await visitor.page('/')).text).toContain('Hello stranger')
    expect((await visitor.page('/sign-in')).text).toContain('/_porchlight/')
    expect((await visitor.get('/hello.txt')).text).toBe('a file of the application\n')
    const script = /src="(\/_nuxt\/[^"]+\.js)"/.exec((await visitor.page('/')).text)?.[1] ?? ''
    const file = await visitor.get(script, { 'accept-encoding': 'br' })
    expect(file.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
    })
    expect(file.setCookies).toEqual([])
    expect((await visitor.page('/nowhere')).status).toBe(404)
    expect((await visitor.get('/api/nowhere')).status).toBe(404)
    expect((await visitor.get('/feed.xml')).headers['cache-control']).toBe('public, max-age=60')
  })

  test('the person is known in the first byte, and each upstream gets its own token, also from server routes', async () => {
    expect((await ada.page('/')).text).toContain('Hello Ada')
    expect((await ada.page('/')).text).toContain(ADA.email)
    const mine = (await ada.page('/mine')).text
    expect(mine).toContain(`${ADA.email}: orders, the-stock-room, orders and the-stock-room`)
    expect(mine).toContain('<p id="same">true</p>')
  })

  test('nested pages and layouts fetch while they render, each as the person', async () => {
    const shown = (page: string) =>
      ['layout', 'shop', 'lamp', 'parts'].map(id => new RegExp(`<p id="${id}">([^<]*)`).exec(page)?.[1])
    expect(shown((await ada.page('/shop/storm/parts')).text)).toEqual([
      'the-stock-room',
      'orders',
      `storm: ${ADA.email}`,
      'Ada: orders and the-stock-room',
    ])
    const stranger = new Visitor(running.origin)
    expect(shown((await stranger.page('/shop/storm/parts')).text)).toEqual([
      'nothing',
      'nothing',
      'storm: nobody',
      'nobody: nothing',
    ])
    stranger.close()
  })

  test('cookies of a renewal in the middle of a render reach the browser', async () => {
    const late = ada.thief()
    await sleep(4500)
    const page = await ada.page('/mine')
    expect(page.text).toContain('orders and the-stock-room')
    expect(page.setCookies.some(cookie => cookie.includes('access'))).toBe(true)
    // The renewed ones are good, and so is another tab that was late.
    expect((await ada.session()).user?.email).toBe(ADA.email)
    expect((await late.session()).user?.email).toBe(ADA.email)
    late.close()
  })

  test('pages for signed-in people send to sign-in, which returns; pages for others tell nobody of them', async () => {
    const visitor = new Visitor(running.origin)
    const mine = await visitor.page('/mine?tab=2')
    expect([mine.status, mine.headers.location]).toEqual([302, '/sign-in?returnTo=%2Fmine%3Ftab%3D2'])
    expect((await visitor.page('/welcome')).status).toBe(200)
    expect((await ada.page('/welcome')).headers.location).toBe('/')
    expect((await ada.page('/staff')).text).toContain('For administrators')
    expect((await visitor.page('/staff')).status).toBe(302)
  })

  test('server routes of the application have the session, and stand behind the same-origin rule', async () => {
    const taken = await ada.post('/api/notes', { text: 'hello' })
    expect(taken.json()).toMatchObject({ by: ADA.email, body: { text: 'hello' } })
    const foreign = { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' }
    expect((await ada.post('/api/notes', {}, foreign)).status).toBe(403)
    expect((await new Visitor(running.origin).post('/api/notes', {})).status).toBe(401)
  })

  test('no page that is made for everybody carries a session: neither prerendered nor kept', async () => {
    for (const path of ['/printed', '/news', '/news']) {
      const page = await ada.page(path)
      expect([path, page.status]).toEqual([path, 200])
      expect(page.text).not.toContain('Ada')
      expect(page.text).not.toContain('signed')
      expect(page.text).not.toContain(ADA.email)
    }
  })

  test('no answer that a server route keeps is about the visitor who came first', async () => {
    const nobody = { own: 'nobody', called: 'nobody', global: 'nobody' }
    expect((await ada.get('/api/kept')).json()).toEqual(nobody)
    expect((await ada.get('/api/hello')).json()).toEqual({ hello: ADA.email })
  })

  test('in a browser: no broken policy, no mismatch, and the pages that know nobody ask', async () => {
    const { page, trouble } = await open(running)
    await page.click('#to-mine')
    await page.waitForURL('**/sign-in?returnTo=%2Fmine')
    await signIn(page)
    await page.waitForURL(`${running.origin}/mine`)
    await hydrated(page)
    await page.click('#to-home')
    await page.click('#count')
    expect(await page.textContent('#count')).toBe('1')
    expect(await page.evaluate('window.added'), 'the script that a plugin of Nitro added').toBe(true)
    expect(await page.evaluate("getComputedStyle(document.querySelector('#hello')).color")).toBe('rgb(1, 2, 3)')
    for (const [path, text] of [
      ['/printed', 'signed in'],
      ['/news', 'signed in'],
      ['/browser-only', ADA.email],
    ] as const) {
      await page.goto(running.origin + path)
      await expect.poll(() => page.textContent('p:not(#who)')).toBe(text)
      await expect.poll(() => page.textContent('#who')).toBe('Hello Ada')
    }
    await page.goto(`${running.origin}/shop/storm/parts`)
    await hydrated(page)
    expect(await page.textContent('#parts')).toBe('Ada: orders and the-stock-room')
    await page.click('#to-account')
    await page.waitForURL('**/account')
    expect(await page.textContent('h1')).not.toBe('')
    expect(trouble).toEqual(NO_TROUBLE)
  })

  test('a sign-out in one tab is one in the other, and a page for signed-in people is left', async () => {
    const { page, trouble, more } = await open(running)
    await page.goto(`${running.origin}/sign-in?returnTo=/mine`)
    await signIn(page)
    await page.waitForURL(`${running.origin}/mine`)
    const other = await more()
    await other.goto(`${running.origin}/`)
    await hydrated(other)
    await hydrated(page)
    await page.click('#sign-out')
    await page.waitForURL('**/signed-out')
    await expect.poll(() => other.textContent('#who')).toBe('Hello stranger')
    expect(trouble).toEqual(NO_TROUBLE)
  })

  test('a WebSocket goes to its upstream, with its token, or to a handler of the application', async () => {
    const { page } = await open(running)
    await page.goto(`${running.origin}/sign-in`)
    await signIn(page)
    await page.waitForURL(`${running.origin}/`)
    expect(await firstMessages(page, '/api/orders/live', 1)).toEqual([expect.stringContaining('"audience":"orders"')])
    expect(await firstMessages(page, '/own-socket', 2)).toEqual(['open', 'heard hello'])
  })

  test('a taken port is told in a sentence', async () => {
    const env = { ...nuxtApp.environment, ...upstreams, PORT: String(running.port), PORCHLIGHT_DATA_DIR: 'another' }
    const said = await refusal(promisify(execFile)('node', BUILT.slice(1), { cwd: nuxtApp.folder, env }))
    expect(said).toContain(`Port ${running.port} is already in use.`)
    expect(said).not.toMatch(/^ +at /m)
  })

  test('stops when it is told to, and starts by our own command as well, from wherever the build was moved to', async () => {
    expect(await running.stop()).toBe(0)
    const elsewhere = temporaryFolder()
    cpSync(join(nuxtApp.folder, '.output'), join(elsewhere, '.output'), { recursive: true })
    const moved = await nuxtApp.start(['porchlight', 'start'], upstreams, elsewhere)
    expect((await new Visitor(moved.origin).page('/')).text).toContain('Hello stranger')
    await moved.stop()
  })
})
