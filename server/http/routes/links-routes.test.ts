import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../config/provider-config.ts'
import type { EventsAnswer, LinksAnswer, SessionAnswer } from '../../contract/wire.ts'
import { newAccountRow } from '../../accounts/account.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { Purpose } from '../../providers/types.ts'
import type { IdentityRecord, ProviderGrantRecord } from '../../store/types.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

const MINUTE = 60_000
const root = { email: 'root@example.org', name: 'Root', password: GOOD_PASSWORD }

let at: ReturnType<typeof testRoutes>
let admin: Browser
let rootId: string
let begun: { provider: string; purpose: Purpose; returnTo: string }[]
let forgotten: string[]

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T
const session = (browser: Browser) => json<SessionAnswer>(browser.get('/auth/session'))
const links = (browser: Browser) => json<LinksAnswer>(browser.get('/auth/links'))
const kinds = async (browser: Browser) =>
  (await json<EventsAnswer>(browser.get('/auth/events'))).events.map(event => event.kind)
const problem = (code: string): unknown => expect.objectContaining({ code })

const provider = (id: string, name: string, icon: string): Provider => ({
  id,
  name,
  icon,
  secondFactor: 'ask',
  kind: 'oidc',
  issuer: `https://${id}.example`,
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
})

const identity = (userId: string, of: string, subject = 'subject-1'): IdentityRecord => ({
  id: `${of}-${subject}`,
  userId,
  provider: of,
  issuer: `https://${of}.example`,
  subject,
  email: null,
  emailVerified: false,
  label: `Somebody at ${of}`,
  linkedIn: null,
  createdAt: at.wall(),
  lastUsedAt: at.wall(),
})
const link = (userId: string, of: string, subject?: string) =>
  at.store.identities.link(identity(userId, of, subject), null, originOf(OPERATOR, userId, at.wall()))

function grantOf(
  userId: string,
  { issuer, subject, provider: of }: IdentityRecord,
  origin: ProviderGrantRecord['origin'] = 'sign_in',
): ProviderGrantRecord {
  return {
    id: `grant-${Math.random()}`,
    sessionId: '',
    userId,
    provider: of,
    issuer,
    subject,
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
  }
}

/** A browser that signed in by a provider. */
async function cameBy(userId: string, one: IdentityRecord): Promise<Browser> {
  const browser = at.browser()
  const { issued } = await at.sessions.open({
    userId,
    amr: ['fed'],
    remember: false,
    client: CLIENT,
    replaces: null,
    newDevice: false,
    basis: { kind: 'provider', authTime: null, endsAt: null, grant: grantOf(userId, one) },
  })
  for (const cookie of at.sessions.cookiesFor(issued)) {
    const [pair = ''] = cookie.split(';')
    browser.jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
  }
  return browser
}

/** A user who signed in by a provider: no password, and no address unless one is given. */
async function newcomer(of: string, email: string | null = null): Promise<{ id: string; browser: Browser }> {
  const row = newAccountRow({ email, name: 'Nemo', roles: ['user'] }, at.wall())
  const one = identity(row.id, of, `of-${row.id}`)
  await at.store.identities.create(
    row,
    one,
    { invite: null, rolesDecided: true, mayBeFirst: false },
    originOf(OPERATOR, row.id, at.wall()),
  )
  return { id: row.id, browser: await cameBy(row.id, one) }
}

beforeEach(async () => {
  begun = []
  forgotten = []
  const none = () => Promise.reject(new Error('not in this test'))
  at = testRoutes({
    elsewhere: {
      configured: [provider('work', 'The Works', 'building'), provider('club', 'Club', 'log-in')],
      providers: {
        all: () => [
          { id: 'work', name: 'The Works', icon: 'building', kind: 'oidc', available: true },
          { id: 'club', name: 'Club', icon: 'log-in', kind: 'oidc', available: false },
        ],
        begin: async (id, { purpose, returnTo }) => {
          begun.push({ provider: id, purpose, returnTo })
          return { href: `https://${id}.example/authorize`, id: 'transaction-1', sealed: 'sealed' }
        },
        finish: none,
        returnTo: async () => null,
      },
      vault: {
        createGrant: none,
        linked: () => {},
        revoke: () => {},
        ended: sessionId => void forgotten.push(sessionId),
      },
    },
  })
  admin = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  expect((await admin.post('/auth/setup', { ...root, code: at.codeOf(href) })).status).toBe(200)
  rootId = (await session(admin)).user?.id ?? ''
})
afterEach(() => at.close())

test('an unknown provider is 404 for a signed-in user, too', async () => {
  for (const path of ['/auth/login/nobody', '/auth/login/nobody?reauthenticate=1'])
    expect((await admin.get(path)).status, path).toBe(404)
})

test('sign-in methods are listed with their availability', async () => {
  expect(await json(admin.get('/auth/methods'))).toMatchObject({
    providers: [
      { id: 'work', name: 'The Works', icon: 'building', href: '/auth/login/work', available: true },
      { id: 'club', name: 'Club', icon: 'log-in', href: '/auth/login/club', available: false },
    ],
  })
})

