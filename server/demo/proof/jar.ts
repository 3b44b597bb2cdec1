import { SECOND, type UnixMs } from '../../base/clock.ts'
import { generationOf } from '../../contract/demo/token-shapes.ts'

interface Cookie {
  name: string
  value: string
  httpOnly: boolean
  endsAt: UnixMs | null
}

/**
 * The cookies of one browser for one site, kept as browsers do: by name, until they expire (RFC 6265bis §5.6). Domain
 * and path are ignored, because it visits one site only.
 */
export class Jar {
  readonly #cookies = new Map<string, Cookie>()

  /**
   * @param lines Set-Cookie values
   * @returns the cookies that they set
   */
  take(lines: readonly string[], now: UnixMs): Cookie[] {
    const taken = lines.map(line => parse(line, now))
    for (const cookie of taken) {
      if (cookie.endsAt !== null && cookie.endsAt <= now) this.#cookies.delete(cookie.name)
      else this.#cookies.set(cookie.name, cookie)
    }
    return taken
  }

  alive(now: UnixMs): Cookie[] {
    return [...this.#cookies.values()].filter(({ endsAt }) => endsAt === null || endsAt > now)
  }

  /** The Cookie header; '' if there is nothing to send. */
  header(now: UnixMs): string {
    return this.alive(now)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  /** The generation of our refresh token, if the site is Porchlight. */
  generation(now: UnixMs): number | null {
    return (
      this.alive(now)
        .map(({ value }) => generationOf(value))
        .find(found => found !== null) ?? null
    )
  }

  /** A copy, of those cookies that `only` accepts. */
  copy(only: (cookie: Cookie) => boolean = () => true): Jar {
    const copy = new Jar()
    for (const [name, cookie] of this.#cookies) if (only(cookie)) copy.#cookies.set(name, cookie)
    return copy
  }
}

function parse(line: string, now: UnixMs): Cookie {
  const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
  const at = pair.indexOf('=')
  const valueOf = (name: string) =>
    attributes.find(one => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1) ?? null
  const maxAge = valueOf('max-age')
  const expires = valueOf('expires')
  return {
    name: pair.slice(0, Math.max(at, 0)),
    value: pair.slice(at + 1),
    httpOnly: attributes.some(one => one.toLowerCase() === 'httponly'),
    endsAt: maxAge !== null ? now + Number(maxAge) * SECOND : expires !== null ? Date.parse(expires) : null,
  }
}
