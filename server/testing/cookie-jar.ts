import { SECOND, type UnixMs } from '../base/clock.ts'

/** A cookie with the names that Playwright, Puppeteer and WebDriver give its attributes. */
export interface JarCookie {
  name: string
  value: string
  path: string
  httpOnly: boolean
  secure: boolean
  sameSite: 'Lax' | 'Strict' | 'None'
  /** Unix seconds; -1: until the browser is closed. */
  expires: number
}

/** The cookies of one browser for one site, by name: ours all have the path `/` and no domain. */
export class CookieJar {
  /** Those that responses have set, or cleared by a time that has passed. */
  readonly received: JarCookie[] = []
  readonly #cookies: Map<string, string>

  constructor(cookies: readonly Pick<JarCookie, 'name' | 'value'>[] = []) {
    this.#cookies = new Map(cookies.map(({ name, value }) => [name, value]))
  }

  /** The Cookie header; '' if there is nothing to send. */
  get header(): string {
    return [...this.#cookies].map(pair => pair.join('=')).join('; ')
  }

  /** @param lines Set-Cookie values */
  take(lines: readonly string[], now: UnixMs): void {
    for (const cookie of lines.map(line => parseSetCookie(line, now))) {
      this.received.push(cookie)
      if (cookie.expires !== -1 && cookie.expires * SECOND <= now) this.#cookies.delete(cookie.name)
      else this.#cookies.set(cookie.name, cookie.value)
    }
  }
}

/** @see RFC 6265 §5.2 */
function parseSetCookie(line: string, now: UnixMs): JarCookie {
  const [pair = '', ...rest] = line.split(';').map(part => part.trim())
  const attributes = new Map(
    rest.map(part => {
      const [name = '', ...value] = part.split('=')
      return [name.toLowerCase(), value.join('=')]
    }),
  )
  const equals = pair.indexOf('=')
  return {
    name: pair.slice(0, Math.max(equals, 0)),
    value: pair.slice(equals + 1),
    path: attributes.get('path') ?? '/',
    httpOnly: attributes.has('httponly'),
    secure: attributes.has('secure'),
    sameSite: sameSiteOf(attributes.get('samesite')),
    expires: expiryOf(attributes.get('max-age'), attributes.get('expires'), now),
  }
}

function sameSiteOf(value: string | undefined): JarCookie['sameSite'] {
  const known = (['Strict', 'None'] as const).find(one => one.toLowerCase() === value?.toLowerCase())
  return known ?? 'Lax'
}

function expiryOf(maxAge: string | undefined, expires: string | undefined, now: UnixMs): number {
  if (maxAge !== undefined) return Math.floor(now / SECOND) + Number(maxAge)
  return expires === undefined ? -1 : Math.floor(Date.parse(expires) / SECOND)
}
