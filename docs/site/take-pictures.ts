// `npm run docs:pictures`: starts the real server with some people, and takes the pictures of docs/pictures.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { hydrated, launchChromium, newContext, unpackChromium } from '../../tests/support/chromium.ts'
import { Visitor } from '../../tests/support/client.ts'
import { type Person, setUp, signUp } from '../../tests/support/people.ts'
import { ROOT, type Server, startServer, stopAll } from '../../tests/support/server.ts'
import { fileOf, MAX_PICTURE_BYTES, type Picture, PICTURES, THEMES } from './pictures.ts'

const WIDTH = 1100
/** Pixels of the file for one of the page. */
const SHARPNESS = 1.6
/** From the best on, until the file is small enough. */
const QUALITIES = [88, 80, 70, 60, 50]
const DEVICES = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
]
const GRACE: Person = {
  email: 'grace@example.org',
  name: 'Grace Hartley',
  password: 'a porch with seventeen chairs',
}

await unpackChromium()
const [server, chromium] = await Promise.all([startServer(), launchChromium()])
try {
  const cookies = await seed(server)
  for (const picture of PICTURES) await take(chromium, server, picture, cookies)
} finally {
  await chromium.close()
  await stopAll()
}

/** Grace is a user with three sessions; the cookies are those of the last. */
async function seed({ origin }: Server) {
  const { browser: admin } = await setUp(origin, { ...GRACE, email: 'ada@example.org', name: 'Ada Moss' })
  await signUp(admin, GRACE)
  const { email, password } = GRACE
  for (const agent of DEVICES)
    await new Visitor(origin).post('/auth/login', { email, password, remember: true }, { 'user-agent': agent })
  // Her own browser takes the name of the one that shows the page.
  const own = new Visitor(origin)
  await own.post('/auth/login', { email, password }, { 'user-agent': await userAgent() })
  return own.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: origin }))
}

async function userAgent(): Promise<string> {
  const { context, page } = await newContext(chromium)
  const agent = (await page.evaluate('navigator.userAgent')) as string
  await context.close()
  return agent.replace('HeadlessChrome', 'Chrome')
}

async function take(browser: Browser, { origin }: Server, picture: Picture, cookies: Awaited<ReturnType<typeof seed>>) {
  const { context, page } = await newContext(browser, {
    baseURL: origin,
    locale: picture.language,
    viewport: { width: WIDTH, height: picture.height },
    reducedMotion: 'reduce',
  })
  await context.addCookies(cookies)
  await page.goto(picture.path)
  await hydrated(page)
  if (picture.play !== undefined) await play(page, picture.play)
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme })
    const image = await shoot(page)
    writeFileSync(join(ROOT, 'docs/pictures', fileOf(picture, theme)), image)
    process.stdout.write(`${fileOf(picture, theme)}: ${Math.round(image.length / 1000)} KB\n`)
  }
  await context.close()
}

/** Plays a demonstration, and puts it at the top of the window. */
async function play(page: Page, title: RegExp): Promise<void> {
  const section = page.locator('section', { has: page.getByRole('heading', { name: title }) })
  await section.getByRole('button').click()
  await section.locator('dd strong').first().waitFor({ timeout: 60_000 })
  const { y = 0 } = (await section.boundingBox()) ?? {}
  await page.evaluate(`scrollBy(0, ${y} - 24)`)
}

/** As WebP, which Playwright itself does not write. */
async function shoot(page: Page): Promise<Buffer> {
  const session = await page.context().newCDPSession(page)
  const { width, height } = page.viewportSize() ?? { width: WIDTH, height: 0 }
  const clip = { x: 0, y: (await page.evaluate('window.scrollY')) as number, width, height, scale: SHARPNESS }
  for (const quality of QUALITIES) {
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality, clip })
    const image = Buffer.from(data, 'base64')
    if (image.length <= MAX_PICTURE_BYTES) return image
  }
  throw new Error(`${page.url()}: no picture of at most ${MAX_PICTURE_BYTES} bytes`)
}
