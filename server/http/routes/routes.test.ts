import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type {
  EventsAnswer,
  InviteAnswer,
  InvitesAnswer,
  PeopleAnswer,
  ResetLinkAnswer,
  SessionAnswer,
  SessionListAnswer,
  WirePerson,
} from '../../contract/wire.ts'
import type { AppsAnswer } from '../../contract/app-list.ts'
import { OPERATOR } from '../../accounts/actor.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { testUpstream } from '../../relay/relay.testing.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'
import { rawOf } from '../../store/store.testing.ts'

const MINUTE = 60_000
const ACCESS = '__Host-porchlight-access'
const REFRESH = '__Host-Http-porchlight-refresh'
const DEVICE = '__Host-porchlight-device'
const FORM = '__Host-porchlight-form'

let at: ReturnType<typeof testRoutes>
let admin: Browser
const root = { email: 'root@example.org', name: 'Root', password: GOOD_PASSWORD }
const ann = { email: 'ann@example.org', name: 'Ann', password: 'ann keeps a lantern' }
const NEXT = 'an entirely new lantern'

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T
const session = (browser: Browser) => json<SessionAnswer>(browser.get('/auth/session'))
const kinds = async (browser: Browser) =>
  (await json<EventsAnswer>(browser.get('/auth/events'))).events.map(event => event.kind)

async function signIn(person: { email: string; password: string }, more = {}): Promise<Browser> {
  const browser = at.browser()
  const answer = await browser.post('/auth/login', { email: person.email, password: person.password, ...more })
  expect(answer.status).toBe(200)
  return browser
}

async function join(person = ann, roles: string[] = ['user']): Promise<Browser> {
  const { href } = await json<InviteAnswer>(admin.post('/auth/invites', { roles }))
  const browser = at.browser()
  expect((await browser.post('/auth/register', { ...person, invite: at.codeOf(href) })).status).toBe(200)
  return browser
}
const idOf = async (browser: Browser) => (await session(browser)).user?.id ?? ''

const UPSTREAMS = [
  testUpstream('http://127.0.0.1:9', { name: 'all', prefix: '/api/all', title: 'For all', page: '/all' }),
  testUpstream('http://127.0.0.1:9', {
    name: 'desk',
    prefix: '/api/desk',
    title: 'The desk',
    requires: { signedIn: true, roles: ['admin'], maxAgeMs: null, acr: null },
  }),
]

beforeEach(async () => {
  at = testRoutes({ upstreams: UPSTREAMS })
  admin = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  expect((await admin.post('/auth/setup', { ...root, code: at.codeOf(href) })).status).toBe(200)
})
afterEach(() => at.close())

