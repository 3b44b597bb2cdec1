import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hydrated, launchChromium, newContext, NO_TROUBLE } from '../support/chromium.ts'
import { violations } from '../support/look.ts'
import type { Visitor } from '../support/client.ts'
import { setUp } from '../support/people.ts'
import { type Server, startServer, stopAll, temporaryFolder } from '../support/server.ts'

/** Everything in a name that HTML, a URL, a template or a sentence could misread. */
const NAME = 'Ada & "Söhne" <b>%s</b> {name} 夜灯'
const LINKS = { terms: '/terms', privacy: 'https://acme.example/privacy?a=1&b=2', support: 'mailto:help@acme.example' }
/** Two logos whose scripts would be noticed, were they run. */
const logo = (colour: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 100"><rect width="120" height="100" fill="${colour}" onload="parent.document.title='run'"/><script>parent.document.title = 'run'</script></svg>`
const ACCENT = '#ffe600'
/** What the logo of the page shows, once it is there. */
const LOGO =
  "(image => image.decode().then(() => fetch(image.currentSrc)).then(got => got.text()))(document.querySelector('img'))"
/** Names of ours and of the demo, which is off here, as text of a page. */
const OTHERS = />[^<]*(?:Porchlight|[Nn]otes\b|[Pp]roof)/
const NAVIGATE = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

let server: Server
let chromium: Browser
let admin: Visitor

beforeAll(async () => {
  const folder = temporaryFolder()
  const logos = { light: join(folder, 'light.svg'), dark: join(folder, 'dark.svg') }
  writeFileSync(logos.light, logo('#000'))
  writeFileSync(logos.dark, logo('#fff'))
  const brand = { name: NAME, logo: logos, accent: ACCENT, links: LINKS }
  ;[server, chromium] = await Promise.all([
    startServer({ settings: { BRAND: JSON.stringify(brand), DEMO: 'false' } }),
    launchChromium(),
  ])
  admin = (await setUp(server.origin)).browser
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
/** As it looks: a word joiner is invisible. */
const title = async (page: Page) => (await page.title()).replaceAll('\u2060', '')
const visit = (visitor: Visitor, path: string, headers: Record<string, string> = {}) =>
  visitor.ask({ path, headers: { ...NAVIGATE, 'accept-language': 'en', ...headers } })

describe('a site with a name of its own', () => {
  test.each(['/', '/sign-in', '/sign-up', '/signed-out', '/reset', '/set-up', '/no-such-page'])(
    '%s shows it in the first byte, in its title and its header, and never ours',
    async path => {
      const { text } = await visit(admin.stranger(), path)
      expect(text).toMatch(/<title>[^<]+ · Ada &amp; [^<]+ 夜灯<\/title>/)
      expect(text).toContain(`${escaped(NAME)}</bdi>`)
      expect(text.replace(/<script[\s\S]*?<\/script>/g, '')).not.toMatch(OTHERS)
    },
  )

  test.each(['/', '/account', '/account/sessions', '/account/security', '/people'])(
    'a signed-in person sees it on %s',
    async path => {
      const { status, text } = await visit(admin, path)
      expect([status, text.includes(`${escaped(NAME)}</bdi>`)]).toEqual([200, true])
      expect(text.replace(/<script[\s\S]*?<\/script>/g, '')).not.toMatch(OTHERS)
    },
  )

  test.each([
    ['in English', 'en', ['Terms', 'Privacy', 'Help']],
    ['in Chinese', 'zh-CN', ['服务条款', '隐私政策', '帮助']],
  ])('links to its terms, privacy and support at the foot of a page, %s', async (_, language, words) => {
    const { text } = await visit(admin.stranger(), '/sign-in', { 'accept-language': language })
    const links = [...text.matchAll(/<a href="([^"]+)"[^>]*>([^<]+)<\/a>/g)].map(([, href, word]) => [href, word])
    expect(links).toEqual(
      expect.arrayContaining([
        [LINKS.terms, words[0]],
        [LINKS.privacy.replaceAll('&', '&amp;'), words[1]],
        [LINKS.support, words[2]],
      ]),
    )
  })

  test('an error outside of the pages is titled by it', async () => {
    const { status, text } = await visit(admin, '/auth/nothing')
    expect(status).toBe(404)
    expect(text).toContain('· Ada &#38; &#34;Söhne&#34; &#60;b&#62;%s&#60;/b&#62; {name} 夜灯</title>')
  })

  test('its accent is on the button of the first paint, and darker as text on a light page, as the log says', async () => {
    const { page } = await newContext(chromium, { baseURL: server.origin, javaScriptEnabled: false })
    await page.goto('/sign-in')
    const style = (selector: string, property: string) =>
      page.evaluate(`getComputedStyle(document.querySelector('${selector}'))['${property}']`)
    expect(await style('button[type=submit]', 'background-color')).toBe('rgb(255, 230, 0)')
    const link = await style('main a', 'color')
    expect(link).not.toBe('rgb(255, 230, 0)')
    expect(server.output).toContain('brand_accent_adapted')
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await style('main a', 'color')).toBe('rgb(255, 230, 0)')
    await page.context().close()
  })

  test('HD-4, axe: what it changes can be read and operated in both themes, signed in or not', async () => {
    const { page, context } = await newContext(chromium, {
      baseURL: server.origin,
      locale: 'en',
      reducedMotion: 'reduce',
    })
    const cookies = admin.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin }))
    for (const path of ['/sign-in', '/account']) {
      if (path === '/account') await context.addCookies(cookies)
      await page.goto(path)
      await hydrated(page)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect([path, colorScheme, await violations(page)]).toEqual([path, colorScheme, []])
      }
    }
    await context.close()
  })

  test("its logo is the one for the theme, the device's or the chosen one, and runs nothing", async () => {
    const { page, trouble } = await newContext(chromium, { baseURL: server.origin, locale: 'en', colorScheme: 'dark' })
    await page.goto('/sign-in')
    await hydrated(page)
    const shown = () => page.evaluate(LOGO)
    expect(await shown()).toBe(logo('#fff'))
    await page.locator('footer select').last().selectOption('light')
    await expect.poll(shown).toBe(logo('#000'))
    expect(await title(page)).toBe(`Sign in · ${NAME}`)
    expect(trouble).toEqual(NO_TROUBLE)
    const source = await page.locator('header img').getAttribute('src')
    await page.goto(source ?? '')
    expect(await page.title()).toBe('')
    await page.context().close()
  })

  test('an error outside of the pages shows its logo and its colours, and no policy is violated', async () => {
    const { page, trouble } = await newContext(chromium, { baseURL: server.origin, locale: 'en', colorScheme: 'dark' })
    await page.goto('/auth/nothing')
    const picture = "(image => image.decode().then(() => image.naturalWidth))(document.querySelector('img'))"
    expect(await page.evaluate(picture)).toBeGreaterThan(0)
    expect(await page.locator('.brand').innerText()).toBe(NAME)
    expect(await page.evaluate("getComputedStyle(document.querySelector('main')).borderLeftColor")).toBe(
      'rgb(255, 230, 0)',
    )
    expect({ ...trouble, console: [] }).toEqual(NO_TROUBLE)
    await page.context().close()
  })

  test('it stays in the title while a person goes from page to page, and no policy is violated', async () => {
    const { page, trouble } = await newContext(chromium, { baseURL: server.origin, locale: 'en' })
    await page.goto('/sign-in')
    await hydrated(page)
    expect(await title(page)).toBe(`Sign in · ${NAME}`)
    await page.getByRole('link', { name: 'Create an account' }).click()
    await expect.poll(() => title(page)).toBe(`Create an account · ${NAME}`)
    expect(trouble).toEqual(NO_TROUBLE)
    await page.context().close()
  })
})
