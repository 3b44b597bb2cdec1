import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import en from '../../web/i18n/locales/en.json' with { type: 'json' }
import type { ProblemCode } from '../../server/contract/problem-codes.ts'
import { type Answer, Visitor } from './client.ts'
import { CLIENT, type HostileProvider, startHostileProvider } from './hostile-provider.ts'
import { setUp } from './people.ts'
import { begin, comeBack, pathOf, providerSetting } from './provider-visit.ts'
import { type RecordingUpstream, startRecordingUpstream } from './recording-upstream.ts'
import { freePort, type Server, type Settings, startServer, stopAll } from './server.ts'

export interface HostileStage {
  server: Server
  hostile: HostileProvider
  upstream: RecordingUpstream
  /** Signed in by the provider while it was honest. */
  resident: Visitor
  admin: Visitor
  stop(): Promise<void>
}

export const HOSTILE = 'hostile'
const HOSTILE_NAME = 'Hostile & Sons'

/**
 * Our server with a provider that is honest until a test bends it. Its first sign-in has worked: what fails later fails
 * by what the test changed and by nothing else.
 */
export async function hostileStage(
  options: {
    provider?: Record<string, unknown>
    more?: Record<string, unknown>[]
    settings?: Settings | ((upstream: RecordingUpstream) => Settings)
  } = {},
): Promise<HostileStage> {
  const [port, hostile, upstream] = await Promise.all([freePort(), startHostileProvider(), startRecordingUpstream()])
  const providers = [
    providerSetting(
      HOSTILE,
      hostile.issuer,
      { ...CLIENT, clientAuth: 'client_secret_basic' },
      { name: HOSTILE_NAME, ...options.provider },
    ),
    ...(options.more ?? []),
  ]
  const upstreams = [
    { name: 'orders', target: upstream.origin, token: 'provider', provider: HOSTILE },
    { name: 'reports', target: upstream.origin, document: true, requires: { maxAge: 600 } },
  ]
  const settings = typeof options.settings === 'function' ? options.settings(upstream) : options.settings
  const server = await startServer({
    port,
    settings: {
      REGISTRATION: 'open',
      PROVIDERS: JSON.stringify(providers),
      UPSTREAMS: JSON.stringify(upstreams),
      ...settings,
    },
  })
  const { browser: admin } = await setUp(server.origin)
  const resident = new Visitor(server.origin)
  const answer = await signInAt(resident, hostile)
  expect(answer.status, server.output).toBe(303)
  expect((await resident.session()).user?.name).toBe('Vera Visitor')
  return {
    server,
    hostile,
    upstream,
    resident,
    admin,
    stop: async () => void (await Promise.all([hostile.stop(), upstream.stop()])),
  }
}

/**
 * The stage of a file whose tests run one after another: there from its first test on, its provider honest again after
 * each.
 */
export function hostileStageOfFile(): HostileStage {
  const stage: Partial<HostileStage> = {}
  beforeAll(async () => {
    Object.assign(stage, await hostileStage())
  })
  afterEach(() => {
    if (stage.hostile !== undefined) stage.hostile.change = {}
  })
  afterAll(async () => {
    await stage.stop?.()
    await stopAll()
  })
  return stage as HostileStage
}

/**
 * A sign-in at the hostile provider, which asks nobody anything.
 * @returns our answer to the callback
 */
export async function signInAt(browser: Visitor, hostile: HostileProvider, as = HOSTILE): Promise<Answer> {
  return comeBack(browser, await returnFrom(hostile, await begin(browser, { as, returnTo: '/account' })))
}

/**
 * Goes to the provider.
 * @returns the address that it sends the browser back to
 */
export async function returnFrom(hostile: HostileProvider, href: string): Promise<string> {
  const { headers } = await new Visitor(hostile.issuer).page(pathOf(href))
  return headers.location ?? ''
}

let count = 0

/** Somebody new at a provider, who is whoever signs in there from now on. */
export function somebodyAt(hostile: HostileProvider, claims: Record<string, unknown> = {}): HostileProvider['person'] {
  count += 1
  hostile.person = { sub: `person-${count}`, name: `Person ${count}`, ...claims }
  return hostile.person
}

/** An address that nobody had before. */
export const newAddress = (): string => `new-${++count}@example.org`

/**
 * Whoever is at the provider now comes in by it.
 * @returns their browser, signed in
 */
export async function arriveFrom(hostile: HostileProvider, origin: string, as = HOSTILE): Promise<Visitor> {
  const browser = new Visitor(origin)
  expect((await signInAt(browser, hostile, as)).headers.location).toBe('/account')
  return browser
}

export const idOf = async (browser: Visitor): Promise<string | undefined> => (await browser.session()).user?.id

/** Nobody was signed in, nothing was asked of an upstream, nobody else noticed, and the page says so in words. */
export async function expectRefused(
  { server, resident, upstream }: HostileStage,
  browser: Visitor,
  answer: Answer,
  code: ProblemCode,
  provider = HOSTILE,
): Promise<void> {
  const asked = upstream.requests.length
  expect(answer.status).toBe(303)
  expect(answer.headers.location).toMatch(
    new RegExp(`^/sign-in\\?problem=${code}&provider=${provider}(?:&returnTo=%2Faccount)?$`),
  )
  expect(
    browser.jar
      .all()
      .map(cookie => cookie.name)
      .filter(name => /access|refresh/.test(name)),
  ).toEqual([])
  expect((await browser.session()).user).toBeNull()
  const page = await browser.page(answer.headers.location ?? '')
  expect(page.status).toBe(200)
  const text = readable(page.text)
  const words: Partial<Record<ProblemCode, string>> = en.problem
  for (const part of (words[code] ?? code).split(/\{\w+\}/)) expect(text).toContain(part)
  expect((await browser.get('/api/orders/1')).status).toBe(401)
  expect(upstream.requests.length).toBe(asked)
  expect((await resident.session()).user?.name).toBe('Vera Visitor')
  expect(server.running).toBe(true)
}

const readable = (html: string): string =>
  html.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&')