describe('signing in and out', () => {
  test('BBA-18 setup responds as sign-in does, with cookies and without a token in the body', async () => {
    const answer = await session(admin)
    expect(answer).toMatchObject({
      user: { email: root.email, name: 'Root', roles: ['admin', 'user'] },
      session: { amr: ['pwd'], remember: false },
    })
    const text = JSON.stringify(answer)
    for (const value of admin.jar.values()) expect(text).not.toContain(value)
    expect([...admin.jar.keys()].sort()).toEqual([REFRESH, ACCESS, DEVICE].sort())
    expect(await json(admin.get('/auth/methods'))).toEqual({
      setupNeeded: false,
      registration: 'invite',
      mail: false,
      password: { enabled: true, minLength: 15, by: null, links: { register: null, reset: null } },
      providers: [],
      others: [{ id: 'passkey', href: '/auth/login/passkey' }],
    })
  })

  test('ASVS 7.2.4 CS-11 a sign-in opens a new session and ends the one that the browser had', async () => {
    const before = new Map(admin.jar)
    expect(
      (await admin.post('/auth/login', { email: root.email, password: root.password, remember: true })).status,
    ).toBe(200)
    expect((await session(admin)).session).toMatchObject({ remember: true })
    expect(admin.jar.get(REFRESH)).not.toBe(before.get(REFRESH))
    const old = at.browser()
    for (const [name, value] of before) old.jar.set(name, value)
    at.pass(2 * MINUTE)
    expect(await session(old)).toEqual({ user: null, session: null, ended: 'replaced' })
  })

  test('ASVS 6.3.8 an unknown address and a wrong password get identical responses', async () => {
    const answers = await Promise.all(
      [
        { email: root.email, password: 'x' },
        { email: 'nobody@example.org', password: 'x' },
        { email: 'not an address', password: 'x' },
      ].map(async body => {
        const answer = await at.browser().post('/auth/login', body)
        return { status: answer.status, headers: [...answer.headers], text: await answer.text() }
      }),
    )
    expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]?.status).toBe(401)
  })

  test('HD-11 CK-9 signing out ends the session and clears all cookies except that of the known device', async () => {
    const thief = new Map(admin.jar)
    const answer = await admin.post('/auth/logout')
    expect([answer.status, answer.headers.get('clear-site-data')]).toEqual([200, '"storage"'])
    expect([...admin.jar.keys()]).toEqual([DEVICE])
    const replay = at.browser()
    for (const [name, value] of thief) replay.jar.set(name, value)
    expect(await session(replay)).toEqual({ user: null, session: null, ended: 'signed_out' })
    expect((await at.browser().post('/auth/logout')).status, 'nobody may sign out too').toBe(200)
    expect(await refusal(at.browser().send('POST', '/auth/logout', { body: 'x', type: 'text/plain' }))).toBe(
      '415 unsupported_media_type',
    )
  })

  test('HD-11 signing out does not clear the storage of another front end', async () => {
    const theirs = testRoutes({
      site: { kind: 'static', folder: '/srv', sourceMaps: false, policy: null, headers: [] },
    })
    const person = await theirs.people.accounts.create(
      { email: 'ann@example.org', name: 'Ann', roles: ['user'], password: root.password },
      OPERATOR,
    )
    const browser = theirs.browser()
    await browser.post('/auth/login', { email: person.email, password: root.password })
    const answer = await browser.post('/auth/logout')
    expect([answer.status, answer.headers.get('clear-site-data')]).toEqual([200, null])
    expect([...browser.jar.keys()]).toEqual([DEVICE])
    await theirs.close()
  })

  test('a throttled attempt says how long to wait', async () => {
    const browser = at.browser()
    for (let n = 0; n < 5; n++)
      expect(await refusal(browser.post('/auth/login', { email: root.email, password: 'x' }))).toBe(
        '401 invalid_credentials',
      )
    expect(await json(browser.post('/auth/login', { email: root.email, password: 'x' }))).toMatchObject({
      code: 'slow_down',
      retryAfter: 30,
    })
    expect(
      (await admin.post('/auth/login', { email: root.email, password: root.password })).status,
      'a known device does not wait for strangers',
    ).toBe(200)
  })
})

