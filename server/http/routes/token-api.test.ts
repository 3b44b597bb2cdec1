import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Provider } from '../../config/provider-config.ts'
import { toTokenApi } from '../../config/token-api-settings.ts'
import { TOKEN_API } from '../../contract/token-api-id.ts'
import type { LinksAnswer, SessionAnswer } from '../../contract/wire.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { Finished, Purpose } from '../../providers/types.ts'
import type { IdentityRecord, ProviderGrantRecord } from '../../store/types.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

const MINUTE = 60_000
const tokenApi = toTokenApi({ name: 'Shop', url: 'https://shop.example' })
const WORK: Provider = {
  id: 'work',
  name: 'Work',
  secondFactor: 'ask',
  icon: 'building',
  kind: 'oidc',
  issuer: 'https://work.example',
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
let id: string
let purpose: Purpose

const session = async (browser: Browser) => (await (await browser.get('/auth/session')).json()) as SessionAnswer
const grantOf = (userId: string): ProviderGrantRecord => ({
  id: `grant-${Math.random()}`,
  sessionId: '',
  userId,
  provider: 'work',
  issuer: WORK.issuer,
  subject: 'ada',
  providerSid: null,
  origin: 'sign_in',
  sealed: null,
  accessEndsAt: null,
  idTokenAlg: null,
  recheckAt: null,
  refreshingAt: null,
  refreshes: 0,
  createdAt: at.wall(),
  endedAt: null,
})
function finished(): Finished {
  const person = {
    provider: 'work',
    issuer: WORK.issuer,
    subject: 'ada',
    email: null,
    emailVerified: false,
    name: 'Ada',
    label: null,
    roles: null,
    authTime: at.wall(),
    amr: ['fed'],
    providerSid: null,
  }
  return {
    person,
    tokens: {
      accessToken: 'a',
      refreshToken: null,
      idToken: null,
      tokenType: 'Bearer',
      scope: null,
      accessEndsAt: null,
      dpopKey: null,
    },
    purpose,
    returnTo: '/account',
  }
}

/** In the session opened by the token API, which refreshes nothing. */
async function browserUntil(endsAt: number): Promise<Browser> {
  const browser = at.browser()
  const { session: opened, issued } = await at.sessions.open({
    userId: id,
    amr: ['pwd'],
    remember: false,
    client: CLIENT,
    replaces: null,
    newDevice: false,
    basis: { kind: 'provider', authTime: null, endsAt, grant: null },
  })
  purpose = { kind: 'reauthenticate', userId: id, sessionId: opened.publicId }
  for (const cookie of at.sessions.cookiesFor(issued)) {
    const [pair = ''] = cookie.split(';')
    browser.jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
  }
  return browser
}

beforeEach(async () => {
  at = testRoutes({
    tokenApi,
    elsewhere: {
      configured: [WORK],
      providers: {
        all: () => [],
        begin: () => Promise.reject(new Error('not in this test')),
        finish: async () => finished(),
        returnTo: async () => null,
      },
      vault: { createGrant: async () => grantOf(id), linked: () => {}, revoke: () => {}, ended: () => {} },
    },
  })
  // Created before the API replaced local passwords.
  id = (
    await at.people.accounts.create(
      { email: 'ada@example.org', name: 'Ada', roles: ['user'], password: GOOD_PASSWORD },
      OPERATOR,
    )
  ).id
  const identity: IdentityRecord = {
    id: 'identity-1',
    userId: id,
    provider: 'work',
    issuer: WORK.issuer,
    subject: 'ada',
    email: null,
    emailVerified: false,
    label: 'Ada',
    linkedIn: null,
    createdAt: at.wall(),
    lastUsedAt: at.wall(),
  }
  await at.store.identities.link(identity, null, originOf(OPERATOR, id, at.wall()))
})
afterEach(() => at.close())

test('an old local password changes and opens nothing, right or wrong', async () => {
  const browser = await browserUntil(at.wall() + 20 * MINUTE)
  const before = await session(browser)
  for (const current of [GOOD_PASSWORD, 'not this one at all'])
    expect(await refusal(browser.post('/auth/password', { current, next: 'an entirely new lantern' }))).toBe(
      '403 forbidden',
    )
  expect((await session(browser)).session).toMatchObject({ id: before.session?.id })
  const links = (await (await browser.get('/auth/links')).json()) as LinksAnswer
  expect(links.password, 'it is not shown as a way in').toBe(false)
})

test("confirming at a provider does not extend a session beyond the token API's grant", async () => {
  const endsAt = at.wall() + 20 * MINUTE
  const browser = await browserUntil(endsAt)
  const before = await session(browser)
  at.pass(MINUTE)
  const answer = await browser.get('/auth/callback/work?code=c&state=transaction.rest')
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/account'])
  const after = await session(browser)
  expect(after.session?.id).not.toBe(before.session?.id)
  expect(after.session?.absoluteEndsAt).toBe(endsAt)
  at.pass(20 * MINUTE)
  expect((await session(browser)).user).toBeNull()
})

test('what was granted is given back when the account is disabled before the session is opened', async () => {
  await at.close()
  let abandoned = 0
  at = testRoutes({
    passwords: {
      id: TOKEN_API,
      describe: () => ({ kind: 'password', minLength: 15, by: 'Shop', links: { register: null, reset: null } }),
      async authenticate() {
        const { accounts } = at.people
        const make = (name: string) =>
          accounts.create({ email: `${name}@example.org`, name, roles: ['user'], password: GOOD_PASSWORD }, OPERATOR)
        // The very first account is the administrator's.
        await make('root')
        const account = await make('bob')
        await accounts.change(account.id, { disabled: true }, OPERATOR)
        return { next: 'session', proof: { account, amr: ['pwd'], basis: null, abandon: () => void abandoned++ } }
      },
      reauthenticate: () => Promise.reject(new Error('not in this test')),
    },
  })
  expect(await refusal(at.browser().post('/auth/login', { email: 'bob', password: 'x' }))).toBe('403 account_disabled')
  expect(abandoned).toBe(1)
})
