import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gzipSize, scriptsOf, SIGN_IN_BUDGET } from '../../bench/page-weight.ts'
import { ensureSiteBuilt } from '../../site-build/build-site.ts'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import { Visitor } from '../support/client.ts'
import { LANGUAGES } from '../support/look.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'

let server: Server
let chromium: Browser

beforeAll(async () => {
  ;[server, chromium] = await Promise.all([startServer(), launchChromium()])
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

test.each(LANGUAGES)('the JavaScript of the sign-in page in %s stays under its budget', async language => {
  const { root } = await ensureSiteBuilt(() => undefined)
  const html = (await new Visitor(server.origin).get('/sign-in', { 'accept-language': language })).text
  expect(html).toContain(`lang="${language}"`)
  const named = scriptsOf(html)
  expect(named.length).toBeGreaterThan(0)
  expect(gzipSize(root, named)).toBeLessThanOrEqual(SIGN_IN_BUDGET)

  // The browser loads no more than that: what is fetched ahead for later pages counts as well.
  const loaded = new Set<string>()
  const { page } = await newContext(chromium, { baseURL: server.origin, locale: language })
  page.on('response', response =>
    response.request().resourceType() === 'script' ? loaded.add(new URL(response.url()).pathname) : undefined,
  )
  await page.goto('/sign-in')
  await hydrated(page)
  await page.waitForLoadState('networkidle')
  expect(loaded.size).toBeGreaterThan(0)
  expect(gzipSize(root, [...loaded])).toBeLessThanOrEqual(SIGN_IN_BUDGET)
})

test('static files are precompressed, kept for good, and a missing one is a 404 of its own', async () => {
  const visitor = new Visitor(server.origin)
  const [script = ''] = scriptsOf((await visitor.page('/sign-in')).text)
  for (const encoding of ['br', 'gzip']) {
    const answer = await visitor.get(script, { 'accept-encoding': encoding })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-encoding']).toBe(encoding)
    expect(answer.headers['cache-control']).toMatch(/max-age=31536000.*immutable/)
    expect(answer.headers.vary?.toLowerCase()).toContain('accept-encoding')
    expect(answer.setCookies).toEqual([])
  }
  const missing = await visitor.get('/_porchlight/missing.js')
  expect(missing.status).toBe(404)
  expect(missing.headers['cache-control'] ?? '').not.toContain('immutable')
})

test('an icon is there under the name that browsers ask for by themselves', async () => {
  const { status, headers, text } = await new Visitor(server.origin).get('/favicon.ico')
  expect([status, headers['content-type'], text.slice(0, 4)]).toEqual([200, 'image/x-icon', '\u0000\u0000\u0001\u0000'])
})
