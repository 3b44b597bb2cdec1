import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROOF_SCENARIOS } from '../../server/contract/demo/wire-proof.ts'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import type { Visitor } from '../support/client.ts'
import { LANGUAGES, lookAt } from '../support/look.ts'
import { setUp, signUp, somebody } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

// What people see once they have done something, or something has failed. pages.test.ts looks at each page as it opens.

const NOTES = [
  '<script>alert("only text")</script>',
  'https://example.org/'.padEnd(300, 'a-very-long-address'),
  'قائمة المشتريات: خبز، زيتون، وقهوة\nand a line in English',
  'A note can hold a whole page.\n\n'.repeat(20),
  '买牛奶，取快递，给妈妈打电话',
  '👩‍👩‍👧‍👦🏳️‍🌈 🎂 Saturday',
  'Ask whether the lamp on the porch needs oil',
]
/** Nothing was heard of the server, so nothing is said of it. */
const UNREACHABLE = { en: 'The server cannot be reached', 'zh-CN': '无法连接服务器' }
const patient = { timeout: 15_000 }
type Language = (typeof LANGUAGES)[number]

let sample: Server
let configured: Server
let chromium: Browser
let keeper: Visitor
let owner: Visitor
const api = createServer((_incoming, outgoing) => outgoing.end('[]'))

beforeAll(async () => {
  await new Promise<void>(done => api.listen(0, '127.0.0.1', done))
  const here = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const nobody = 'http://127.0.0.1:9'
  const upstreams = [
    {
      name: 'orders',
      target: here,
      title: 'Orders',
      description: 'What people want, and when they get it',
      icon: 'shopping-cart',
      page: '/orders',
    },
    {
      name: 'stock',
      target: nobody,
      title: 'Stock',
      description: 'What is on the shelves',
      icon: 'package',
      page: 'https://stock.example.org/',
    },
    {
      name: 'archive',
      target: here,
      title: 'Everything that was ever written down and never thrown away',
      description:
        'Letters, receipts, plans and drawings since the house was built, with a full-text search and a list of those that somebody has lent to somebody else, and until when it has to be given back'.slice(
          0,
          200,
        ),
      icon: 'book-open',
      page: '/archive',
    },
    {
      name: 'unbroken',
      target: here,
      title: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbau',
      page: '/unbroken',
    },
    { name: 'scripts', target: nobody, title: 'المخزن', description: 'ما في المستودع، وما طُلب منه', icon: 'database' },
    {
      name: 'deeply',
      prefix: '/api/a-long-prefix/that-goes-on/and-on/and-does-not-end/for-a-while',
      target: here,
      title: 'For programs only',
    },
  ]
  ;[sample, configured, chromium] = await Promise.all([
    startServer(),
    startServer({ settings: { UPSTREAMS: JSON.stringify(upstreams) } }),
    launchChromium(),
  ])
  keeper = (await setUp(sample.origin, somebody('Ada First'))).browser
  owner = (await setUp(configured.origin, somebody('Ada First'))).browser
})
afterAll(async () => {
  await chromium?.close()
  api.close()
  await stopAll()
})

/** A window of somebody new, who has these notes. */
async function newcomer(language: Language, path: string, notes: readonly string[] = []) {
  const { browser } = await signUp(keeper, somebody('Grace Lantern'))
  for (const text of notes) expect((await browser.post('/api/notes', { text })).status).toBe(201)
  return open(language, browser, path)
}

async function open(language: Language, visitor: Visitor, path: string): Promise<Page> {
  const { context, page } = await newContext(chromium, {
    baseURL: visitor.origin,
    locale: language,
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  })
  await context.addCookies(
    visitor.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: visitor.origin })),
  )
  await page.goto(path)
  await hydrated(page)
  return page
}