describe('forms without JavaScript', () => {
  test('UX-18 a form signs in and redirects to its destination with 303', async () => {
    const browser = at.browser()
    const answer = await browser.form('/auth/login', {
      email: root.email,
      password: root.password,
      remember: 'on',
      returnTo: '/account/sessions?a=1',
    })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/account/sessions?a=1'])
    expect((await session(browser)).session?.remember).toBe(true)
    const out = await browser.form('/auth/logout', {})
    expect([out.status, out.headers.get('location'), out.headers.get('clear-site-data')]).toEqual([
      303,
      '/signed-out',
      '"storage"',
    ])
    expect(browser.jar.has(REFRESH)).toBe(false)
  })

  test('OA-1 a form cannot redirect to another site', async () => {
    for (const returnTo of [
      '//evil.example',
      '/\\evil.example',
      'https:evil.example',
      '/\t/evil.example',
      'javascript:alert(1)',
      'data:text/html,x',
      '/a\r\nX: y',
    ]) {
      const answer = await at.browser().form('/auth/login', { email: root.email, password: root.password, returnTo })
      expect(answer.headers.get('location')).toBe('/')
      const failed = await at.browser().form('/auth/login', { email: 'nobody@example.org', password: 'x', returnTo })
      expect(failed.headers.get('location')).toMatch(/^\/sign-in\?problem=(invalid_credentials|slow_down)$/)
    }
  })

  test('a failure redirects to its page with the code; the fields are kept for one minute, never the password', async () => {
    const browser = at.browser()
    const answer = await browser.form('/auth/login', {
      email: 'Ann@Example.org',
      password: 'canary-password',
      remember: 'on',
      returnTo: '/account',
    })
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      '/sign-in?problem=invalid_credentials&returnTo=%2Faccount',
    ])
    const kept = await browser.keptForm()
    expect(kept).toMatchObject({
      page: '/sign-in',
      problem: { code: 'invalid_credentials', requestId: 'request-1' },
      fields: { email: 'Ann@Example.org', remember: 'on' },
    })
    expect(JSON.stringify(kept)).not.toContain('canary')
    at.pass(MINUTE)
    expect(await browser.keptForm()).toBeNull()
  })

  test("a success clears an earlier failure's fields", async () => {
    const browser = at.browser()
    await browser.form('/auth/login', { email: root.email, password: 'wrong' })
    expect(browser.jar.has(FORM)).toBe(true)
    await browser.form('/auth/login', { email: root.email, password: root.password })
    expect(browser.jar.has(FORM)).toBe(false)
  })

  test('CK-4 whatever was typed, the cookie with it fits', async () => {
    const browser = at.browser()
    const long = '🪔'.repeat(120)
    await browser.form('/auth/register', { email: long, name: long, invite: long, password: 'x'.repeat(20) })
    expect(browser.jar.get(FORM)?.length).toBeLessThan(4000)
    await browser.form('/auth/register', { email: 'x'.repeat(50_000), name: 'Ann', invite: 'y', password: 'x' })
    expect((await browser.keptForm())?.fields).toEqual({ name: 'Ann', invite: 'y' })
    expect((await browser.keptForm())?.problem.fields).toEqual({ email: 'It is too long.' })
  })

  test('registration and password reset work by form', async () => {
    const { href } = await json<InviteAnswer>(admin.post('/auth/invites', {}))
    const browser = at.browser()
    const common = await browser.form('/auth/register', {
      ...ann,
      password: 'passwordpassword',
      invite: at.codeOf(href),
    })
    expect(common.headers.get('location')).toBe('/sign-up?problem=password_common')
    const done = await browser.form('/auth/register', { ...ann, invite: at.codeOf(href) })
    expect([done.status, done.headers.get('location')]).toEqual([303, '/'])
    const link = await json<ResetLinkAnswer>(admin.post(`/auth/people/${await idOf(browser)}/reset`))
    const reset = await at.browser().form('/auth/reset', { code: at.codeOf(link.href), password: NEXT })
    expect([reset.status, reset.headers.get('location')]).toEqual([303, '/reset?done=1'])
    expect(await session(browser)).toEqual({ user: null, session: null, ended: 'password_changed' })
    await signIn({ ...ann, password: NEXT })
  })

  test('calls without a form accept none, and a duplicate field is refused', async () => {
    expect(await refusal(admin.form('/auth/invites', { password: 'x' }))).toBe('415 unsupported_media_type')
    const twice = await refusal(
      at
        .browser()
        .send('POST', '/auth/login', { body: 'email=a&email=b&password=x', type: 'application/x-www-form-urlencoded' }),
    )
    expect(twice).toBe('400 invalid_body')
  })
})

