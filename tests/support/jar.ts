/** One cookie as a browser keeps it. */
export interface Cookie {
  name: string
  value: string
  path: string
  secure: boolean
  httpOnly: boolean
  sameSite: string | null
  domain: string | null
  endsAt: number | null
  maxAge: number | null
}

/** RFC 6265bis §5.6: name and value together; a longer one is dropped without a word. */
const MAX_NAME_AND_VALUE = 4096

export function parseSetCookie(line: string, now = Date.now()): Cookie {
  const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
  const at = pair.indexOf('=')
  const find = (name: string) => attributes.find(each => each.toLowerCase().split('=')[0] === name)
  const valueOf = (name: string) => find(name)?.split('=').slice(1).join('=') ?? null
  const maxAge = valueOf('max-age')
  const expires = valueOf('expires')
  return {
    name: pair.slice(0, at),
    value: pair.slice(at + 1),
    path: valueOf('path') ?? '/',
    secure: find('secure') !== undefined,
    httpOnly: find('httponly') !== undefined,
    sameSite: valueOf('samesite'),
    domain: valueOf('domain'),
    maxAge: maxAge === null ? null : Number(maxAge),
    endsAt: maxAge !== null ? now + Number(maxAge) * 1000 : expires !== null ? Date.parse(expires) : null,
  }
}

/** A cookie jar for one host, strict where browsers are: prefixes, size, `Secure`. Keeps every line it was given. */
export class Jar {
  readonly received: Cookie[] = []
  readonly refused: Cookie[] = []
  readonly #cookies = new Map<string, Cookie>()
  readonly #secureOrigin: boolean

  constructor(secureOrigin: boolean) {
    this.#secureOrigin = secureOrigin
  }

  take(lines: readonly string[]): void {
    for (const line of lines) {
      const cookie = parseSetCookie(line)
      if (!this.#accepts(cookie)) {
        this.refused.push(cookie)
        continue
      }
      this.received.push(cookie)
      if (cookie.endsAt !== null && cookie.endsAt <= Date.now()) this.#cookies.delete(cookie.name)
      else this.#cookies.set(cookie.name, cookie)
    }
  }

  #accepts(cookie: Cookie): boolean {
    if (cookie.name.length + cookie.value.length > MAX_NAME_AND_VALUE) return false
    if (cookie.domain !== null) return false
    if (cookie.secure && !this.#secureOrigin) return false
    if (cookie.name.startsWith('__Host-') && !(cookie.secure && cookie.path === '/')) return false
    return !cookie.name.startsWith('__Host-Http-') || cookie.httpOnly
  }

  /** The Cookie header, or null when there is nothing to send. */
  header(): string | null {
    const alive = this.all()
    return alive.length === 0 ? null : alive.map(({ name, value }) => `${name}=${value}`).join('; ')
  }

  all(): Cookie[] {
    const now = Date.now()
    return [...this.#cookies.values()].filter(cookie => cookie.endsAt === null || cookie.endsAt > now)
  }

  /** The value of the one cookie whose name ends so (`access`, `refresh`), with or without its prefix. */
  value(kind: string): string | null {
    return this.all().find(cookie => cookie.name.endsWith(`porchlight-${kind}`))?.value ?? null
  }

  set(kind: string, value: string): void {
    const cookie = this.all().find(each => each.name.endsWith(`porchlight-${kind}`))
    if (!cookie) throw new Error(`no ${kind} cookie in the jar`)
    this.#cookies.set(cookie.name, { ...cookie, value })
  }

  drop(kind: string): void {
    for (const name of this.#cookies.keys()) {
      if (name.endsWith(`porchlight-${kind}`)) this.#cookies.delete(name)
    }
  }

  /** The same cookies in a jar of its own: a stolen copy, or a saved browser profile. */
  copy(): Jar {
    const copy = new Jar(this.#secureOrigin)
    for (const [name, cookie] of this.#cookies) copy.#cookies.set(name, cookie)
    return copy
  }
}
