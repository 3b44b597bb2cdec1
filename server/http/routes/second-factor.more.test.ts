import { TOTP } from 'otpauth'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, MINUTE, SECOND } from '../../base/clock.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type {
  EnrolledAnswer,
  EventsAnswer,
  FactorsAnswer,
  InviteAnswer,
  PendingAnswer,
  PeopleAnswer,
  RecoveryCodesAnswer,
  ResetLinkAnswer,
  SessionAnswer,
  TotpSetupAnswer,
} from '../../contract/wire.ts'
import type { ProblemBody } from '../../contract/problem-codes.ts'
import { type Browser, refusal, testRoutes } from './routes.testing.ts'

const PENDING = '__Host-porchlight-second-factor'
const ACCESS = '__Host-porchlight-access'
const STEP = 30 * SECOND
const PASSWORD = 'ann keeps a lantern'

let at: ReturnType<typeof testRoutes>
let root: Browser
let ann: Browser
let secret: string
let codes: string[]
let lastCode: string

async function open(options: Parameters<typeof testRoutes>[0] = {}): Promise<void> {
  at = testRoutes(options)
  root = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  await root.post('/auth/setup', {
    code: at.codeOf(href),
    email: 'root@example.org',
    name: 'Root',
    password: GOOD_PASSWORD,
  })
  ann = await join('ann')
  ;({ secret, codes } = await enrol(ann))
}
beforeEach(() => open())
afterEach(() => at.close())

const json = async <T>(answer: Response | Promise<Response>): Promise<T> => (await (await answer).json()) as T
const session = (browser: Browser) => json<SessionAnswer>(browser.get('/auth/session'))
const kinds = async (browser: Browser) =>
  (await json<EventsAnswer>(browser.get('/auth/events'))).events.map(({ kind }) => kind)
const idOf = async (browser: Browser) => (await session(browser)).user?.id ?? ''

async function join(name: string): Promise<Browser> {
  const { href } = await json<InviteAnswer>(root.post('/auth/invites', {}))
  const browser = at.browser()
  const person = { email: `${name}@example.org`, name, password: PASSWORD }
  await browser.post('/auth/register', { ...person, invite: at.codeOf(href) })
  return browser
}

/** The code of the present step, or of one so many steps away. */
const codeNow = (of = secret, away = 0) => new TOTP({ secret: of }).generate({ timestamp: at.wall() + away * STEP })
/** The next code that has not been used. */
function nextCode(of = secret): string {
  at.pass(STEP)
  return codeNow(of)
}

async function enrol(browser: Browser): Promise<{ secret: string; codes: string[] }> {
  const begun = await json<TotpSetupAnswer>(browser.post('/auth/totp'))
  lastCode = codeNow(begun.secret)
  const enrolled = await json<EnrolledAnswer>(browser.post('/auth/totp/confirm', { code: lastCode }))
  return { secret: begun.secret, codes: enrolled.codes ?? [] }
}

async function firstStep(browser = at.browser(), more = {}): Promise<Browser> {
  const answer = await browser.post('/auth/login', { email: 'ann@example.org', password: PASSWORD, ...more })
  expect(await answer.json()).toEqual({ next: 'second_factor', methods: ['totp', 'recovery'] })
  return browser
}