describe('bad input', () => {
  test('CS-7 JSON calls only accept JSON: no text, no form, no missing content type', async () => {
    const body = JSON.stringify({ name: 'Mallory' })
    for (const type of [
      'text/plain',
      'text/plain; application/json',
      'application/jsonp',
      'multipart/form-data; boundary=x',
      undefined,
    ]) {
      const answer = await refusal(
        admin.send(
          'PATCH',
          '/auth/user',
          type === undefined ? { body: new TextDecoder().decode(new TextEncoder().encode(body)) } : { body, type },
        ),
      )
      expect(answer).toBe('415 unsupported_media_type')
    }
    expect((await session(admin)).user?.name).toBe('Root')
  })

  test('malformed JSON, wrong types and unknown fields are reported by field, without repeating the input', async () => {
    const broken = await admin.send('POST', '/auth/login', {
      body: '{"password":"canary-secret',
      type: 'application/json',
    })
    expect([broken.status, (await broken.text()).includes('canary')]).toEqual([400, false])
    for (const [body, fields] of [
      [{ email: 'a', password: ['canary-secret'] }, { password: 'It has the wrong type.' }],
      [
        { email: 'a', password: 'b', 'canary-secret': 1, remember: 'yes' },
        { remember: 'It has the wrong type.', 'canary-secret': 'Unknown field.' },
      ],
      [{}, { email: 'It is missing.', password: 'It is missing.' }],
      [[], { email: 'It is missing.', password: 'It is missing.' }],
      [null, { body: 'It has the wrong type.' }],
    ] as const) {
      expect(await json(at.browser().post('/auth/login', body))).toMatchObject({ code: 'invalid_body', fields })
    }
    const notUtf8 = new Uint8Array([...Buffer.from('{"email":"a","password":"b'), 0xff, ...Buffer.from('"}')])
    expect(await refusal(at.browser().send('POST', '/auth/login', { body: notUtf8, type: 'application/json' }))).toBe(
      '400 invalid_json',
    )
    expect(
      await refusal(
        at.browser().send('POST', '/auth/login', {
          body: '{"__proto__":{"email":"a"},"email":"a","password":"b"}',
          type: 'application/json',
        }),
      ),
    ).toBe('400 invalid_body')
  })

  test('names may contain emoji and right-to-left text, but not a megabyte, control or bidirectional formatting characters', async () => {
    for (const name of ['👩‍👩‍👧 Família', 'שירה', '李明'])
      expect((await json<SessionAnswer>(admin.patch('/auth/user', { name }))).user?.name).toBe(name)
    for (const name of [
      'x'.repeat(1_000_000),
      '',
      '   ',
      'a\u0000b',
      'a\nb',
      '\u202egnp.exe',
      'half a character \ud83c',
      7,
    ])
      expect(await refusal(admin.patch('/auth/user', { name }))).toBe('400 invalid_body')
    expect((await session(admin)).user?.name).toBe('李明')
  })

  test('a password may be long, in any script, with spaces at its ends', async () => {
    const password = ` ${'灯🪔'.repeat(500)} `
    const browser = await join({ ...ann, password })
    expect((await session(browser)).user?.name).toBe('Ann')
    await signIn({ ...ann, password })
    expect(await refusal(at.browser().post('/auth/login', { email: ann.email, password: password.trim() }))).toBe(
      '401 invalid_credentials',
    )
  })
})

test('a full disk: 503, nothing set, nothing lost, and it recovers by itself', async () => {
  const browser = at.browser()
  const { href } = await json<InviteAnswer>(admin.post('/auth/invites', {}))
  rawOf(at.store).pragma('query_only = ON')
  for (const answer of [
    browser.post('/auth/login', { email: root.email, password: root.password }),
    browser.post('/auth/register', { ...ann, invite: at.codeOf(href) }),
    admin.post('/auth/password', { current: root.password, next: NEXT }),
    admin.patch('/auth/user', { name: 'Other' }),
    admin.post('/auth/logout'),
  ])
    expect(await refusal(answer)).toBe('503 store_unavailable')
  expect(browser.jar.size).toBe(0)
  expect((await session(admin)).user?.name).toBe('Root')
  rawOf(at.store).pragma('query_only = OFF')
  expect((await browser.post('/auth/register', { ...ann, invite: at.codeOf(href) })).status).toBe(200)
  await signIn(root)
})