describe('linked identities', () => {
  test('are listed for their signed-in user only', async () => {
    expect(await refusal(at.browser().get('/auth/links'))).toBe('401 not_signed_in')
    expect(await links(admin)).toEqual({ links: [], password: true })
    await link(rootId, 'work')
    const { id: other } = await newcomer('club')
    const mine = await links(admin)
    expect(mine.links).toEqual([
      {
        id: 'work-subject-1',
        provider: 'work',
        name: 'The Works',
        icon: 'building',
        label: 'Somebody at work',
        email: null,
        createdAt: at.wall(),
        lastUsedAt: at.wall(),
      },
    ])
    expect(JSON.stringify(mine)).not.toContain(other)
    expect(JSON.stringify(mine)).not.toContain('https://work.example')
  })

  test('of a provider that is no longer configured are still listed, by its id', async () => {
    await link(rootId, 'gone')
    expect((await links(admin)).links).toMatchObject([{ provider: 'gone', name: 'gone' }])
  })
})

describe('linking an identity', () => {
  test('OA-20 begins for this account and session only, with a transaction cookie of this browser', async () => {
    const { user, session: mine } = await session(admin)
    expect(await json(admin.post('/auth/links/work'))).toEqual({ href: 'https://work.example/authorize' })
    expect(begun).toEqual([
      { provider: 'work', purpose: { kind: 'link', userId: user?.id, sessionId: mine?.id }, returnTo: '/account' },
    ])
    expect(admin.jar.get('__Host-porchlight-login-transaction-1')).toBe('sealed')
  })

  test('ASVS 7.5.1 requires a recent sign-in, as removing does', async () => {
    await link(rootId, 'work')
    at.pass(16 * MINUTE)
    expect(await refusal(admin.post('/auth/links/club'))).toBe('401 reauthentication_required')
    expect(await refusal(admin.delete('/auth/links/work-subject-1'))).toBe('401 reauthentication_required')
    expect(begun).toEqual([])
    expect((await admin.post('/auth/reauthenticate', { password: root.password })).status).toBe(200)
    expect((await admin.delete('/auth/links/work-subject-1')).status).toBe(200)
  })

  test('requires a session', async () => {
    expect(await refusal(at.browser().post('/auth/links/work'))).toBe('401 not_signed_in')
    expect(await refusal(at.browser().delete('/auth/links/work-subject-1'))).toBe('401 not_signed_in')
  })

  test('OI-7 cannot take over an identity linked to another account, and is idempotent', async () => {
    const { id } = await newcomer('work')
    await expect(link(rootId, 'work', `of-${id}`)).rejects.toEqual(problem('identity_taken'))
    await link(rootId, 'club')
    await link(rootId, 'club')
    expect((await links(admin)).links).toHaveLength(1)
    expect((await kinds(admin)).filter(kind => kind === 'identity_linked')).toHaveLength(1)
  })
})

describe('removing an identity', () => {
  test('removes it and logs the event', async () => {
    await link(rootId, 'work')
    expect((await admin.delete('/auth/links/work-subject-1')).status).toBe(200)
    expect((await links(admin)).links).toEqual([])
    expect(await kinds(admin)).toEqual(expect.arrayContaining(['identity_linked', 'identity_unlinked']))
    expect(await refusal(admin.delete('/auth/links/work-subject-1'))).toBe('404 not_found')
  })

  test('of another account is not possible', async () => {
    const { id, browser } = await newcomer('work')
    expect(await refusal(admin.delete(`/auth/links/work-of-${id}`))).toBe('404 not_found')
    expect((await links(browser)).links).toHaveLength(1)
  })

  test('is refused for the last sign-in method', async () => {
    const { id, browser } = await newcomer('work')
    expect(await links(browser)).toMatchObject({ password: false, links: [{ provider: 'work' }] })
    expect(await refusal(browser.delete(`/auth/links/work-of-${id}`))).toBe('409 last_way_in')
    await link(id, 'club')
    expect((await browser.delete(`/auth/links/work-of-${id}`)).status).toBe(200)
    expect(await refusal(browser.delete('/auth/links/club-subject-1'))).toBe('409 last_way_in')
  })

  test('is refused if only an identity of an unconfigured provider, or a password without an address, would remain', async () => {
    const { id, browser } = await newcomer('work')
    await link(id, 'gone')
    expect(await refusal(browser.delete(`/auth/links/work-of-${id}`))).toBe('409 last_way_in')
    await at.people.accounts.setPassword(id, 'an entirely new lantern', OPERATOR)
    const again = await cameBy(id, identity(id, 'work', `of-${id}`))
    expect(await refusal(again.delete(`/auth/links/work-of-${id}`))).toBe('409 last_way_in')
  })

  test("ends the other sessions that were opened by it, and no others; this one continues without the provider's tokens", async () => {
    await link(rootId, 'work')
    const one = identity(rootId, 'work')
    const here = await cameBy(rootId, one)
    const elsewhere = await cameBy(rootId, one)
    const current = (await session(here)).session?.id ?? ''
    expect((await here.delete('/auth/links/work-subject-1')).status).toBe(200)
    expect(await session(elsewhere)).toEqual({ user: null, session: null, ended: 'signed_out_elsewhere' })
    expect((await session(here)).session?.id).toBe(current)
    expect((await session(admin)).user?.id).toBe(rootId)
    expect(forgotten).toEqual([current])
    expect((await at.store.providerGrants.allOfSession(current)).map(grant => grant.endedAt)).toEqual([at.wall()])
  })
})
