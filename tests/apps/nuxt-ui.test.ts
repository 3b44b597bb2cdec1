import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE, unpackChromium } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import { BUILT, installNuxtApp, type RunningApp } from '../support/nuxt-app.ts'
import { SETUP_CODE, stopAll } from '../support/server.ts'

// An application of the modules that most use: components, icons, colour mode, translations, content.

const ADA = { email: 'ada@example.org', name: 'Ada', password: 'quiet lantern 0123456789' }
const MODULES = [
  '@nuxt/ui@4.11.2',
  '@nuxtjs/i18n@10.6.0',
  '@nuxt/content@3.16.1',
  'tailwindcss@4.3.5',
  '@iconify-json/lucide@1.2.137',
]

let browser: Browser
let running: RunningApp
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  await unpackChromium()
  browser = await launchChromium()
  closing.push(() => browser.close())
  const app = await installNuxtApp(inject('tarball'), 'nuxt-ui', MODULES)
  await app.nuxt('build')
  running = await app.start(BUILT)
  closing.push(running.stop)
  const ada = new Visitor(running.origin)
  expect((await ada.post('/auth/setup', { code: SETUP_CODE, ...ADA })).status).toBe(200)
  expect((await ada.page('/')).text).toContain('Hello, Ada')
  ada.close()
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  await stopAll()
})

test('HD-1 components, icons, colour mode and translations work, with no violation and no mismatch', async () => {
  const { context, page, trouble } = await newContext(browser)
  closing.push(() => context.close())
  await page.goto(running.origin)
  await hydrated(page)
  expect(await page.textContent('#hello')).toBe('Hello, nobody')
  await page.click('#modal')
  await page.waitForSelector('#inside')
  await page.keyboard.press('Escape')
  await page.waitForSelector('#inside', { state: 'detached' })
  const isDark = () => page.evaluate(() => document.documentElement.classList.contains('dark'))
  const before = await isDark()
  await page.click('#mode')
  await expect.poll(isDark).toBe(!before)
  // A mask: drawn, and not only taken up as room.
  expect(await page.evaluate(() => getComputedStyle(document.querySelector('#icon') as Element).maskImage)).not.toBe(
    'none',
  )
  await page.getByRole('button', { name: 'zh' }).click()
  await expect.poll(() => page.textContent('#hello')).toBe('nobody，你好')

  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.locator('input[type=email]').fill(ADA.email)
  await page.locator('input[type=password]').fill(ADA.password)
  await page.locator('button[type=submit]').click()
  await page.waitForURL(`${running.origin}/zh`)
  await hydrated(page)
  expect(await page.textContent('#hello')).toBe('Ada，你好')
  expect(await isDark()).toBe(!before)
  await page.click('#other')
  await page.waitForSelector('#members')
  expect(trouble).toEqual(NO_TROUBLE)
})

test('HD-1 content is shown in pages that the server renders, that were made in advance, and that the browser queries', async () => {
  const { context, page, trouble } = await newContext(browser)
  closing.push(() => context.close())
  const title = () => page.textContent('#title')
  for (const [path, name] of [
    ['lamps', 'Lamps'],
    ['wicks', 'Wicks'],
  ]) {
    await page.goto(`${running.origin}/guide/${path}`)
    await hydrated(page)
    expect(await title()).toBe(`${name} for nobody`)
  }
  // Between pages, the browser fetches all content and queries it in SQLite, compiled to WebAssembly.
  await page.goto(running.origin)
  await hydrated(page)
  const dump = page.waitForResponse(response => response.url().includes('/__nuxt_content/'))
  await page.click('#lamps')
  expect((await dump).status()).toBe(200)
  await expect.poll(title).toBe('Lamps for nobody')
  expect(await page.textContent('article strong')).toBe('lamp')
  expect(trouble).toEqual(NO_TROUBLE)
})