describe("the caller's own account", () => {
  test('requires a session', async () => {
    const nobody = at.browser()
    for (const path of ['/auth/sessions', '/auth/events', '/auth/people', '/auth/invites'])
      expect(await refusal(nobody.get(path))).toBe('401 not_signed_in')
    for (const path of [
      '/auth/password',
      '/auth/user',
      '/auth/reauthenticate',
      '/auth/invites',
      '/auth/people/x/reset',
    ])
      expect(await refusal(nobody.post(path, {}))).toBe('401 not_signed_in')
    expect(await refusal(nobody.patch('/auth/user', {}))).toBe('401 not_signed_in')
    expect(await refusal(nobody.delete('/auth/sessions'))).toBe('401 not_signed_in')
  })

  test('ASVS 6.2.3 ASVS 7.4.3 OA-15 a password change requires the current one, ends every session, and opens a new one here', async () => {
    const elsewhere = await signIn(root, { remember: true })
    const before = new Map(admin.jar)
    expect(await refusal(admin.post('/auth/password', { current: 'wrong', next: NEXT }))).toBe(
      '401 invalid_credentials',
    )
    expect(await refusal(admin.post('/auth/password', { current: root.password, next: 'short' }))).toBe(
      '400 password_too_short',
    )
    expect((await session(elsewhere)).user).not.toBeNull()
    const answer = await json<SessionAnswer>(admin.post('/auth/password', { current: root.password, next: NEXT }))
    expect(answer.session?.id).toBe((await session(admin)).session?.id)
    expect(await session(elsewhere)).toEqual({ user: null, session: null, ended: 'password_changed' })
    const old = at.browser()
    for (const [name, value] of before) old.jar.set(name, value)
    expect(await session(old), 'at once, with no time of grace').toEqual({
      user: null,
      session: null,
      ended: 'password_changed',
    })
    expect(await kinds(admin)).toEqual(expect.arrayContaining(['password_changed', 'session_ended', 'signed_in']))
    await signIn({ ...root, password: NEXT })
  })

  test('ASVS 7.2.4 re-authentication opens a new session with a new auth time, keeps "remember me", and ends the old one', async () => {
    const browser = await signIn(root, { remember: true })
    const before = await session(browser)
    at.pass(20 * MINUTE)
    expect(await refusal(browser.post('/auth/reauthenticate', { password: 'wrong' }))).toBe('401 invalid_credentials')
    const after = await json<SessionAnswer>(browser.post('/auth/reauthenticate', { password: root.password }))
    expect(after.session).toMatchObject({ remember: true, authTime: at.wall() })
    expect(after.session?.id).not.toBe(before.session?.id)
    const { sessions } = await json<SessionListAnswer>(browser.get('/auth/sessions'))
    expect(sessions.map(one => one.id)).not.toContain(before.session?.id)
  })

  test("ASVS 7.5.2 sessions are listed with their devices and ended one by one or all others at once; other accounts' are not affected", async () => {
    const other = await signIn(root)
    const third = await signIn(root)
    const annAt = await join()
    const { sessions } = await json<SessionListAnswer>(admin.get('/auth/sessions'))
    expect(sessions).toHaveLength(3)
    expect(sessions.filter(one => one.current)).toEqual([
      expect.objectContaining({
        id: (await session(admin)).session?.id,
        network: '192.0.2.1',
        device: { browser: 'Firefox 143', system: 'Linux', kind: 'desktop' },
      }),
    ])
    expect(JSON.stringify(sessions)).not.toMatch(/sidHash|secret|userAgent/)

    const otherId = (await session(other)).session?.id ?? ''
    expect(await refusal(annAt.delete(`/auth/sessions/${otherId}`))).toBe('404 not_found')
    expect((await admin.delete(`/auth/sessions/${otherId}`)).status).toBe(200)
    expect(await session(other)).toEqual({ user: null, session: null, ended: 'signed_out_elsewhere' })
    expect(await json(admin.delete('/auth/sessions'))).toEqual({ ended: 1 })
    expect((await session(third)).ended).toBe('signed_out_elsewhere')
    expect((await session(admin)).user).not.toBeNull()
    expect((await session(annAt)).user).not.toBeNull()
  })

  test('ending the current session from the list is a sign-out', async () => {
    const id = (await session(admin)).session?.id ?? ''
    const answer = await admin.delete(`/auth/sessions/${id}`)
    expect(answer.headers.get('clear-site-data')).toBe('"storage"')
    expect([...admin.jar.keys()]).toEqual([DEVICE])
  })

  test("the log only contains the account's own events, and rejects invalid cursors", async () => {
    const browser = await join()
    expect(await kinds(browser)).toEqual(['signed_in', 'account_created'])
    expect(await refusal(browser.get('/auth/events?cursor=-1'))).toBe('400 invalid_query')
  })
})

