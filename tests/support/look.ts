import { join } from 'node:path'
import { source as AXE } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { hydrated, NO_TROUBLE, type Trouble } from './chromium.ts'
import { ROOT } from './server.ts'
import { varied } from './varied.ts'

/**
 * Where `npm run pictures` leaves them. A picture takes longer than all that is checked, and a plain test run is not
 * looked at.
 */
const PICTURES = process.env['PICTURES'] === 'yes' ? join(ROOT, '.cache/screenshots') : null
const THEMES = ['light', 'dark'] as const
const WIDTHS = PICTURES === null ? ([390, 1280] as const) : ([390, 1280, 1920] as const)

export const LANGUAGES = ['en', 'zh-CN'] as const

/** A page as it opens, and what went wrong on the way. */
interface Look {
  route: string
  who: string
  language: string
  trouble: Trouble
}

/**
 * Looks at a page that is open: it has a language, a title and one heading, stands the look of `lookAt`, and nothing
 * went wrong.
 */
export async function look(page: Page, { route, who, language, trouble }: Look): Promise<void> {
  const what = `${route} for ${who}, ${language}`
  await hydrated(page)
  expect(await page.locator('html').getAttribute('lang'), what).toBe(language)
  expect(await page.title(), what).not.toBe('')
  expect(await page.locator('h1').count(), what).toBe(1)
  expect(await inlineHandlers(page), what).toEqual([])
  await lookAt(page, { name: `${route.replaceAll(/\W+/g, '-').replace(/^-|-$/g, '') || 'home'}.${who}`, language })
  const { console, ...rest } = trouble
  // The browser itself reports that the document it asked for was a 404.
  expect({ what, ...rest, console: console.filter(text => !/status of 404/.test(text)) }).toEqual({
    what,
    ...NO_TROUBLE,
  })
}

/**
 * Looks at what a page shows now, in both themes and at both widths: none is wider than its window, and axe finds
 * nothing.
 * @param name begins the names of the pictures, where there are any
 * @param part selects what is looked at of the page; all of it unless said otherwise
 */
export async function lookAt(
  page: Page,
  { name, language, part }: { name: string; language: string; part?: string },
): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme })
    for (const width of WIDTHS) {
      const what = `${name}, ${language}, ${theme} at ${width}`
      await page.setViewportSize({ width, height: 900 })
      expect(
        await page.evaluate('document.documentElement.scrollWidth'),
        `${what}: wider than its window`,
      ).toBeLessThanOrEqual(width)
      if (PICTURES !== null)
        await takePicture(page, join(PICTURES, [name, language, theme, width, 'png'].join('.')), part)
      if (isSearched(language, theme, width)) expect(await violations(page, part), what).toEqual([])
    }
  }
}

/**
 * Colours differ by theme and room by width. Each theme is searched in one language at the narrow width, where room is
 * short; `npm run test:more` searches both themes in both languages, and a wide window.
 */
function isSearched(language: string, theme: (typeof THEMES)[number], width: number): boolean {
  const few = width === WIDTHS[0] && (theme === 'light') === (language === 'en')
  return varied(few, width === WIDTHS[0] || (width === 1280 && language === 'en' && theme === 'light'))
}

async function takePicture(page: Page, path: string, part?: string): Promise<void> {
  if (part === undefined) await page.screenshot({ path, fullPage: true })
  else await page.locator(part).screenshot({ path })
}

/**
 * Attributes that hold a script. The policy runs none of them, but a browser may report one only when its event comes.
 */
export async function inlineHandlers(page: Page): Promise<string[]> {
  return (await page.evaluate(
    "[...document.querySelectorAll('*')].flatMap(element => element.getAttributeNames().filter(name => name.startsWith('on')).map(name => element.tagName + ' ' + name))",
  )) as string[]
}

/** axe's findings, one line each. Its script is run by the debugger, which the page's policy does not bind. */
export async function violations(page: Page, part = 'html'): Promise<string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(AXE)
  const found = (await page.evaluate(
    `axe.run(${JSON.stringify(part)}, { resultTypes: ["violations"] }).then(result => result.violations)`,
  )) as { id: string; nodes: { html: string; failureSummary: string }[] }[]
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  )
}
