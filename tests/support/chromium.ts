import { execFileSync } from 'node:child_process'
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { ROOT, waitUntil } from './server.ts'

const PACKAGE = join(ROOT, 'node_modules/@sparticuz/chromium')
const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }
const UNPACKED = join(ROOT, `.cache/chromium-${version}`)
const SYSTEM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Unpacks the Chromium that npm brings, once: Chromium's headless shell. It is the same for everybody, and a window of
 * it takes a quarter of the processor time of one of the whole browser. Without it, where it does not run.
 */
export async function unpackChromium(): Promise<void> {
  if (existsSync(UNPACKED) || process.platform !== 'linux' || process.arch !== 'x64') return
  mkdirSync(dirname(UNPACKED), { recursive: true })
  const file = `${UNPACKED}.${process.pid}`
  try {
    await pipeline(
      createReadStream(join(PACKAGE, 'bin/chromium.br')),
      createBrotliDecompress(),
      createWriteStream(file, { mode: 0o755 }),
    )
    execFileSync(file, ['--version'], { stdio: 'pipe' })
    renameSync(file, UNPACKED)
  } catch (error) {
    rmSync(file, { force: true })
    process.stderr.write(`The Chromium that npm brings does not run here, so the system's is taken: ${String(error)}\n`)
  }
}

/** @returns the program's path */
export function findChromium(): string {
  const found = [UNPACKED, ...SYSTEM].find(path => existsSync(path))
  if (found === undefined)
    throw new Error('there is no Chromium here, neither one that npm brought nor one of the system')
  return found
}

/** Each launch has a fresh profile. */
export async function launchChromium(extraFlags: string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: [...FLAGS, ...extraFlags] })
}

// As text, so that the rest of the tests does not get the types of a browser's globals.
const REPORT_VIOLATIONS = `document.addEventListener('securitypolicyviolation', event =>
  window.reportViolation(event.violatedDirective + ' blocked ' + event.blockedURI + ' on ' + event.documentURI + ' (' + event.sourceFile + ':' + event.lineNumber + ')'))`

/** What a page did that it should not have. */
export interface Trouble {
  console: string[]
  errors: string[]
  csp: string[]
  failed: string[]
}

export const NO_TROUBLE: Trouble = { console: [], errors: [], csp: [], failed: [] }

/** A browser context whose pages report every console error, exception, broken policy and failed request of ours. */
export async function newContext(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ context: BrowserContext; page: Page; trouble: Trouble }> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
  const trouble: Trouble = { console: [], errors: [], csp: [], failed: [] }
  await context.exposeBinding('reportViolation', (_source, text: string) => void trouble.csp.push(text))
  await context.addInitScript({ content: REPORT_VIOLATIONS })
  context.on('page', each => {
    each.on('console', message =>
      message.type() === 'error' || /hydration|vue warn/i.test(message.text())
        ? trouble.console.push(message.text())
        : undefined,
    )
    each.on('pageerror', error => trouble.errors.push(String(error)))
    // Leaving a page cancels what it was still loading: that is no failure.
    each.on('requestfailed', request =>
      request.failure()?.errorText === 'net::ERR_ABORTED'
        ? undefined
        : trouble.failed.push(`${request.url()} ${request.failure()?.errorText ?? ''}`),
    )
  })
  return { context, page: await context.newPage(), trouble }
}

/**
 * Waits until Vue has taken over the server's HTML, so that a click reaches a listener. Asked through the debugger
 * again and again: a waiting function would be evaluated by the page, which its policy forbids.
 */
export async function hydrated(page: Page): Promise<void> {
  await waitUntil(
    async () => (await page.evaluate('window.useNuxtApp?.().isHydrating === false').catch(() => false)) === true,
    `${page.url()} to be hydrated`,
  )
}
