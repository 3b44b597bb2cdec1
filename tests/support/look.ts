import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { source as AXE } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { hydrated, NO_TROUBLE, type Trouble } from './chromium.ts'
import { ROOT } from './server.ts'

const PICTURES = join(ROOT, '.cache/screenshots')
const THEMES = ['light', 'dark'] as const
export const LANGUAGES = ['en', 'zh-CN'] as const
const WIDTHS = [390, 1280] as const

interface Look { route: string, who: string, language: string, trouble: Trouble }

/** Looks at a page that is open: in both themes and at both widths it fits its window, axe finds nothing, and nothing went
 * wrong on the way. Leaves a picture of each. */
export async function look(page: Page, { route, who, language, trouble }: Look): Promise<void> {
  mkdirSync(PICTURES, { recursive: true })
  const what = `${route} for ${who}, ${language}`
  await hydrated(page)
  expect(await page.locator('html').getAttribute('lang'), what).toBe(language)
  expect(await page.title(), what).not.toBe('')
  expect(await page.locator('h1').count(), what).toBe(1)
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme })
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 })
      expect(await page.evaluate('document.documentElement.scrollWidth'), `${what}: wider than ${width}`).toBeLessThanOrEqual(width)
      await page.screenshot({ path: join(PICTURES, `${[route.replaceAll(/\W+/g, '-').replace(/^-|-$/g, '') || 'home', who, language, theme, width].join('.')}.png`), fullPage: true })
      // Translated pages have the same parts and colours: one width is enough for them.
      if (language === 'en' || width === WIDTHS[0]) expect(await violations(page), `${what}, ${theme} at ${width}`).toEqual([])
    }
  }
  const { console, ...rest } = trouble
  // The browser itself reports that the document it asked for was a 404.
  expect({ what, ...rest, console: console.filter(text => !/status of 404/.test(text)) }).toEqual({ what, ...NO_TROUBLE })
}

/** axe's findings, one line each. Its script is run by the debugger, which the page's policy does not bind. */
export async function violations(page: Page): Promise<string[]> {
  if (await page.evaluate('typeof axe') === 'undefined') await page.evaluate(AXE)
  const found = await page.evaluate('axe.run({ resultTypes: ["violations"] }).then(result => result.violations)') as { id: string, nodes: { html: string, failureSummary: string }[] }[]
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`))
}
