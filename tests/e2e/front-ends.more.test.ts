import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE } from '../support/chromium.ts'
import { signInByForm } from '../support/forms.ts'
import { setUp, somebody } from '../support/people.ts'
import { startServer, stopAll } from '../support/server.ts'

let chromium: Browser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

test.each<[string, object, RegExp]>([
  [
    'a whole policy',
    {
      policy:
        "default-src 'none'; script-src {scripts} 'strict-dynamic'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' https:; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    },
    /^default-src 'none'; script-src 'nonce-[^']+' 'strict-dynamic'; style-src 'self' 'unsafe-inline'/,
  ],
  [
    'added sources, also for inline styles, and headers',
    {
      policy: { 'img-src': ['https://tiles.example'], 'style-src': ["'unsafe-inline'"], 'worker-src': ['blob:'] },
      headers: { permissionsPolicy: 'geolocation=(self)', crossOriginEmbedderPolicy: 'require-corp' },
    },
    /style-src-elem 'self' 'unsafe-inline';.* img-src 'self' https:\/\/tiles\.example;.* worker-src 'self' blob:/,
  ],
])('our own pages run under %s', async (_, site, expected) => {
  const server = await startServer({ settings: { SITE: JSON.stringify(site) } })
  const person = somebody()
  await setUp(server.origin, person)
  const { page, trouble } = await newContext(chromium, { baseURL: server.origin })
  const first = await page.goto('/sign-in')
  expect(first?.headers()['content-security-policy']).toMatch(expected)
  await signInByForm(page, person)
  await page.goto('/account')
  await hydrated(page)
  expect(trouble).toEqual(NO_TROUBLE)
})