describe('administrators', () => {
  test('admin calls are refused to everyone else before anything is read', async () => {
    const browser = await join()
    for (const answer of [
      browser.get('/auth/people'),
      browser.get('/auth/invites'),
      browser.post('/auth/invites', { nonsense: 1 }),
      browser.patch('/auth/people/x', {}),
      browser.delete('/auth/people/x/sessions'),
      browser.post('/auth/people/x/reset'),
      browser.delete('/auth/invites/x'),
    ]) {
      expect(await refusal(answer)).toBe('403 forbidden')
    }
  })

  test('ASVS 7.4.2 disabling an account ends all its sessions at once, and enabling lets it sign in again', async () => {
    const browser = await join()
    const id = await idOf(browser)
    expect(await json<WirePerson>(admin.patch(`/auth/people/${id}`, { disabled: true }))).toMatchObject({
      id,
      disabledAt: at.wall(),
      sessions: 0,
    })
    expect(await session(browser)).toEqual({ user: null, session: null, ended: 'disabled' })
    expect(await refusal(browser.post('/auth/login', { email: ann.email, password: ann.password }))).toBe(
      '403 account_disabled',
    )
    await admin.patch(`/auth/people/${id}`, { disabled: false })
    await signIn(ann)
  })

  test("ASVS 7.4.5 administrators end other accounts' sessions; roles apply from the next request; the last administrator stays", async () => {
    const browser = await join()
    const id = await idOf(browser)
    await admin.patch(`/auth/people/${id}`, { roles: ['admin'] })
    expect((await browser.get('/auth/people')).status).toBe(200)
    expect(await json(admin.delete(`/auth/people/${id}/sessions`))).toEqual({ ended: 1 })
    expect((await session(browser)).ended).toBe('admin')
    await admin.patch(`/auth/people/${id}`, { roles: ['user'] })
    expect(await refusal(admin.patch(`/auth/people/${await idOf(admin)}`, { roles: ['user'] }))).toBe('409 last_admin')
    expect(await refusal(admin.patch(`/auth/people/${await idOf(admin)}`, { disabled: true }))).toBe('409 last_admin')
    expect(await refusal(admin.patch('/auth/people/nobody', { disabled: true }))).toBe('404 not_found')
    expect(
      (await json<PeopleAnswer>(admin.get('/auth/people'))).people.map(({ name, roles }) => [name, roles]),
    ).toEqual([
      ['Root', ['admin', 'user']],
      ['Ann', ['user']],
    ])
  })

  test('ASVS 7.5.1 granting access or authority asks for the password again after a quarter of an hour; revoking does not', async () => {
    const browser = await join()
    const id = await idOf(browser)
    at.pass(16 * MINUTE)
    for (const answer of [
      admin.post(`/auth/people/${id}/reset`),
      admin.patch(`/auth/people/${id}`, { roles: ['admin'] }),
      admin.post('/auth/invites', { roles: ['admin'] }),
    ]) {
      expect(await refusal(answer)).toBe('401 reauthentication_required')
    }
    expect((await admin.patch(`/auth/people/${id}`, { disabled: true })).status).toBe(200)
    expect((await admin.post('/auth/invites', {})).status).toBe(200)
    expect((await admin.post('/auth/reauthenticate', { password: root.password })).status).toBe(200)
    expect((await admin.patch(`/auth/people/${id}`, { disabled: false, roles: ['admin'] })).status).toBe(200)
  })

  test('invitations are listed without their codes and can be revoked', async () => {
    const { href, invite } = await json<InviteAnswer>(
      admin.post('/auth/invites', { email: 'New@Example.org', roles: ['user'] }),
    )
    const listed = await json<InvitesAnswer>(admin.get('/auth/invites'))
    expect(listed.invites).toEqual([invite])
    expect(JSON.stringify(listed)).not.toContain(at.codeOf(href))
    expect((await admin.delete(`/auth/invites/${invite.id}`)).status).toBe(200)
    expect(await refusal(admin.delete(`/auth/invites/${invite.id}`))).toBe('404 not_found')
    expect(await refusal(at.browser().post('/auth/register', { ...ann, invite: at.codeOf(href) }))).toBe(
      '400 invalid_code',
    )
  })
})

describe('apps', () => {
  test('each account sees the upstreams that it may use, without their addresses', async () => {
    const names = async (browser: Browser) =>
      (await json<AppsAnswer>(browser.get('/auth/apps'))).apps.map(app => app.name)
    expect(await names(admin)).toEqual(['all', 'desk'])
    const member = await join()
    expect(await names(member)).toEqual(['all'])
    expect(await json(member.get('/auth/apps'))).toEqual({
      apps: [
        {
          name: 'all',
          title: 'For all',
          description: '',
          icon: null,
          href: '/all',
          prefix: '/api/all',
          reachable: true,
        },
      ],
    })
    expect((await at.browser().get('/auth/apps')).status).toBe(401)
  })
})
