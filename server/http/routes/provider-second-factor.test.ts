import { TOTP } from 'otpauth'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MINUTE, SECOND } from '../../base/clock.ts'
import { OPERATOR } from '../../accounts/actor.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { Provider } from '../../config/provider-config.ts'
import type { LinksAnswer, SessionAnswer, TotpSetupAnswer } from '../../contract/wire.ts'
import type { Finished } from '../../providers/types.ts'
import type { ProviderGrantRecord } from '../../store/types.ts'
import { rawOf } from '../../store/store.testing.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

const ISSUER = 'https://work.example'
const WORK: Provider = {
  id: 'work',
  name: 'Work',
  secondFactor: 'ask',
  icon: 'building',
  kind: 'oidc',
  issuer: ISSUER,
  endpoints: null,
  fields: { subject: 'sub', name: null, email: null, emailVerified: null },
  userInfo: true,
  formerIssuers: [],
  clientId: 'porch',
  clientSecret: null,
  privateKey: null,
  clientAuth: 'none',
  scopes: ['openid'],
  dpop: false,
  parameters: {},
  roles: null,
  register: null,
  logout: 'link',
  recheckMs: null,
  idTokenAlg: null,
  clockToleranceSeconds: 120,
}

let at: ReturnType<typeof testRoutes>
let ann: Browser
let secret: string
let finished: Finished | null
let abandoned: number

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T

function person(amr: string[]): Finished['person'] {
  return {
    provider: 'work',
    issuer: ISSUER,
    subject: 'ann',
    email: null,
    emailVerified: false,
    name: 'Somebody',
    label: null,
    roles: null,
    authTime: at.wall(),
    amr,
    providerSid: null,
  }
}
const tokens: Finished['tokens'] = {
  accessToken: 'a',
  refreshToken: null,
  idToken: null,
  tokenType: 'Bearer',
  scope: null,
  accessEndsAt: null,
  dpopKey: null,
}

async function callback(browser: Browser, purpose: Finished['purpose'], amr = ['fed']): Promise<string> {
  finished = { person: person(amr), tokens, purpose, returnTo: '/account' }
  return (await browser.get('/auth/callback/work?state=x')).headers.get('location') ?? ''
}
const signIn = { kind: 'sign_in', remember: true, invite: null } as const
const session = async (browser: Browser) => (await json<SessionAnswer>(browser.get('/auth/session'))).session
const grants = () =>
  rawOf(at.store).prepare('select session_id from provider_grants where ended_at is null').pluck().all()
function code(): string {
  at.pass(30 * SECOND)
  return new TOTP({ secret }).generate({ timestamp: at.wall() })
}

async function open(secondFactor: Provider['secondFactor']): Promise<void> {
  finished = null
  abandoned = 0
  let grants = 0
  at = testRoutes({
    elsewhere: {
      configured: [{ ...WORK, secondFactor }],
      providers: {
        all: () => [{ id: 'work', name: 'Work', icon: 'building', kind: 'oidc', available: true }],
        begin: () => Promise.reject(new Error('not in this test')),
        finish: async () => finished ?? Promise.reject(new Error('no callback')),
        returnTo: async () => null,
      },
      vault: {
        createGrant: async ({ person: who, userId, sessionId, origin }): Promise<ProviderGrantRecord> => ({
          id: `grant-${grants++}`,
          sessionId,
          userId,
          provider: who.provider,
          issuer: who.issuer,
          subject: who.subject,
          providerSid: null,
          origin,
          sealed: null,
          accessEndsAt: null,
          idTokenAlg: null,
          recheckAt: null,
          refreshingAt: null,
          refreshes: 0,
          createdAt: at.wall(),
          endedAt: null,
        }),
        linked: () => {},
        revoke: () => {},
        ended: () => {},
      },
    },
  })

  await at.people.accounts.create(
    { email: 'ann@example.org', name: 'Ann', roles: ['user'], password: GOOD_PASSWORD },
    OPERATOR,
  )
  ann = at.browser()
  await ann.post('/auth/login', { email: 'ann@example.org', password: GOOD_PASSWORD })
  const { user, session } = await json<SessionAnswer>(ann.get('/auth/session'))
  await callback(ann, { kind: 'link', userId: user?.id ?? '', sessionId: session?.id ?? '' })
  expect((await json<LinksAnswer>(ann.get('/auth/links'))).links).toHaveLength(1)
  ;({ secret } = await json<TotpSetupAnswer>(ann.post('/auth/totp')))
  await ann.post('/auth/totp/confirm', { code: new TOTP({ secret }).generate({ timestamp: at.wall() }) })
}
beforeEach(() => open('ask'))
afterEach(() => at.close())

test('ASVS 6.3.4 a sign-in at a provider gets around no second factor, and its grant waits for that', async () => {
  const browser = at.browser()
  expect(await callback(browser, signIn, ['pwd', 'mfa'])).toBe('/second-factor?returnTo=%2Faccount')
  expect(await session(browser)).toBeNull()
  expect(grants().filter(id => String(id).startsWith('pending:'))).toHaveLength(1)
  expect((await browser.post('/auth/login/totp', { code: code() })).status).toBe(200)
  const opened = await session(browser)
  expect(opened).toMatchObject({ amr: ['pwd', 'otp', 'mfa'], acr: 'aal2', remember: true })
  expect(grants()).toContain(opened?.id)
  expect(grants().filter(id => String(id).startsWith('pending:'))).toEqual([])
})

test('a grant that nobody completes the sign-in for is ended, and opens nothing then', async () => {
  const browser = at.browser()
  await callback(browser, signIn)
  await at.store.housekeeping.overdueGrants(at.wall() + 5 * MINUTE, null, 100)
  expect(grants().filter(id => String(id).startsWith('pending:'))).toHaveLength(1)
  await at.store.housekeeping.overdueGrants(at.wall() + 20 * MINUTE, null, 100)
  expect(await refusal(browser.post('/auth/login/totp', { code: code() }))).toBe('400 login_expired')
  expect(await session(browser)).toBeNull()
})

test('ASVS 6.3.4 two factors at a provider are no two factors here, unless it is trusted with them', async () => {
  await at.close()
  await open('trust')
  const browser = at.browser()
  expect(await callback(browser, signIn, ['pwd', 'mfa'])).toBe('/account')
  expect(await session(browser)).toMatchObject({ amr: ['pwd', 'mfa'], acr: 'aal2' })
  const other = at.browser()
  expect(await callback(other, signIn)).toBe('/account')
  expect(await session(other)).toMatchObject({ acr: 'aal1' })
  expect(abandoned).toBe(0)
})

test('confirming who one is at a provider takes the second factor, too, in the session that asked', async () => {
  const before = await session(ann)
  const user = (await json<SessionAnswer>(ann.get('/auth/session'))).user
  const purpose = { kind: 'reauthenticate', userId: user?.id ?? '', sessionId: before?.id ?? '' } as const
  expect(await callback(ann, purpose)).toBe('/second-factor?returnTo=%2Faccount')
  expect((await session(ann))?.id).toBe(before?.id)
  const stranger = at.browser()
  stranger.jar.set('__Host-porchlight-second-factor', ann.jar.get('__Host-porchlight-second-factor') ?? '')
  expect((await ann.post('/auth/login/totp', { code: code() })).status).toBe(200)
  expect(await session(ann)).toMatchObject({ acr: 'aal2' })
  expect(await refusal(stranger.post('/auth/login/totp', { code: code() }))).toBe('400 login_expired')
})
