import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Provider } from '../../config/provider-config.ts'
import type { InviteAnswer, LinksAnswer, ResetLinkAnswer, Role, SessionAnswer } from '../../contract/wire.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { Finished } from '../../providers/types.ts'
import type { IdentityRecord, ProviderGrantRecord } from '../../store/types.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'
import { rawOf } from '../../store/store.testing.ts'

const MINUTE = 60_000
const NEXT = 'an entirely new lantern'
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
/** The first administrator, a second one, and an ordinary user. */
let root: Browser
let mallory: Browser
let ann: Browser
/** What the provider's next callback returns. */
let finished: Finished | null

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T
const idOf = async (browser: Browser) => (await json<SessionAnswer>(browser.get('/auth/session'))).user?.id ?? ''
const address = (name: string) => `${name}@example.org`

async function join(name: string, roles: Role[]): Promise<Browser> {
  const { href } = await at.people.registration.invite({ email: null, roles }, OPERATOR)
  const browser = at.browser()
  expect(
    (
      await browser.post('/auth/register', {
        email: address(name),
        name,
        password: GOOD_PASSWORD,
        invite: at.codeOf(href),
      })
    ).status,
  ).toBe(200)
  return browser
}

const resetLink = async (by: Browser, id: string) =>
  at.codeOf((await json<ResetLinkAnswer>(by.post(`/auth/people/${id}/reset`))).href)
const invitation = async (by: Browser, roles: Role[] = ['admin']) =>
  at.codeOf((await json<InviteAnswer>(by.post('/auth/invites', { roles }))).href)
const useReset = (code: string) => refusal(at.browser().post('/auth/reset', { code, password: NEXT }))
const useInvite = (code: string) =>
  refusal(
    at
      .browser()
      .post('/auth/register', { email: address('stranger'), name: 'Stranger', password: GOOD_PASSWORD, invite: code }),
  )
const VOID = '400 invalid_code'

