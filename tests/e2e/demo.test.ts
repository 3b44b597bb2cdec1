import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppsAnswer } from '../../server/contract/app-list.ts'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import type { Visitor } from '../support/client.ts'
import { setUp } from '../support/people.ts'
import { runCommand, type Server, startServer, stopAll } from '../support/server.ts'

/** Prints every file of the demo that the process loads. */
const WATCH = `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) {
  if (url.includes('/server/demo/')) process.stdout.write('loaded ' + url + '\\n')
  return next(url, context)
} })`
const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(WATCH)}` }
const PATHS = ['/notes', '/proof']
const NAVIGATE = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

let withDemo: Server
let without: Server
let chromium: Browser
let person: Visitor
let other: Visitor

beforeAll(async () => {
  ;[withDemo, without, chromium] = await Promise.all([
    startServer({ environment }),
    startServer({ environment, settings: { DEMO: 'false' } }),
    launchChromium(),
  ])
  person = (await setUp(without.origin)).browser
  other = (await setUp(withDemo.origin)).browser
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

const apps = async (visitor: Visitor) => (await visitor.get('/auth/apps')).json<AppsAnswer>().apps
const page = (visitor: Visitor, path: string) => visitor.ask({ path, headers: NAVIGATE })

test('the demo is there by default', async () => {
  expect((await apps(other)).map(({ name, href }) => [name, href])).toEqual([['notes', '/notes']])
  for (const path of PATHS) expect([path, (await page(other, path)).status]).toEqual([path, 200])
  expect((await page(other, '/')).text).toContain('href="/proof"')
  expect(withDemo.output).toContain('/server/demo/notes/')
})

describe('with `demo: false`', () => {
  test('its pages are 404 for everybody, and the home page has no link to them', async () => {
    for (const visitor of [person, person.stranger()])
      for (const path of [...PATHS, '/proof/x', '/%70roof'])
        expect([path, (await page(visitor, path)).status]).toEqual([path, 404])
    expect(await apps(person)).toEqual([])
    const home = await page(person, '/')
    expect(home.status).toBe(200)
    for (const path of PATHS) expect(home.text).not.toContain(`href="${path}"`)
  })

  test('the sample API and the proof endpoints are 404', async () => {
    for (const path of ['/api/notes', '/api/notes/feed', '/auth/proof'])
      expect([path, (await person.get(path)).status]).toEqual([path, 404])
    expect((await person.post('/api/notes', { text: 'x' })).status).toBe(404)
    expect((await person.post('/auth/proof/storm')).status).toBe(404)
  })

  test('none of its code is loaded and none of its files is made', async () => {
    expect(without.output).not.toContain('loaded ')
    expect(existsSync(join(without.dataDir, 'sample.db'))).toBe(false)
  })

  test('navigating to one of its pages in the browser shows the 404 page', async () => {
    const made = await newContext(chromium, { baseURL: without.origin, locale: 'en' })
    await made.context.addCookies(
      person.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: without.origin })),
    )
    await made.page.goto('/')
    await hydrated(made.page)
    expect(await made.page.locator('main a[href="/notes"], main a[href="/proof"]').count()).toBe(0)
    await made.page.evaluate(
      'document.querySelector("#__nuxt").__vue_app__.config.globalProperties.$router.push("/proof").catch(() => {})',
    )
    await expect.poll(() => made.page.locator('h1').innerText()).toBe('Page not found')
    await made.page.context().close()
  })

  test('`config check` shows it', async () => {
    const { output } = await runCommand(['config', 'check'], { dataDir: without.dataDir, settings: { DEMO: 'false' } })
    expect(output).toMatch(/^demo\s+PORCHLIGHT_DEMO\s+false\s+environment$/m)
  })
})
