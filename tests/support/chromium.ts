import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { waitUntil } from './server.ts'

const SYSTEM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** The system's Chromium where there is one, else the one that npm brought. Each launch has a fresh profile. */
export async function launchChromium(extraFlags: string[] = []): Promise<Browser> {
  const system = SYSTEM.find(path => existsSync(path))
  if (system !== undefined) return chromium.launch({ executablePath: system, args: [...FLAGS, ...extraFlags] })
  const { default: packaged } = await import('@sparticuz/chromium')
  return chromium.launch({ executablePath: await packaged.executablePath(), args: [...packaged.args, ...FLAGS, ...extraFlags] })
}

// As text, so that the rest of the tests does not get the types of a browser's globals.
const REPORT_VIOLATIONS = `document.addEventListener('securitypolicyviolation', event =>
  window.reportViolation(event.violatedDirective + ' blocked ' + event.blockedURI + ' on ' + event.documentURI + ' (' + event.sourceFile + ':' + event.lineNumber + ')'))`

/** What a page did that it should not have. */
export interface Trouble { console: string[], errors: string[], csp: string[], failed: string[] }

export const NO_TROUBLE: Trouble = { console: [], errors: [], csp: [], failed: [] }

/** A browser context whose pages report every console error, exception, broken policy and failed request of ours. */
export async function newContext(browser: Browser, options: BrowserContextOptions = {}): Promise<{ context: BrowserContext, page: Page, trouble: Trouble }> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
  const trouble: Trouble = { console: [], errors: [], csp: [], failed: [] }
  await context.exposeBinding('reportViolation', (_source, text: string) => void trouble.csp.push(text))
  await context.addInitScript({ content: REPORT_VIOLATIONS })
  context.on('page', (each) => {
    each.on('console', message => message.type() === 'error' || /hydration|vue warn/i.test(message.text()) ? trouble.console.push(message.text()) : undefined)
    each.on('pageerror', error => trouble.errors.push(String(error)))
    // Leaving a page cancels what it was still loading: that is no failure.
    each.on('requestfailed', request => request.failure()?.errorText === 'net::ERR_ABORTED' ? undefined : trouble.failed.push(`${request.url()} ${request.failure()?.errorText ?? ''}`))
  })
  return { context, page: await context.newPage(), trouble }
}

/** Waits until Vue has taken over the server's HTML, so that a click reaches a listener. Asked through the debugger again and
 * again: a waiting function would be evaluated by the page, which its policy forbids. */
export async function hydrated(page: Page): Promise<void> {
  await waitUntil(async () => await page.evaluate('window.useNuxtApp?.().isHydrating === false').catch(() => false) === true, `${page.url()} to be hydrated`)
}
