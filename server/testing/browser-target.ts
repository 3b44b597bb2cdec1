import { CookieJar, type JarCookie } from './cookie-jar.ts'
import { fetchBrowser } from './fetch-browser.ts'
import type { PostingBrowser } from './request-sign-in.ts'

// Described by what is used of them, so that neither Playwright nor Puppeteer is a dependency.

/** What a call of Playwright answers. */
interface PlaywrightAnswer {
  url(): string
  status(): number
  text(): Promise<string>
}

/** Playwright's `APIRequestContext`. */
interface PlaywrightRequest {
  get(url: string, options?: { maxRedirects?: number }): Promise<PlaywrightAnswer>
  post(
    url: string,
    options?: { headers?: Record<string, string>; data?: object; maxRedirects?: number },
  ): Promise<PlaywrightAnswer>
}

/** Playwright's `Page`, `BrowserContext` or `APIRequestContext`. */
export type PlaywrightTarget = PlaywrightRequest | { readonly request: PlaywrightRequest; url?: () => string }

/** A cookie of Puppeteer. */
interface PuppeteerCookie {
  name: string
  value: string
  domain: string
}

/** Puppeteer's `Page`. */
export interface PuppeteerTarget {
  url(): string
  browserContext(): {
    cookies(): Promise<PuppeteerCookie[]>
    setCookie(...cookies: (JarCookie & { domain: string })[]): Promise<void>
  }
}

/** A browser that a test drives. */
export type BrowserTarget = PlaywrightTarget | PuppeteerTarget

/** @throws Error if the site under test is not known, or cannot be reached */
export async function browserOf(target: BrowserTarget, origin: string | undefined): Promise<PostingBrowser> {
  if ('browserContext' in target) return puppeteer(target, origin ?? originOf(target.url()))
  const request = 'request' in target ? target.request : target
  const page = 'request' in target ? target.url?.() : undefined
  return playwright(request, origin ?? (await baseOf(request)) ?? originOf(page))
}

/** Playwright keeps its `baseURL` to itself, but an answer knows where it came from. */
async function baseOf(request: PlaywrightRequest): Promise<string | null> {
  try {
    return new URL((await request.get('/auth/session', { maxRedirects: 0 })).url()).origin
  } catch (error) {
    if (error instanceof Error && /invalid url/i.test(error.message)) return null
    throw error
  }
}

function originOf(page: string | undefined): string {
  const url = page === undefined ? null : URL.parse(page)
  if (url !== null && /^https?:$/.test(url.protocol)) return url.origin
  throw new Error('which site? Give { origin }, set a baseURL, or open a page of it first')
}

function playwright(request: PlaywrightRequest, site: string): PostingBrowser {
  const { origin } = new URL(site)
  return {
    origin,
    async post(path, headers, body) {
      const answer = await request.post(origin + path, {
        headers: { ...headers, origin },
        ...(body === undefined ? {} : { data: body }),
        maxRedirects: 0,
      })
      return { status: answer.status(), text: await answer.text() }
    },
  }
}

/** Puppeteer cannot send requests outside of a page, so this process does, with the browser's cookies. */
function puppeteer(page: PuppeteerTarget, site: string): PostingBrowser {
  const { origin, hostname } = new URL(site)
  return {
    origin,
    async post(path, headers, body) {
      const context = page.browserContext()
      const jar = new CookieJar((await context.cookies()).filter(({ domain }) => domain === hostname))
      const answer = await fetchBrowser(origin, jar).post(path, headers, body)
      await context.setCookie(...jar.received.map(cookie => ({ ...cookie, domain: hostname })))
      return answer
    },
  }
}
