import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import { launchChromium, newContext } from '../support/chromium.ts'
import { setUp } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

// Another app on this host has filled the browser's cookie jar: cookies do not know ports.

let server: Server
let chromium: Browser
beforeAll(async () => {
  server = await startServer()
  await setUp(server.origin)
  chromium = await launchChromium()
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

test.each([
  ['more than is accepted', 6, 'en', 'Your browser sent too much'],
  ['more than the parser reads', 15, 'zh-CN', '浏览器发送的内容过多'],
])(
  'a browser with cookies for %s is told to clear them, and when it has, the site is back',
  async (_what, count, locale, title) => {
    const { context, page } = await newContext(chromium, { locale })
    const cookies = Array.from({ length: count }, (_, n) => ({
      name: `other-app-${n}`,
      value: 'v'.repeat(4000),
      url: server.origin,
    }))
    await context.addCookies(cookies)
    expect((await page.goto(`${server.origin}/sign-in`))?.status()).toBe(431)
    expect(await page.locator('h1').textContent()).toBe(title)
    await context.clearCookies()
    expect((await page.reload())?.status()).toBe(200)
    await context.close()
  },
)