function person(subject: string): Finished['person'] {
  return {
    provider: 'work',
    issuer: ISSUER,
    subject,
    email: null,
    emailVerified: false,
    name: 'Somebody',
    label: null,
    roles: null,
    authTime: at.wall(),
    amr: ['fed'],
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

/** Links a subject at the provider to the signed-in account. */
async function link(browser: Browser, subject: string): Promise<Response> {
  const { user, session } = await json<SessionAnswer>(browser.get('/auth/session'))
  finished = {
    person: person(subject),
    tokens,
    purpose: { kind: 'link', userId: user?.id ?? '', sessionId: session?.id ?? '' },
    returnTo: '/account',
  }
  return browser.get('/auth/callback/work?state=x')
}
async function cameBy(subject: string): Promise<Browser> {
  finished = {
    person: person(subject),
    tokens,
    purpose: { kind: 'sign_in', remember: false, invite: null },
    returnTo: '/',
  }
  const browser = at.browser()
  await browser.get('/auth/callback/work?state=x')
  return browser
}
const linksOf = async (browser: Browser) => (await json<LinksAnswer>(browser.get('/auth/links'))).links.length

beforeEach(async () => {
  finished = null
  let grants = 0
  at = testRoutes({
    elsewhere: {
      configured: [WORK],
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
  root = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await root.post('/auth/setup', {
    email: address('root'),
    name: 'Root',
    password: GOOD_PASSWORD,
    code: at.codeOf(href),
  })
  mallory = await join('mallory', ['admin'])
  ann = await join('ann', ['user'])
})
afterEach(() => at.close())

describe('codes depend on the authority of their creator', () => {
  test("a removed administrator's reset links and invitations are void, even after the target has changed their own password", async () => {
    const rootId = await idOf(root)
    const [reset, invite] = [await resetLink(mallory, rootId), await invitation(mallory)]
    const id = await idOf(mallory)
    await root.patch(`/auth/people/${id}`, { roles: ['user'] })
    await root.patch(`/auth/people/${id}`, { disabled: true })
    await root.post('/auth/password', { current: GOOD_PASSWORD, next: NEXT })
    expect(await useReset(reset)).toBe(VOID)
    expect(await useInvite(invite)).toBe(VOID)
    await root.patch(`/auth/people/${id}`, { roles: ['admin'], disabled: false })
    expect(await useReset(reset), 'nor when the power comes back').toBe(VOID)
    expect(await useInvite(invite)).toBe(VOID)
  })

  const losses: [string, (id: string) => Promise<unknown>][] = [
    ['demoted', id => root.patch(`/auth/people/${id}`, { roles: ['user'] })],
    ['disabled', id => root.patch(`/auth/people/${id}`, { disabled: true })],
    ['given a new password by a link', async id => useReset(await resetLink(root, id))],
    ['given a new password from the command line', id => at.people.accounts.setPassword(id, NEXT, OPERATOR)],
    ['signed out everywhere by another administrator', id => root.delete(`/auth/people/${id}/sessions`)],
    [
      'signed out everywhere from the command line',
      id => at.sessions.endAll(id, { reason: 'admin', except: null, byUserId: null }),
    ],
    ['changing their own password', () => mallory.post('/auth/password', { current: GOOD_PASSWORD, next: NEXT })],
    ['linked with an account elsewhere', () => link(mallory, 'mallory-there')],
    [
      'known to be robbed',
      async id => {
        const [session] = await at.sessions.list(id)
        await at.sessions.end(session?.publicId ?? '', { reason: 'refresh_reuse', userId: null, byUserId: null })
      },
    ],
    [
      'refused by the provider that let them in',
      async id => {
        const [session] = await at.sessions.list(id)
        await at.sessions.end(session?.publicId ?? '', { reason: 'provider_revoked', userId: null, byUserId: null })
      },
    ],
    [
      'let in as nothing by the roles that a provider gives them',
      async id => {
        await at.store.identities.link(
          { ...identityOf(id), subject: 'mallory-there' },
          null,
          originOf(OPERATOR, id, at.wall()),
        )
        finished = {
          person: { ...person('mallory-there'), roles: [] },
          tokens,
          purpose: { kind: 'sign_in', remember: false, invite: null },
          returnTo: '/',
        }
        await at.browser().get('/auth/callback/work?state=x')
        expect(at.events().at(-1)).toMatchObject({ event: 'sign_in_denied', reason: 'not_admitted', accountId: id })
        expect((await at.people.accounts.find(id))?.roles).toEqual(['user'])
      },
    ],
  ]
  test.each(losses)(
    "an administrator's open codes, and those for their account, become void when they are %s",
    async (_, lose) => {
      const id = await idOf(mallory)
      const annId = await idOf(ann)
      const [forAnn, invite] = [await resetLink(mallory, annId), await invitation(mallory, ['user'])]
      const fromConsole = at.codeOf((await at.people.resets.makeLink(id, OPERATOR)).href)
      const others = await invitation(root, ['user'])
      await lose(id)
      expect(await useReset(forAnn)).toBe(VOID)
      expect(await useInvite(invite)).toBe(VOID)
      expect(await useReset(fromConsole)).toBe(VOID)
      expect(await useInvite(others), "somebody else's still works").not.toBe(VOID)
      expect(at.events().filter(({ event }) => event === 'code_revoked').length).toBeGreaterThanOrEqual(3)
    },
  )

  test('unlinking an identity voids them, too', async () => {
    await link(mallory, 'mallory-there')
    const invite = await invitation(mallory)
    const {
      links: [one],
    } = await json<LinksAnswer>(mallory.get('/auth/links'))
    expect((await mallory.delete(`/auth/links/${one?.id ?? ''}`)).status).toBe(200)
    expect(await useInvite(invite)).toBe(VOID)
  })

  test('codes created in a session that is ended as unknown become void; those created in this session stay valid', async () => {
    const stolen = at.browser()
    await stolen.post('/auth/login', { email: address('mallory'), password: GOOD_PASSWORD })
    const [theirs, own] = [await invitation(stolen), await invitation(mallory)]
    const { session } = await json<SessionAnswer>(stolen.get('/auth/session'))
    await mallory.delete(`/auth/sessions/${session?.id ?? ''}`)
    expect(await useInvite(theirs)).toBe(VOID)
    const again = at.browser()
    await again.post('/auth/login', { email: address('mallory'), password: GOOD_PASSWORD })
    const more = await invitation(again)
    await mallory.delete('/auth/sessions')
    expect(await useInvite(more)).toBe(VOID)
    expect(await useInvite(own)).not.toBe(VOID)
  })

  test('codes created in a session move to its successor, as its tokens do', async () => {
    const owner = at.browser()
    await owner.post('/auth/login', { email: address('mallory'), password: GOOD_PASSWORD })
    const invite = await invitation(mallory)
    expect((await mallory.post('/auth/reauthenticate', { password: GOOD_PASSWORD })).status).toBe(200)
    await mallory.delete('/auth/sessions')
    expect((await at.people.registration.invites(null)).invites, 'its maker is still there').toHaveLength(1)
    const again = at.browser()
    await again.post('/auth/login', { email: address('mallory'), password: GOOD_PASSWORD })
    const { session } = await json<SessionAnswer>(mallory.get('/auth/session'))
    await again.delete(`/auth/sessions/${session?.id ?? ''}`)
    expect(await useInvite(invite)).toBe(VOID)
  })

  test('using a code checks its creator in the same transaction, so that it is void even if their authority was removed without voiding it', async () => {
    const [reset, invite] = [await resetLink(mallory, await idOf(ann)), await invitation(mallory)]
    rawOf(at.store)
      .prepare('update accounts set roles = \'["user"]\' where id = ?')
      .run(await idOf(mallory))
    expect(await useReset(reset)).toBe(VOID)
    expect(await useInvite(invite)).toBe(VOID)
  })

  test('a request admitted before its user lost authority has no effect afterwards: no code, no promotion, no link', async () => {
    const [rootId, id, annId] = [await idOf(root), await idOf(mallory), await idOf(ann)]
    const { session } = await json<SessionAnswer>(mallory.get('/auth/session'))
    const actor = { userId: id, sessionId: session?.id ?? '', client: CLIENT }
    await at.people.accounts.change(id, { roles: ['user'] }, { ...actor, userId: rootId, sessionId: null })
    const outcome = (work: Promise<unknown>) =>
      work.then(
        () => 'done',
        (error: { code?: string }) => error.code,
      )
    expect(await outcome(at.people.accounts.change(id, { roles: ['admin'] }, actor))).toBe('forbidden')
    expect(await outcome(at.people.accounts.change(annId, { disabled: true }, actor))).toBe('forbidden')
    expect(await outcome(at.people.resets.makeLink(annId, actor))).toBe('forbidden')
    expect(await outcome(at.people.registration.invite({ email: null, roles: ['admin'] }, actor))).toBe('forbidden')
    await at.people.accounts.change(id, { roles: ['admin'] }, OPERATOR)
    await at.sessions.end(actor.sessionId, { reason: 'signed_out_elsewhere', userId: id, byUserId: null })
    expect(await outcome(at.people.registration.invite({ email: null, roles: ['admin'] }, actor))).toBe('not_signed_in')
    expect(await outcome(at.store.identities.link(identityOf(id), null, originOf(actor, id, at.wall())))).toBe(
      'not_signed_in',
    )
  })
})

const identityOf = (userId: string): IdentityRecord => ({
  id: 'i',
  userId,
  provider: 'work',
  issuer: ISSUER,
  subject: 'x',
  email: null,
  emailVerified: false,
  label: 'X',
  linkedIn: null,
  createdAt: at.wall(),
  lastUsedAt: at.wall(),
})

describe('an identity linked by a thief', () => {
  /** The owner signs in elsewhere; the session they had was also the thief's. */
  async function robbed(minutesBefore: number) {
    await link(ann, 'thief-there')
    at.pass(minutesBefore * MINUTE)
    const thief = await cameBy('thief-there')
    expect((await json<SessionAnswer>(thief.get('/auth/session'))).user?.name).toBe('ann')
    return thief
  }
  const isOut = async (browser: Browser) => (await json<SessionAnswer>(browser.get('/auth/session'))).user === null

  test('is removed when the theft of its session is detected, however long ago it was linked, with the sessions opened by it', async () => {
    const thief = await robbed(120)
    const id = await idOf(ann)
    const { session } = await json<SessionAnswer>(ann.get('/auth/session'))
    await at.sessions.end(session?.id ?? '', { reason: 'refresh_reuse', userId: null, byUserId: null })
    expect(await isOut(thief)).toBe(true)
    expect(await isOut(await cameBy('thief-there'))).toBe(true)
    expect((await at.people.log.page(id, null)).events.map(({ kind }) => kind)).toContain('identity_unlinked')
  })

  test.each<[string, () => Promise<unknown>]>([
    ['the password is changed', () => ann.post('/auth/password', { current: GOOD_PASSWORD, next: NEXT })],
    ['the password is reset', async () => useReset(await resetLink(root, await idOf(ann)))],
    ['an administrator ends every session', async () => root.delete(`/auth/people/${await idOf(ann)}/sessions`)],
  ])('is removed when %s within the time that a sign-in counts as recent', async (_, happens) => {
    const thief = await robbed(5)
    await happens()
    expect(await isOut(thief)).toBe(true)
    expect(await isOut(await cameBy('thief-there'))).toBe(true)
  })

  test.each<[string, (owner: Browser, id: string) => Promise<unknown>]>([
    ['its owner ends that session', (owner, id) => owner.delete(`/auth/sessions/${id}`)],
    ['its owner ends all others', owner => owner.delete('/auth/sessions')],
    ['its theft shows', (_, id) => at.sessions.end(id, { reason: 'refresh_reuse', userId: null, byUserId: null })],
  ])(
    'is removed when %s, even if the thief has confirmed the password since, which opened a new session',
    async (_, happens) => {
      const owner = at.browser()
      await owner.post('/auth/login', { email: address('ann'), password: GOOD_PASSWORD })
      await link(ann, 'thief-there')
      expect((await ann.post('/auth/reauthenticate', { password: GOOD_PASSWORD })).status).toBe(200)
      const { session } = await json<SessionAnswer>(ann.get('/auth/session'))
      await happens(owner, session?.id ?? '')
      expect(await isOut(await cameBy('thief-there'))).toBe(true)
    },
  )

  test('is removed when the password is changed within that time, even if its session was signed out', async () => {
    const owner = at.browser()
    await owner.post('/auth/login', { email: address('ann'), password: GOOD_PASSWORD })
    const thief = await robbed(5)
    expect((await ann.post('/auth/logout')).status).toBe(200)
    expect((await owner.post('/auth/password', { current: GOOD_PASSWORD, next: NEXT })).status).toBe(200)
    expect(await isOut(thief)).toBe(true)
    expect(await isOut(await cameBy('thief-there'))).toBe(true)
  })

  test('stays when the password is changed if it was linked long before', async () => {
    await link(ann, 'ann-there')
    at.pass(16 * MINUTE)
    expect((await ann.post('/auth/password', { current: GOOD_PASSWORD, next: NEXT })).status).toBe(200)
    expect(await linksOf(ann)).toBe(1)
  })

  test('of a disabled account stays, so that a sign-in by it is refused rather than registered as a new account', async () => {
    const id = await idOf(ann)
    await link(ann, 'ann-there')
    await root.patch(`/auth/people/${id}`, { disabled: true })
    await cameBy('ann-there')
    expect(at.events().at(-1)).toMatchObject({ event: 'sign_in_denied', reason: 'account_disabled', accountId: id })
    await root.patch(`/auth/people/${id}`, { disabled: false })
    expect(await idOf(await cameBy('ann-there'))).toBe(id)
  })

  test('that is removed during a sign-in opens nothing', async () => {
    await link(ann, 'ann-there')
    const id = await idOf(ann)
    const proof = at.sessions.open({
      userId: id,
      amr: ['fed'],
      remember: false,
      client: CLIENT,
      replaces: null,
      newDevice: false,
      basis: {
        kind: 'provider',
        authTime: null,
        endsAt: null,
        grant: {
          id: 'late',
          sessionId: '',
          userId: id,
          provider: 'work',
          issuer: ISSUER,
          subject: 'gone',
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
        },
      },
    })
    await expect(proof).rejects.toMatchObject({ code: 'login_expired' })
  })
})
