import { systemClock } from '../base/clock.ts'
import { CookieJar } from './cookie-jar.ts'
import type { PostingBrowser } from './request-sign-in.ts'

/** A browser without pages: `fetch` with the cookies of one site, and with the `Origin` that browsers send. */
export interface FetchBrowser extends PostingBrowser {
  fetch: typeof fetch
}

export function fetchBrowser(site: string, jar = new CookieJar()): FetchBrowser {
  const { origin } = new URL(site)

  async function call(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(typeof input === 'string' ? new URL(input, origin) : input, init)
    if (new URL(request.url).origin !== origin) return fetch(request)
    const headers = new Headers(request.headers)
    headers.set('origin', origin)
    if (jar.header !== '') headers.set('cookie', jar.header)
    // Followed by fetch itself, a redirect would lose the cookies that it sets.
    const response = await fetch(request, { headers, redirect: 'manual' })
    jar.take(response.headers.getSetCookie(), systemClock.now().wall)
    return response
  }

  return {
    origin,
    fetch: call as typeof fetch,
    async post(path, headers, body) {
      const json = body === undefined ? {} : { body: JSON.stringify(body) }
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      const response = await call(path, { method: 'POST', headers: { ...headers, ...type }, ...json })
      return { status: response.status, text: await response.text() }
    },
  }
}
