import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE, type Trouble, unpackChromium } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import {
  firstMessages,
  installNuxtApp,
  type NuxtApp,
  type RunningApp,
  startTokenUpstream,
} from '../support/nuxt-app.ts'
import { ROOT, SETUP_CODE, sleep, stopAll } from '../support/server.ts'

// The same application as in nuxt.test.ts while somebody works on it: `nuxt dev`, and the type checker.

const ADA = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }
/** Vite reloads pages while it learns what to prepare for them. */
const SETTLING_MS = 3000

let nuxtApp: NuxtApp
let running: RunningApp
let page: Page
let trouble: Trouble
let ada: Visitor
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  await unpackChromium()
  const browser: Browser = await launchChromium()
  const [orders, stock] = [await startTokenUpstream(), await startTokenUpstream()]
  closing.push(() => browser.close(), orders.stop, stock.stop)
  nuxtApp = await installNuxtApp(inject('tarball'), 'nuxt')
  nuxtApp.edit('nuxt.config.ts', text => text.replace('devtools: { enabled: false }', 'devtools: { enabled: true }'))
  running = await nuxtApp.start(['npx', 'nuxt', 'dev'], { ORDERS_URL: orders.origin, STOCK_URL: stock.origin })
  closing.push(running.stop)
  ada = new Visitor(running.origin)
  closing.push(async () => ada.close())
  expect((await ada.post('/auth/setup', { code: SETUP_CODE, ...ADA })).status).toBe(200)
  ;({ page, trouble } = await newContext(browser))
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  await stopAll()
})

async function settled(): Promise<void> {
  await hydrated(page)
  await sleep(SETTLING_MS)
  await hydrated(page)
}

test('one origin has our pages, the session while rendering, upstreams and server routes', async () => {
  expect((await ada.page('/mine')).text).toContain(`${ADA.email}: orders, the-stock-room, orders and the-stock-room`)
  expect((await ada.page('/shop/storm/parts')).text).toContain('Ada: orders and the-stock-room')
  expect((await ada.post('/api/notes', { text: 'hello' })).json()).toMatchObject({ by: ADA.email })
  expect((await ada.post('/api/notes', {}, { origin: 'https://elsewhere.example' })).status).toBe(403)
})

test('WebSockets go to an upstream and to the application, from the first moment after sign-in', async () => {
  await page.goto(`${running.origin}/sign-in?returnTo=/mine`)
  await page.getByLabel('E-mail').fill(ADA.email)
  await page.getByLabel('Password', { exact: true }).fill(ADA.password)
  await page.locator('button[type=submit]').click()
  await page.waitForURL(`${running.origin}/mine`)
  const sockets = () => Promise.all([firstMessages(page, '/api/orders/live', 1), firstMessages(page, '/own-socket', 2)])
  const heard = [[expect.stringContaining('"audience":"orders"')], ['open', 'heard hello']]
  // A reload by Vite cuts the page's connections: it is then asked again, as its script would.
  await expect.poll(() => sockets().catch(() => null)).toEqual(heard)
  await settled()
  expect(await sockets()).toEqual(heard)
})

test('an edit shows by itself, and keeps what the page knew', async () => {
  const greet = async (before: string, after: string) => {
    nuxtApp.edit('app/pages/index.vue', text => text.replace(`<p id="hello">${before}`, `<p id="hello">${after}`))
    await expect.poll(() => page.textContent('#hello')).toBe(`${after}${ADA.email}`)
  }
  await page.goto(running.origin)
  await settled()
  // After the first edit of all, Vite may load the page again.
  await greet('', 'Hi: ')
  await settled()
  await page.click('#count')
  await page.click('#count')
  await greet('Hi: ', 'Hot: ')
  expect(await page.textContent('#count')).toBe('2')
  await greet('Hot: ', '')
  expect(trouble).toEqual(NO_TROUBLE)
})

test('a changed setting in nuxt.config applies at once, with a page open and connections that are kept', async () => {
  await page.goto(`${running.origin}/mine`)
  await settled()
  const guest = new Visitor(running.origin)
  closing.push(async () => guest.close())
  for (const name of ['Harbour', 'Quay']) {
    nuxtApp.edit('nuxt.config.ts', text =>
      text.replace(/('porchlight\/nuxt'\],)(?: porchlight: .*,)?/, `$1 porchlight: { brand: { name: '${name}' } },`),
    )
    await expect.poll(async () => (await guest.page('/sign-in')).text, { timeout: 60_000 }).toContain(name)
    await settled()
    expect((await guest.page('/sign-in')).text).toContain(name)
    expect((await ada.page('/mine')).text).toContain(`${ADA.email}: orders, the-stock-room`)
  }
})

test('types are those of the application’s own files: roles, kinds of pages, sessions, and no wrong value', async () => {
  const vueTsc = join(ROOT, 'node_modules/vue-tsc/bin/vue-tsc.js')
  const run = promisify(execFile)(process.execPath, [vueTsc, '-b', '--noEmit'], { cwd: nuxtApp.folder })
  expect(
    await run.then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    ),
  ).toBe('')
})
