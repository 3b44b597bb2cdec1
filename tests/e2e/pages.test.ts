import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InviteAnswer, ResetLinkAnswer } from '../../server/contract/wire.ts'
import { launchChromium, newContext } from '../support/chromium.ts'
import { inlineHandlers, LANGUAGES, look, violations } from '../support/look.ts'
import { setUp, signIn, signUp, somebody } from '../support/people.ts'
import { type Server, SETUP_CODE, startServer, stopAll } from '../support/server.ts'
import { siteRoutes } from '../support/site-routes.ts'

/** How each page of the site is visited, and by whom. */
type Who = 'guest' | 'user' | 'admin'
let links: { invite: string; reset: string }
const VISITS: Record<string, { who: Who[]; path?: () => string }> = {
  '/': { who: ['guest', 'user'] },
  '/set-up': { who: ['guest'], path: () => `/set-up#code=${SETUP_CODE}` },
  '/sign-in': { who: ['guest'] },
  '/sign-up': { who: ['guest'], path: () => links.invite },
  '/signed-out': { who: ['guest'] },
  '/forgot': { who: ['guest'] },
  '/reset': { who: ['guest'], path: () => links.reset },
  '/verify-email': { who: ['guest', 'user'], path: () => `/verify-email#code=${SETUP_CODE}` },
  '/restore-email': { who: ['guest'], path: () => `/restore-email#code=${SETUP_CODE}` },
  '/reauthenticate': { who: ['user'] },
  '/account': { who: ['user'] },
  '/account/sessions': { who: ['user'] },
  '/account/security': { who: ['user'] },
  '/people': { who: ['admin'] },
  '/proof': { who: ['user'] },
  '/notes': { who: ['user', 'admin'] },
  '/:missing': { who: ['guest', 'user'], path: () => '/no-such-page' },
}

/** Short and long, in several scripts and directions. */
const NOTES = [
  'A note can hold a whole page.\n\n'.repeat(20),
  'قائمة المشتريات: خبز، زيتون، وقهوة\nand a line in English',
  '买牛奶，取快递，给妈妈打电话',
  '👩‍👩‍👧‍👦🏳️‍🌈 🎂 Saturday',
  'https://example.org/'.padEnd(300, 'a-very-long-address'),
  '<img src=x onerror="alert(1)"> is only text',
]
/** Nobody listens there: the pages only have to know that mail is configured. */
const MAIL = { MAIL_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'login@porch.example' }

let server: Server
let fresh: Server
let chromium: Browser
const sessions = new Map<Who, BrowserContext['addCookies'] extends (cookies: infer C) => unknown ? C : never>()

beforeAll(async () => {
  ;[server, fresh, chromium] = await Promise.all([startServer({ settings: MAIL }), startServer(), launchChromium()])
  const { browser: admin, person } = await setUp(server.origin, somebody('Ada First'))
  const user = await signUp(admin, somebody('Grace Lantern'))
  await signIn(server.origin, user.person)
  await signIn(server.origin, user.person)
  await admin.post('/auth/invites', { email: 'somebody@example.org' })
  for (const text of NOTES) await admin.post('/api/notes', { text })
  const invite = (await admin.post('/auth/invites', {})).json<InviteAnswer>().href
  const reset = (await admin.post(`/auth/people/${user.answer.user?.id ?? ''}/reset`)).json<ResetLinkAnswer>().href
  const path = (href: string | null) => (href ?? '').slice(new URL(href ?? '').origin.length)
  links = { invite: path(invite), reset: path(reset) }
  const cookies = async (who: { email: string; password: string; name: string }) =>
    (await signIn(server.origin, who)).jar
      .all()
      .map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin }))
  sessions
    .set('guest', [])
    .set('user', await cookies(user.person))
    .set('admin', await cookies(person))
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

test('every page of the site is visited here', () => {
  expect(siteRoutes().filter(route => !(route in VISITS))).toEqual([])
})

test('the checks themselves notice what is wrong', async () => {
  const { page, trouble } = await visitor('guest', 'en', 'light')
  await page.goto('/sign-in')
  await page.evaluate(
    'document.body.append(new Image()), document.body.insertAdjacentHTML("beforeend", "<p onclick=alert(1) style=color:#eee;background:#fff>faint</p>")',
  )
  const found = await violations(page)
  expect(found.some(line => line.startsWith('image-alt'))).toBe(true)
  expect(found.some(line => line.startsWith('color-contrast'))).toBe(true)
  expect(await inlineHandlers(page)).toEqual(['P onclick'])
  await page.evaluate(
    'document.body.insertAdjacentHTML("beforeend", "<style>p { color: red }</style>"), document.querySelector("p[onclick]").click()',
  )
  await expect
    .poll(() => trouble.csp.map(line => line.split(' ')[0]))
    .toEqual(expect.arrayContaining(['script-src-attr', 'style-src-elem']))
  await page.context().close()
})

describe.each(LANGUAGES)('in %s', language => {
  test.each(['guest', 'user', 'admin'] as const)(
    'HD-4, axe: no page of a %s has a violation or an error, or is wider than its window',
    async who => {
      const { page, trouble } = await visitor(who, language, 'light')
      for (const [route, visit] of Object.entries(VISITS).filter(([, { who: whom }]) => whom.includes(who))) {
        await page.goto(visit.path?.() ?? route, { waitUntil: 'load' })
        await look(page, { route, who, language, trouble })
      }
      await page.context().close()
    },
  )

  test('HD-4, axe: the first page that anybody sees of a new installation has no violation either', async () => {
    const { page, trouble } = await visitor('guest', language, 'light', fresh.origin)
    for (const [route, path] of [
      ['/set-up', `/set-up#code=${SETUP_CODE}`],
      ['/', '/'],
    ] as const) {
      await page.goto(path)
      await look(page, { route: `${route} of a fresh server`, who: 'guest', language, trouble })
    }
    await page.context().close()
  })

  test('a chosen theme is in the first byte, whatever the device prefers', async () => {
    const { page, context } = await visitor('guest', language, 'light')
    await context.addCookies([{ name: 'porchlight-theme', value: 'dark', url: server.origin }])
    await page.goto('/sign-in')
    const dark = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    await context.clearCookies()
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.goto('/sign-in')
    expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).toBe(dark)
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).not.toBe(dark)
    await context.close()
  })
})

async function visitor(who: Who, language: string, theme: 'light' | 'dark', origin = server.origin) {
  const made = await newContext(chromium, {
    baseURL: origin,
    colorScheme: theme,
    locale: language,
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  })
  if (origin === server.origin) await made.context.addCookies(sessions.get(who) ?? [])
  return made
}
