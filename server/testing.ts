import { randomBytes } from 'node:crypto'
import type { Settings } from './config/settings.ts'
import { type BrowserTarget, browserOf, type PlaywrightTarget, type PuppeteerTarget } from './testing/browser-target.ts'
import { fetchBrowser } from './testing/fetch-browser.ts'
import { requestSignIn, secretOr } from './testing/request-sign-in.ts'
import type { SignInOptions, TestPerson, TestSession, TestSite } from './testing/types.ts'

// `porchlight/testing`: for the tests of an app. docs/guides/testing-your-app.md shows each of these at work.

export type { BrowserTarget, PlaywrightTarget, PuppeteerTarget, SignInOptions, TestPerson, TestSession, TestSite }

/**
 * Signs a browser in, without a page or a password: whatever it loads next is signed in. A session that it had is
 * replaced, as at every sign-in.
 *
 * ```ts
 * await signInAs(page, { email: 'ada@example.org', roles: ['admin'] })
 * await page.goto('/')
 * ```
 * @param browser Playwright's `page`, `context` or `request`; Puppeteer's `page`
 * @throws Error that says what is wrong: test sign-in is off, another secret, an address that is not a test's
 */
export async function signInAs(
  browser: BrowserTarget,
  person: TestPerson,
  options: SignInOptions = {},
): Promise<TestSession> {
  return requestSignIn(await browserOf(browser, options.origin), person, secretOr(options.secret))
}

/**
 * Ends the session of a browser and clears its cookies, as the button does. Does nothing if nobody is signed in.
 * @param browser as for `signInAs`
 * @throws Error if the site refuses
 */
export async function signOut(browser: BrowserTarget, options: Pick<SignInOptions, 'origin'> = {}): Promise<void> {
  const { post } = await browserOf(browser, options.origin)
  const { status, text } = await post('/auth/logout', {})
  if (status !== 200) throw new Error(`POST /auth/logout answered ${status}: ${text}`)
}

/**
 * A `fetch` of somebody who is signed in, with a cookie jar of its own: for tests of an API without a browser. Paths
 * start from `origin`; calls to other sites carry neither cookies nor `Origin`. Redirects are returned, not followed.
 *
 * ```ts
 * const ada = await fetchAs('http://localhost:3000', { email: 'ada@example.org' })
 * const response = await ada('/api/notes', { method: 'POST', body: '{}' })
 * ```
 * @throws Error as `signInAs` does
 */
export async function fetchAs(
  origin: string,
  person: TestPerson,
  options: Pick<SignInOptions, 'secret'> = {},
): Promise<typeof fetch> {
  const browser = fetchBrowser(origin)
  await requestSignIn(browser, person, secretOr(options.secret))
  return browser.fetch
}

/**
 * The environment of a server that tests may sign in to, such as that of Playwright's `webServer`. The secret is that of
 * this process, or else a random one, which is then set here, too: for `signInAs`, in workers as well.
 */
export function testEnvironment(): { PORCHLIGHT_TEST_SIGN_IN: string; NODE_ENV: 'test' } {
  const secret = (process.env['PORCHLIGHT_TEST_SIGN_IN'] ??= randomBytes(32).toString('base64url'))
  return { PORCHLIGHT_TEST_SIGN_IN: secret, NODE_ENV: 'test' }
}

/**
 * Starts Porchlight in this process for tests: on a free port of this machine, with an empty data folder and keys of its
 * own, which `close` removes. `signInAs` and `fetchAs` sign in to it.
 * @param settings as in a configuration file. Over them, and over `porchlight.config.ts` if there is one, goes what makes
 * it a test: `publicUrl`, `host`, `port`, `dataDir`, `keys`; no `PORCHLIGHT_*` variable counts. Only errors are logged
 * unless `logLevel` says otherwise
 * @param folder relative paths start from it, and a configuration file is looked for there. Default: the working
 * directory
 * @throws OperatorError that names every wrong setting
 */
export async function startPorchlight(
  settings: Omit<Settings, 'testSignIn'> = {},
  { folder = process.cwd() }: { folder?: string } = {},
): Promise<TestSite> {
  const { startTestSite } = await import('./testing/start-test-site.ts')
  return startTestSite(settings, folder, testEnvironment())
}