describe('enrolling an authenticator app', () => {
  test('RFC 6238: the URI has what every app understands, and the QR code is an SVG of it', async () => {
    const bob = await join('bob')
    const { uri, secret: base32, qr } = await json<TotpSetupAnswer>(bob.post('/auth/totp'))
    expect(Object.fromEntries(new URL(uri).searchParams)).toEqual({
      issuer: 'Porchlight',
      secret: base32,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
    expect(decodeURIComponent(new URL(uri).pathname)).toBe(
      '//totp/Porchlight:bob@example.org'.slice(uri.startsWith('otpauth://totp') ? 6 : 0),
    )
    expect(base32).toMatch(/^[A-Z2-7]{32}$/)
    expect(qr).toMatch(/^<svg/)
    expect(qr).not.toMatch(/<script|style=/)
  })

  test('changes nothing until a code confirms it, and gives ten recovery codes with the first factor', async () => {
    const bob = await join('bob')
    await bob.post('/auth/totp')
    const before = await json<FactorsAnswer>(bob.get('/auth/factors'))
    expect(before).toEqual({
      passkeys: [],
      totp: { enabled: false, createdAt: null },
      recoveryCodes: { left: 0, low: false },
      required: false,
    })
    expect((await at.browser().post('/auth/login', { email: 'bob@example.org', password: PASSWORD })).status).toBe(200)
    const enrolled = await enrol(bob)
    expect(new Set(enrolled.codes).size).toBe(10)
    expect(await json(bob.get('/auth/factors'))).toMatchObject({
      totp: { enabled: true, createdAt: at.wall() },
      recoveryCodes: { left: 10, low: false },
    })
  })

  test('NIST SP 800-63B-4 §3.1.4.2: the code that confirmed it is used up, and the session keeps its level', async () => {
    expect((await session(ann)).session).toMatchObject({ amr: ['pwd'], acr: 'aal1' })
    const browser = await firstStep()
    expect(await refusal(browser.post('/auth/login/totp', { code: lastCode }))).toBe('401 incorrect_code')
    expect((await browser.post('/auth/login/totp', { code: nextCode() })).status).toBe(200)
  })

  test.each([
    ['a wrong code', () => '000000', '401 incorrect_code'],
    ['no digits', () => 'abcdef', '400 invalid_body'],
    ['a code of two minutes ago', (of: string) => codeNow(of, -4), '401 clock_differs'],
    ['a code of two minutes ahead', (of: string) => codeNow(of, 4), '401 clock_differs'],
  ])('is not confirmed by %s', async (_, code, expected) => {
    const bob = await join('bob')
    const begun = await json<TotpSetupAnswer>(bob.post('/auth/totp'))
    expect(await refusal(bob.post('/auth/totp/confirm', { code: code(begun.secret) }))).toBe(expected)
    expect((await json<FactorsAnswer>(bob.get('/auth/factors'))).totp.enabled).toBe(false)
  })

  test('is not confirmed with the QR code of an earlier attempt, or by somebody else', async () => {
    const bob = await join('bob')
    const old = await json<TotpSetupAnswer>(bob.post('/auth/totp'))
    await bob.post('/auth/totp')
    expect(await refusal(bob.post('/auth/totp/confirm', { code: codeNow(old.secret) }))).toBe('401 incorrect_code')
    const carl = await join('carl')
    expect(await refusal(carl.post('/auth/totp/confirm', { code: codeNow(old.secret) }))).toBe('404 not_found')
  })

  test('ASVS 7.5.1 needs a recent sign-in', async () => {
    const bob = await join('bob')
    at.pass(16 * MINUTE)
    for (const [method, path, body] of [
      ['post', '/auth/totp', undefined],
      ['post', '/auth/totp/confirm', { code: '123456' }],
      ['post', '/auth/recovery-codes', undefined],
    ] as const)
      expect(await refusal(bob[method](path, body)), path).toBe('401 reauthentication_required')
    expect(await refusal(bob.delete('/auth/totp'))).toBe('401 reauthentication_required')
    for (const path of ['/auth/totp', '/auth/totp/confirm', '/auth/recovery-codes'])
      expect(await refusal(at.browser().post(path)), path).toBe('401 not_signed_in')
  })
})

describe('a sign-in in two steps', () => {
  test('ASVS 6.3.3 there is no session before the second factor, and the browser has nothing but a sealed cookie', async () => {
    const browser = await firstStep()
    expect([...browser.jar.keys()]).toEqual([PENDING])
    expect(await session(browser)).toEqual({ user: null, session: null })
    expect(await refusal(browser.get('/auth/factors'))).toBe('401 not_signed_in')
    expect(await refusal(browser.post('/auth/reauthenticate', { password: PASSWORD }))).toBe('401 not_signed_in')
  })

  test('opens a session of two factors, and the cookie is gone', async () => {
    const browser = await firstStep()
    const answer = await json<SessionAnswer>(browser.post('/auth/login/totp', { code: nextCode() }))
    expect(answer).toMatchObject({ user: { name: 'ann' }, session: { amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' } })
    expect(browser.jar.has(PENDING)).toBe(false)
    expect((await session(browser)).session?.acr).toBe('aal2')
  })

  test('keeps what the first step was asked to remember', async () => {
    const browser = await firstStep(at.browser(), { remember: true })
    const answer = await json<SessionAnswer>(browser.post('/auth/login/totp', { code: nextCode() }))
    expect(answer.session?.remember).toBe(true)
  })

  test('ASVS 6.3.8 a wrong password is answered as for an account without a second factor', async () => {
    await join('bob')
    const of = async (email: string) => {
      const browser = at.browser()
      const answer = await browser.post('/auth/login', { email, password: 'not the password' })
      return [answer.status, await json<ProblemBody>(answer).then(({ code }) => code), [...browser.jar.keys()]]
    }
    expect(await of('ann@example.org')).toEqual(await of('bob@example.org'))
    expect(await of('ann@example.org')).toEqual(await of('nobody@example.org'))
  })

  test('survives a reload, says what can complete it, and nothing to anybody else', async () => {
    const browser = await firstStep()
    const { pending } = await json<PendingAnswer>(browser.get('/auth/second-factor'))
    expect(pending).toEqual({ methods: ['totp', 'recovery'], endsAt: at.wall() + 10 * MINUTE, rememberDays: 0 })
    expect(await json(at.browser().get('/auth/second-factor'))).toEqual({ pending: null })
  })

  test.each([
    ['123 456', (code: string) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ['with spaces around', (code: string) => `  ${code}\n`],
    ['with a dash', (code: string) => `${code.slice(0, 3)}-${code.slice(3)}`],
    ['full-width', (code: string) => code.replaceAll(/\d/g, digit => String.fromCodePoint(0xff10 + Number(digit)))],
    ['with an invisible mark', (code: string) => `\u200e${code}\u202c`],
  ])('a code is taken as people paste it: %s', async (_, typed) => {
    const browser = await firstStep()
    expect((await browser.post('/auth/login/totp', { code: typed(nextCode()) })).status).toBe(200)
  })

  test('RFC 6238 §5.2: a code works one step early and one late, and not further', async () => {
    at.pass(10 * STEP)
    for (const [away, expected] of [
      [-2, 401],
      [2, 401],
      [-1, 200],
    ] as const) {
      const browser = await firstStep()
      const answer = await browser.post('/auth/login/totp', { code: codeNow(secret, away) })
      expect(answer.status, String(away)).toBe(expected)
    }
  })

  test('a clock that is off by two minutes is named', async () => {
    const browser = await firstStep()
    at.pass(10 * STEP)
    expect(await refusal(browser.post('/auth/login/totp', { code: codeNow(secret, -4) }))).toBe('401 clock_differs')
    expect(await refusal(browser.post('/auth/login/totp', { code: codeNow(secret, -40) }))).toBe('401 incorrect_code')
    expect((await browser.post('/auth/login/totp', { code: codeNow() })).status, 'it is still pending').toBe(200)
  })

  test('RFC 6238 §5.2: of fifty parallel tries with one code, one signs in', async () => {
    const code = nextCode()
    const browsers = await Promise.all(Array.from({ length: 50 }, () => firstStep()))
    const answers = await Promise.all(browsers.map(browser => browser.post('/auth/login/totp', { code })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(browsers.filter(({ jar }) => jar.has(ACCESS))).toHaveLength(1)
  })

  test('one pending sign-in opens one session, even with two right codes at once', async () => {
    const browser = await firstStep()
    const copy = at.browser()
    copy.jar.set(PENDING, browser.jar.get(PENDING) ?? '')
    at.pass(5 * STEP)
    const statuses = await Promise.all([
      browser.post('/auth/login/totp', { code: codeNow() }),
      copy.post('/auth/login/recovery', { code: codes[0] }),
    ])
    expect(statuses.map(({ status }) => status).sort()).toEqual([200, 400])
    copy.jar.set(PENDING, browser.jar.get(PENDING) ?? 'x')
    expect(await refusal(copy.post('/auth/login/totp', { code: nextCode() }))).toBe('400 login_expired')
  })

  test('in the wrong order there is nothing to complete', async () => {
    for (const path of ['/auth/login/totp', '/auth/login/recovery'])
      expect(await refusal(at.browser().post(path, { code: codeNow() }))).toBe('400 login_expired')
  })

  test('expires after ten minutes', async () => {
    const browser = await firstStep()
    at.pass(10 * MINUTE + 1)
    expect(await refusal(browser.post('/auth/login/totp', { code: codeNow() }))).toBe('400 login_expired')
    expect(await json(browser.get('/auth/second-factor'))).toEqual({ pending: null })
  })

  test('is of one account: the code of another does not complete it', async () => {
    const bob = await join('bob')
    const { secret: bobs } = await enrol(bob)
    const browser = await firstStep()
    expect(await refusal(browser.post('/auth/login/totp', { code: nextCode(bobs) }))).toBe('401 incorrect_code')
    expect((await browser.post('/auth/login', { email: 'bob@example.org', password: PASSWORD })).status).toBe(200)
    expect(await refusal(browser.post('/auth/login/totp', { code: codeNow() })), 'the latest counts').toBe(
      '401 incorrect_code',
    )
    expect(await json(browser.post('/auth/login/totp', { code: codeNow(bobs) }))).toMatchObject({
      user: { name: 'bob' },
    })
  })

  test('an altered or foreign cookie is nothing', async () => {
    const browser = await firstStep()
    const sealed = browser.jar.get(PENDING) ?? ''
    for (const value of ['x', sealed.slice(0, -2), at.keyring.seal('device', { pending: {} })]) {
      browser.jar.set(PENDING, value)
      expect(await refusal(browser.post('/auth/login/totp', { code: codeNow() }))).toBe('400 login_expired')
    }
  })

  test.each([
    [
      'the password is changed',
      async () => {
        const other = await signedIn()
        const body = { current: PASSWORD, next: 'an entirely new lantern' }
        expect((await other.post('/auth/password', body)).status).toBe(200)
      },
      '400 login_expired',
    ],
    [
      'the factor is removed',
      async () => expect((await (await signedIn()).delete('/auth/totp')).status).toBe(200),
      '400 login_expired',
    ],
    [
      'an administrator resets the factors',
      async () => {
        const id = await idOf(ann)
        expect((await root.post(`/auth/people/${id}/factors/reset`)).status).toBe(200)
      },
      '400 login_expired',
    ],
    [
      'the account is disabled',
      async () => expect((await root.patch(`/auth/people/${await idOf(ann)}`, { disabled: true })).status).toBe(200),
      '403 account_disabled',
    ],
  ])('is void once %s', async (_, change, expected) => {
    const browser = await firstStep()
    await change()
    at.pass(5 * STEP)
    expect(await refusal(browser.post('/auth/login/totp', { code: codeNow() }))).toBe(expected)
    expect(await session(browser)).toMatchObject({ session: null })
  })

  test('two tabs: the one that comes second is told, and its person is signed in', async () => {
    const browser = await firstStep()
    const tab = browser.jar.get(PENDING) ?? ''
    await browser.post('/auth/login/totp', { code: nextCode() })
    browser.jar.set(PENDING, tab)
    expect(await refusal(browser.post('/auth/login/totp', { code: nextCode() }))).toBe('400 login_expired')
    expect((await session(browser)).user?.name).toBe('ann')
  })

  test('a sign-out ends it, too', async () => {
    const browser = await firstStep()
    await browser.post('/auth/logout')
    expect(browser.jar.has(PENDING)).toBe(false)
  })

  test('works by forms without JavaScript', async () => {
    const browser = at.browser()
    const fields = { email: 'ann@example.org', password: PASSWORD, returnTo: '/account' }
    const first = await browser.form('/auth/login', fields)
    expect([first.status, first.headers.get('location')]).toEqual([303, '/second-factor?returnTo=%2Faccount'])
    const wrong = await browser.form('/auth/login/totp', { code: '000000', returnTo: '/account' })
    expect(wrong.headers.get('location')).toBe(
      '/second-factor?problem=incorrect_code&form=totp&returnTo=%2Faccount#totp',
    )
    expect((await browser.keptForm())?.fields).toEqual({})
    const right = await browser.form('/auth/login/totp', { code: nextCode(), returnTo: '/account' })
    expect([right.status, right.headers.get('location')]).toEqual([303, '/account'])
    expect((await session(browser)).session?.acr).toBe('aal2')
    const late = await at.browser().form('/auth/login/recovery', { code: '0000-0000-0000-0000' })
    expect(late.headers.get('location')).toBe('/sign-in?problem=login_expired')
  })
})

async function signedIn(): Promise<Browser> {
  const browser = await firstStep()
  expect((await browser.post('/auth/login/totp', { code: nextCode() })).status).toBe(200)
  return browser
}

describe('wrong codes', () => {
  const wrong = (browser: Browser) => refusal(browser.post('/auth/login/totp', { code: '000000' }))

  test('NIST SP 800-63B-4 §3.2.2: are throttled apart from passwords, and a right one starts again', async () => {
    const browser = await firstStep()
    for (let n = 0; n < 5; n++) expect(await wrong(browser)).toBe('401 incorrect_code')
    expect(await wrong(browser)).toBe('429 slow_down')
    expect(await refusal(browser.post('/auth/login/totp', { code: nextCode() }))).toBe('200 ')
    await firstStep()
  })

  test('do not throttle recovery codes', async () => {
    const browser = await firstStep()
    for (let n = 0; n < 6; n++) await wrong(browser)
    expect((await browser.post('/auth/login/recovery', { code: codes[0] })).status).toBe(200)
  })

  test('NIST SP 800-63B-4 §3.2.2: fifty in a row lock the codes, and a recovery code ends that', async () => {
    const bob = await signedIn()
    for (let n = 0; n < 50; n++) {
      at.pass(DAY)
      expect(await wrong(await firstStep()), String(n)).toBe('401 incorrect_code')
    }
    at.pass(DAY)
    const browser = await firstStep()
    expect(await refusal(browser.post('/auth/login/totp', { code: codeNow() }))).toBe('403 second_factor_locked')
    expect((await browser.post('/auth/login/recovery', { code: codes[0] })).status).toBe(200)
    expect(await kinds(browser)).toContain('second_factor_locked')
    at.pass(STEP)
    expect((await (await firstStep()).post('/auth/login/totp', { code: codeNow() })).status).toBe(200)
    void bob
  })

  test('ASVS 16.3.1 are in the log of the account and of the operator', async () => {
    await wrong(await firstStep())
    expect(await kinds(ann)).toContain('second_factor_failed')
    const line = at.events().find(({ event, method }) => event === 'sign_in_failed' && method === 'totp')
    expect(line).toMatchObject({ outcome: 'failure', reason: 'incorrect_code', accountId: await idOf(ann) })
    expect(JSON.stringify(at.lines)).not.toContain('000000')
  })

  test('that cannot be codes are not counted', async () => {
    const browser = await firstStep()
    for (let n = 0; n < 10; n++)
      expect(await refusal(browser.post('/auth/login/totp', { code: '12345' }))).toBe('400 invalid_body')
    expect((await browser.post('/auth/login/totp', { code: nextCode() })).status).toBe(200)
  })
})

describe('recovery codes', () => {
  test('ASVS 6.5.1 sign in once each, and using one is told', async () => {
    const browser = await firstStep()
    expect((await browser.post('/auth/login/recovery', { code: codes[3] })).status).toBe(200)
    expect((await session(browser)).session?.amr).toEqual(['pwd', 'otp', 'mfa'])
    expect(await refusal((await firstStep()).post('/auth/login/recovery', { code: codes[3] }))).toBe(
      '401 incorrect_code',
    )
    expect((await json<FactorsAnswer>(browser.get('/auth/factors'))).recoveryCodes).toEqual({ left: 9, low: false })
    expect(await kinds(browser)).toContain('recovery_code_used')
  })

  test('are taken as people type them', async () => {
    const [code = ''] = codes
    const typed = ` ${code.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'l')} `
    expect((await (await firstStep()).post('/auth/login/recovery', { code: typed })).status).toBe(200)
  })

  test('ASVS 6.5.2 ASVS 6.5.4 have eighty random bits, and are stored as salted argon2id', async () => {
    for (const code of codes) expect(code).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/)
    const stored = await at.store.factors.recoveryCodes(await idOf(ann))
    for (const { codeHash } of stored) expect(codeHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$/)
    const salts = new Set(stored.map(({ codeHash }) => codeHash.split('$')[4]))
    const { secret: _, codes: bobs } = await enrol(await join('bob'))
    expect(bobs).toHaveLength(10)
    expect(salts.size).toBe(1)
  })

  test('few that are left are warned of', async () => {
    for (let n = 0; n < 7; n++) {
      const answer = await (await firstStep()).post('/auth/login/recovery', { code: codes[n] })
      expect(answer.status).toBe(200)
    }
    expect((await json<FactorsAnswer>(ann.get('/auth/factors'))).recoveryCodes).toEqual({ left: 3, low: true })
  })

  test('a new set replaces the one before', async () => {
    const browser = await signedIn()
    const { codes: next } = await json<RecoveryCodesAnswer>(browser.post('/auth/recovery-codes'))
    const pending = await firstStep()
    expect(await refusal(pending.post('/auth/login/recovery', { code: codes[0] }))).toBe('401 incorrect_code')
    expect((await pending.post('/auth/login/recovery', { code: next[0] })).status).toBe(200)
  })

  test('one code used fifty times at once signs in once', async () => {
    const browsers = await Promise.all(Array.from({ length: 10 }, () => firstStep()))
    const answers = await Promise.all(browsers.map(one => one.post('/auth/login/recovery', { code: codes[0] })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('confirming who one is', () => {
  test('ASVS 7.5.1 takes the strongest that a person has: a session from before cannot change factors', async () => {
    expect(await refusal(ann.delete('/auth/totp'))).toBe('401 reauthentication_required')
    const answer = await json<ProblemBody>(ann.post('/auth/recovery-codes'))
    expect(answer).toMatchObject({ code: 'reauthentication_required', acr: 'aal2' })
    expect(await refusal(ann.post('/auth/reauthenticate', { password: PASSWORD }))).toBe('401 code_required')
    expect(await refusal(ann.post('/auth/reauthenticate', { password: PASSWORD, code: lastCode }))).toBe(
      '401 incorrect_code',
    )
    const confirmed = await json<SessionAnswer>(
      ann.post('/auth/reauthenticate', { password: PASSWORD, code: nextCode() }),
    )
    expect(confirmed.session).toMatchObject({ acr: 'aal2', authTime: at.wall() })
    expect((await ann.delete('/auth/totp')).status).toBe(200)
  })

  test('works with a recovery code, too, for a person who has lost the app', async () => {
    expect((await ann.post('/auth/reauthenticate', { password: PASSWORD, code: codes[0] })).status).toBe(200)
    const { secret: next } = await enrol(ann)
    expect((await json<FactorsAnswer>(ann.get('/auth/factors'))).recoveryCodes.left).toBe(9)
    const browser = await firstStep()
    expect(await refusal(browser.post('/auth/login/totp', { code: nextCode() }))).toBe('401 incorrect_code')
    expect((await browser.post('/auth/login/totp', { code: codeNow(next) })).status).toBe(200)
  })

  test('needs the right password, whatever the code', async () => {
    const code = nextCode()
    expect(await refusal(ann.post('/auth/reauthenticate', { password: 'wrong', code }))).toBe('401 invalid_credentials')
    expect((await ann.post('/auth/reauthenticate', { password: PASSWORD, code })).status, 'the code is unused').toBe(
      200,
    )
  })

  test('a password change needs it as well, and neither lowers nor raises the session', async () => {
    const change = { current: PASSWORD, next: 'an entirely new lantern' }
    expect(await refusal(ann.post('/auth/password', change))).toBe('401 reauthentication_required')
    const browser = await signedIn()
    const { session: before } = await session(browser)
    at.pass(MINUTE)
    const answer = await json<SessionAnswer>(browser.post('/auth/password', change))
    expect(answer.session).toMatchObject({ acr: 'aal2', authTime: before?.authTime })
  })
})

describe('other ways in', () => {
  test('ASVS 6.3.4 a reset link never gets around the second factor', async () => {
    const { href } = await json<ResetLinkAnswer>(root.post(`/auth/people/${await idOf(ann)}/reset`))
    const browser = at.browser()
    const next = 'an entirely new lantern'
    expect(await json(browser.post('/auth/reset', { code: at.codeOf(href), password: next }))).toEqual({
      user: null,
      session: null,
    })
    expect(await json(browser.post('/auth/login', { email: 'ann@example.org', password: next }))).toMatchObject({
      next: 'second_factor',
    })
  })

  test('ASVS 6.3.4 `POST /auth/login/password` asks for it, too', async () => {
    const browser = at.browser()
    const answer = await browser.post('/auth/login/password', { email: 'ann@example.org', password: PASSWORD })
    expect(await answer.json()).toMatchObject({ next: 'second_factor' })
    expect(browser.jar.has(ACCESS)).toBe(false)
  })
})

describe('a remembered device', () => {
  const remembering = async () => {
    await at.close()
    await open({ rememberSecondFactorDays: 30 })
    const browser = await firstStep()
    expect((await json<PendingAnswer>(browser.get('/auth/second-factor'))).pending?.rememberDays).toBe(30)
    await browser.post('/auth/login/totp', { code: nextCode(), rememberDevice: true })
    await browser.post('/auth/logout')
    return browser
  }
  const again = async (browser: Browser) =>
    json<{ next?: string; session?: { acr: string } }>(
      browser.post('/auth/login', { email: 'ann@example.org', password: PASSWORD }),
    )

  test('is not asked again for a while, and its session has the level of the password alone', async () => {
    const browser = await remembering()
    expect((await again(browser)).session?.acr).toBe('aal1')
    expect(await refusal(browser.delete('/auth/totp'))).toBe('401 reauthentication_required')
    at.pass(31 * DAY)
    await browser.post('/auth/logout')
    expect(await again(browser)).toMatchObject({ next: 'second_factor' })
  })

  test('is asked again after a factor has changed, and everybody else is asked anyway', async () => {
    const browser = await remembering()
    await firstStep()
    const other = await signedIn()
    at.pass(1)
    await other.post('/auth/recovery-codes')
    expect(await again(browser)).toMatchObject({ next: 'second_factor' })
  })

  test('does not exist unless the setting is on', async () => {
    const browser = await firstStep()
    await browser.post('/auth/login/totp', { code: nextCode(), rememberDevice: true })
    await browser.post('/auth/logout')
    expect(await again(browser)).toMatchObject({ next: 'second_factor' })
  })
})

describe("an administrator's reset", () => {
  const reset = async () => root.post(`/auth/people/${await idOf(ann)}/factors/reset`)

  test('ASVS 6.5.6 removes the factors of a person who has lost them, who still needs the password', async () => {
    expect((await reset()).status).toBe(200)
    expect(await json(ann.get('/auth/factors'))).toMatchObject({ totp: { enabled: false }, recoveryCodes: { left: 0 } })
    const { events } = await json<EventsAnswer>(ann.get('/auth/events'))
    expect(events[0]).toMatchObject({ kind: 'factors_reset', by: 'Root' })
    const browser = at.browser()
    const answer = await browser.post('/auth/login', { email: 'ann@example.org', password: PASSWORD })
    expect(await answer.json()).toMatchObject({ session: { acr: 'aal1' } })
  })

  test('is no way in for the administrator: there is no link for a new password on the same day', async () => {
    const id = await idOf(ann)
    await reset()
    expect(await refusal(root.post(`/auth/people/${id}/reset`))).toBe('403 forbidden')
    at.pass(DAY + MINUTE)
    await root.post('/auth/login', { email: 'root@example.org', password: GOOD_PASSWORD })
    expect((await root.post(`/auth/people/${id}/reset`)).status).toBe(200)
    expect(await refusal(root.post(`/auth/people/${id}/factors/reset`))).toBe('403 forbidden')
  })

  test('is only for administrators, lately signed in, and not for oneself', async () => {
    const bob = await join('bob')
    expect(await refusal(bob.post(`/auth/people/${await idOf(ann)}/factors/reset`))).toBe('403 forbidden')
    expect(await refusal(root.post(`/auth/people/${await idOf(root)}/factors/reset`))).toBe('403 forbidden')
    expect(await refusal(root.post('/auth/people/unknown/factors/reset'))).toBe('404 not_found')
    at.pass(16 * MINUTE)
    expect(await refusal(reset())).toBe('401 reauthentication_required')
  })

  test('the list of people shows who has a second factor', async () => {
    const { people } = await json<PeopleAnswer>(root.get('/auth/people'))
    expect(people.map(({ name, secondFactor }) => [name, secondFactor])).toEqual([
      ['Root', false],
      ['ann', true],
    ])
  })
})