describe.each(LANGUAGES)('in %s', language => {
  const refuseChanges = (page: Page) =>
    page.route(
      url => url.pathname.startsWith('/api/notes'),
      route => (route.request().method() === 'GET' ? route.fallback() : route.abort()),
    )

  test('axe: the home page with several apps', async () => {
    const page = await open(language, owner, '/')
    expect(await page.locator('.state').count()).toBe(6)
    expect(await page.locator('.state.reachable').count()).toBe(4)
    await lookAt(page, { name: 'home.apps', language })
    await page.context().close()
  })

  test('axe: the notes, one opened, one deleted, one being changed', async () => {
    const page = await newcomer(language, '/notes', NOTES)
    await expect.poll(() => page.locator('.status .lamp.lit').count(), patient).toBe(1)
    await lookAt(page, { name: 'notes.several', language })
    await page.locator('article [aria-expanded]').click()
    await page.locator('article .delete').first().click()
    await expect.poll(() => page.locator('.deleted').count(), patient).toBe(1)
    await lookAt(page, { name: 'notes.deleted', language })
    await page.locator('article [data-first]').nth(1).click()
    await page.keyboard.type(' and again')
    await lookAt(page, { name: 'notes.changing', language })
    await page.context().close()
  })

  test('axe: notes that cannot be added, changed, or read', async () => {
    const page = await newcomer(language, '/notes', NOTES.slice(-2))
    await refuseChanges(page)
    await page.locator('form textarea').fill('lost on the way')
    await page.keyboard.press('Control+Enter')
    await expect.poll(() => page.locator('.toast.bad').count(), patient).toBe(1)
    await lookAt(page, { name: 'notes.not-added', language })
    await page.locator('article [data-first]').first().click()
    await page.keyboard.type(' changed')
    await page.keyboard.press('Control+Enter')
    await expect.poll(() => page.locator('li [role=alert]').count(), patient).toBe(1)
    await lookAt(page, { name: 'notes.not-changed', language })
    await page.context().setOffline(true)
    await expect.poll(() => page.locator('.status .lamp.lit').count(), patient).toBe(0)
    await lookAt(page, { name: 'notes.offline', language })
    await page.context().setOffline(false)

    await page.unrouteAll()
    await page.goto('/')
    await hydrated(page)
    await page.route(
      url => url.pathname.startsWith('/api/notes'),
      route => route.abort(),
    )
    await page.locator('main a[href="/notes"]').click()
    await expect.poll(() => page.locator('main .notice').innerText(), patient).toContain(UNREACHABLE[language])
    await lookAt(page, { name: 'notes.unread', language })
    await page.context().close()
  })
})

// Mostly waiting, so both at once. The context's own expect: which test polls is not known by the shared one while two
// run at once.
test.concurrent.for(LANGUAGES)(
  'axe: in %s, each proof when it has been played, and one that could not be',
  { timeout: 120_000 },
  async (language, { expect }) => {
    const page = await newcomer(language, '/proof')
    expect(await page.locator('.proof > section').count()).toBe(2 + PROOF_SCENARIOS.length)
    const section = (nth: number) => `.proof > section:nth-of-type(${nth})`
    const search = page.locator(section(2))
    await search.getByRole('button').click()
    await expect.poll(() => search.locator('table').count(), patient).toBe(1)
    await lookAt(page, { name: 'proof.searched', language, part: section(2) })
    await search.getByRole('checkbox').check()
    await search.getByRole('button').click()
    await expect.poll(() => search.locator('tr.wrong').count(), patient).toBe(1)
    await lookAt(page, { name: 'proof.planted', language, part: section(2) })

    await page.route('**/auth/proof/*', route => route.abort())
    await page.locator(section(3)).getByRole('button').click()
    await expect.poll(() => page.locator(section(3)).getByRole('alert').count(), patient).toBe(1)
    await lookAt(page, { name: 'proof.not-played', language, part: section(3) })
    await page.unrouteAll()
    for (const [at, scenario] of PROOF_SCENARIOS.entries()) {
      const part = page.locator(section(at + 3))
      await part.getByRole('button').click()
      await expect.poll(() => part.getByRole('img').count(), { timeout: 40_000 }).toBe(1)
      expect(await part.locator('.wrong').count()).toBe(0)
      await lookAt(page, { name: `proof.${scenario}`, language, part: section(at + 3) })
    }
    await page.context().close()
  },
)
