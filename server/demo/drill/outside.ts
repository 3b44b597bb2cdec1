import { type Clock, SECOND } from '../../base/clock.ts'
import { OperatorError } from '../../base/operator-error.ts'
import type { ProofCheck } from '../../contract/demo/wire-proof.ts'
import { generationOf, tokensIn } from '../../contract/demo/token-shapes.ts'
import { type Answer, type Ask, Browser, type Place } from '../proof/browser.ts'
import { isSignedIn } from '../proof/proof.ts'
import type { Site } from '../proof/recorder.ts'

/** A site to test from outside, with what its operator has told about it. */
export interface Visit {
  clock: Clock
  place: Place
  login: Ask
  checkPath: string
  /** A text that only a signed-in response contains; null: detected. */
  expect: string | null
  /** How long an access token lives there; null: detected. */
  accessMs: number | null
}

/**
 * Signs in once and detects what the demonstrations need to know.
 * @returns the site; the tokens that a script on its pages could have found; and `leave`, which signs out every browser
 * @throws OperatorError if its responses do not show whether a browser is signed in
 */
export async function lookAround(
  visit: Visit,
): Promise<{ site: Site; tokens: ProofCheck; leave: () => Promise<void> }> {
  const { clock, place, checkPath } = visit
  const browsers: Browser[] = []

  async function arrive(): Promise<{ browser: Browser; welcome: Answer }> {
    const browser = new Browser(place, clock)
    const welcome = await browser.ask(visit.login)
    if (welcome.status >= 400)
      throw new OperatorError(`${place.origin} refused the sign-in: it answered ${welcome.status}.`, [
        welcome.text.slice(0, 300),
      ])
    if (browser.jar.alive(clock.now().wall).length === 0)
      throw new OperatorError(`The sign-in at ${visit.login.path} set no cookie.`, [
        'A browser could not stay signed in.',
      ])
    browsers.push(browser)
    return { browser, welcome }
  }

  const stranger = await new Browser(place, clock).get(checkPath).catch((error: unknown) => {
    throw new OperatorError(`${place.origin} cannot be reached.`, [String(error)])
  })
  const { browser: first, welcome } = await arrive()
  const shown = await first.get(checkPath)
  const ours = first.jar.alive(clock.now().wall).some(({ value }) => generationOf(value) !== null)
  const knows = ours ? isSignedIn : distinguish(visit, stranger, shown)
  if (!knows(shown)) throw new OperatorError(`Signed in, but ${checkPath} says otherwise: it answered ${shown.status}.`)
  const accessMs = visit.accessMs ?? (ours ? lifeIn(shown) : shortestCookie(first, clock))
  if (accessMs === null)
    throw new OperatorError('The lifetime of an access token cannot be determined from its cookies.', [
      'Set it with --wait SECONDS.',
    ])

  const site: Site = {
    clock,
    checkPath,
    isSignedIn: knows,
    signIn: async () => (await arrive()).browser,
    accessMs,
    laterMs: accessMs,
    ours,
    row: null,
  }
  const texts = [welcome, shown, await first.get('/')].flatMap(({ headers, text }) => [headers, text])
  const tokens: ProofCheck = { id: 'tokens_found', wanted: 0, seen: await countReachable(site, first, texts) }
  const leave = async () => {
    if (ours)
      await Promise.allSettled(
        browsers.map(browser => browser.ask({ method: 'POST', path: '/auth/logout', body: null })),
      )
  }
  return { site, tokens, leave }
}

/** Counts the tokens that scripts on a page could take from responses or readable cookies. */
async function countReachable(site: Site, browser: Browser, texts: readonly string[]): Promise<number> {
  const cookies = browser.jar.alive(site.clock.now().wall)
  const readable = cookies.filter(({ httpOnly }) => !httpOnly).map(({ value }) => value)
  const found = new Set([...texts, ...readable].flatMap(tokensIn))
  for (const { value, httpOnly } of cookies) {
    if (httpOnly && value.length >= 16 && texts.some(text => text.includes(value))) found.add(value)
  }
  // If it grants access by itself, it is a token, whatever it looks like.
  if (readable.length > 0 && site.isSignedIn(await browser.withoutHttpOnly().get(site.checkPath)))
    found.add(readable.join())
  return found.size
}

/** How a signed-in response differs from an anonymous one. */
function distinguish(
  { login, checkPath, expect }: Visit,
  stranger: Answer,
  shown: Answer,
): (answer: Answer) => boolean {
  if (shown.status !== stranger.status) return ({ status }) => status === shown.status
  const marks = expect === null ? stringsOf(login.body?.text ?? '') : [expect]
  const mark = marks.find(text => text.length > 2 && shown.text.includes(text) && !stranger.text.includes(text))
  if (mark === undefined) {
    throw new OperatorError(`${checkPath} answers anonymous requests like signed-in ones.`, [
      'Use --check PATH for a path whose response differs, or --expect TEXT for a text that only the signed-in response contains.',
    ])
  }
  return ({ status, text }) => status === shown.status && text.includes(mark)
}

/** The values typed to sign in: a name or an address often appears on signed-in pages. */
function stringsOf(body: string): string[] {
  try {
    return Object.values(JSON.parse(body) as object).filter(value => typeof value === 'string')
  } catch {
    return [...new URLSearchParams(body).values()]
  }
}

function lifeIn({ text }: Answer): number | null {
  const { session } = JSON.parse(text) as { session: { createdAt?: number; accessEndsAt?: number | null } | null }
  return typeof session?.accessEndsAt === 'number' && typeof session.createdAt === 'number'
    ? session.accessEndsAt - session.createdAt
    : null
}

function shortestCookie({ jar }: Browser, clock: Clock): number | null {
  const now = clock.now().wall
  const ends = jar
    .alive(now)
    .map(({ endsAt }) => endsAt)
    .filter(endsAt => endsAt !== null)
  return ends.length === 0 ? null : Math.min(...ends) - now
}

const LOGIN = /^([A-Z]+) (\/\S*)(?: (.+))?$/s

/**
 * Parses `POST /login {"name":"$email","password":"$password"}`. The body is JSON or form-encoded.
 * @throws OperatorError
 */
export function parseLogin(text: string): Ask {
  const match = LOGIN.exec(text.trim())
  if (match === null)
    throw new OperatorError(`Not a sign-in request: ${text}`, [
      'Expected the form POST /login {"email":"$email","password":"$password"}',
    ])
  const [, method = '', path = '', body] = match
  if (body === undefined) return { method, path, body: null }
  return {
    method,
    path,
    body: { type: body.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded', text: body },
  }
}

/** Fills the placeholders, escaped for the body's content type. */
export function fillIn({ method, path, body }: Ask, email: string, password: string): Ask {
  if (body === null) return { method, path, body }
  const escape =
    body.type === 'application/json' ? (text: string) => JSON.stringify(text).slice(1, -1) : encodeURIComponent
  return {
    method,
    path,
    body: {
      ...body,
      text: body.text.replaceAll('$email', () => escape(email)).replaceAll('$password', () => escape(password)),
    },
  }
}

/** Two access token lifetimes: as long as the longest demonstration. */
export function wholeWait({ accessMs }: Site): number {
  return Math.ceil((2 * accessMs) / SECOND)
}
