import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toEmailKey } from '../../base/email-key.ts'
import { newAccountRow } from '../../accounts/account.ts'
import { GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import { OPERATOR, originOf } from '../../accounts/actor.ts'
import { LOCK_AT } from '../../accounts/credential-throttle.ts'
import type { Elsewhere } from './routes.testing.ts'
import type { ProviderProfile } from '../../providers/types.ts'
import { strangersLock } from '../../store/throttle-keys.ts'
import { type AccountStage, accountStage, type Send } from '../../../tests/support/account-stage.ts'
import type { Answered } from '../../../tests/support/app.ts'

// Everything that an outsider can ask about an address, over HTTP, for an address without an account and for accounts
// in every state: the answers must not differ. Real routes, accounts and database; only the clock and the provider are
// fake.

const HOUR = 3_600_000
const WRONG = 'a lantern that was never lit'

/** Addresses of one length, so that whatever contains one has one length, too. */
const addressOf = (subject: string) => `${subject.replaceAll(' ', '-').padEnd(20, 'x')}@example.org`

const NOBODY = 'nobody'
const SUBJECTS: Record<string, (stage: AccountStage, email: string) => Promise<unknown>> = {
  [NOBODY]: async () => {},
  known: (stage, email) => stage.create(email),
  'an administrator': (stage, email) => stage.create(email, ['admin', 'user']),
  disabled: async (stage, email) => {
    const { id } = await stage.create(email)
    await stage.people.accounts.change(id, { disabled: true }, OPERATOR)
  },
  'provider only': (stage, email) => createWithoutPassword(stage, email),
  'disabled provider': async (stage, email) => {
    const { id } = await createWithoutPassword(stage, email)
    await stage.people.accounts.change(id, { disabled: true }, OPERATOR)
  },
  invited: async (stage, email) => {
    if (stage.config.registration !== 'closed') await stage.invitation(email)
  },
  'with a reset link': async (stage, email) => stage.people.resets.makeLink((await stage.create(email)).id, OPERATOR),
}
const ACCOUNTS = Object.keys(SUBJECTS).filter(subject => subject !== NOBODY && subject !== 'invited')

function createWithoutPassword({ store, wall }: AccountStage, email: string) {
  const row = newAccountRow({ email, name: 'Somebody', roles: ['user'] }, wall())
  return store.accounts.create(row, originOf(OPERATOR, row.id, row.createdAt))
}

let stage: AccountStage

async function start(options: Parameters<typeof accountStage>[0] = {}): Promise<void> {
  stage = await accountStage(options)
  // The first account is an administrator and none of the subjects; the first comparison makes the stand-in.
  await stage.create('first@example.org')
  await json('/auth/login', { email: 'first@example.org', password: WRONG })
  for (const [subject, make] of Object.entries(SUBJECTS)) await make(stage, addressOf(subject))
}

afterEach(async () => {
  await stage.close()
})

const json: Send = (...what) => stage.json(...what)
const form: Send = (...what) => stage.form(...what)
const SENDERS: [string, Send][] = [
  ['JSON', json],
  ['a form', form],
]

/** Records consecutive failures long ago, whether or not the address has an account. */
async function failedBefore(email: string, failures: number): Promise<void> {
  const key = strangersLock(toEmailKey(email))
  await stage.store.throttles.reserveAll([key], () => ({ writes: [{ key, failures, lastFailureAt: 0, nextAt: 0 }] }))
}

/** Different in every answer, whatever it says. */
const RANDOM = new Set(['date', 'x-request-id', 'set-cookie'])

/**
 * All that a client sees of an answer, with what is random taken out: of a sealed cookie its name and length are left.
 */
function seen({ status, headers: got, body }: Answered) {
  return {
    status,
    headers: Object.fromEntries(Object.entries(got).filter(([name]) => !RANDOM.has(name))),
    names: Object.keys(got).toSorted(),
    cookies: [got['set-cookie'] ?? []].flat().map(cookie => {
      const [pair = '', ...attributes] = cookie.split('; ')
      return [pair.slice(0, pair.indexOf('=')), pair.length, ...attributes]
    }),
    body: body.replace(/"requestId":"[^"]*"/, '"requestId":""'),
  }
}

/**
 * Asks for each subject alike.
 * @returns what nobody's address got
 */
async function expectAlike<T>(subjects: readonly string[], ask: (email: string) => Promise<T>): Promise<T> {
  const expected = await ask(addressOf(NOBODY))
  for (const subject of subjects) expect(await ask(addressOf(subject)), subject).toEqual(expected)
  return expected
}

const everybody = Object.keys(SUBJECTS)

describe('ASVS 6.3.8 a sign-in is answered alike whatever the state of the address', () => {
  beforeEach(() => start())

  test.each(SENDERS)('with a wrong password, as %s', async (_, send) => {
    const answer = await expectAlike(everybody, async email =>
      seen(await send('/auth/login', { email, password: WRONG })),
    )
    expect([401, 303]).toContain(answer.status)
  })

  test.each(SENDERS)('with something that is no password, as %s', async (_, send) => {
    for (const password of ['', 'x'.repeat(5000), '\u0000'])
      await expectAlike(everybody, async email => seen(await send('/auth/login', { email, password })))
  })

  test.each(SENDERS)('during growing waits, in the lock and after it, as %s', async (_, send) => {
    const course = await expectAlike(['known', 'disabled', 'provider only'], async email => {
      const answers: ReturnType<typeof seen>[] = []
      await failedBefore(email, LOCK_AT - 10)
      for (let n = 0; n < 20; n++) {
        answers.push(seen(await send('/auth/login', { email, password: WRONG })))
        stage.pass(n < 8 ? 10_000 : HOUR)
      }
      return answers
    })
    const outcomes = course.map(
      ({ status, headers: { location = '' } }) => `${status} ${String(location).split('=')[1] ?? ''}`,
    )
    expect([...new Set(outcomes)].map(one => one.trim())).toEqual(
      send === json ? ['401', '429', '403'] : ['303 invalid_credentials', '303 slow_down', '303 password_locked'],
    )
  })

  test('from a browser that knows another account, and has a session of it', async () => {
    const own = await json('/auth/login', { email: 'first@example.org', password: GOOD_PASSWORD })
    const cookie = [own.headers['set-cookie'] ?? []].flat().map(one => one.split(';')[0])
    expect(cookie.join()).toMatch(/-device=.*-access=|-access=.*-device=/)
    await expectAlike(everybody, async email =>
      seen(
        await stage.app.ask('/auth/login', {
          method: 'POST',
          headers: { ...stage.headers('application/json'), cookie: cookie.join('; ') },
          body: JSON.stringify({ email, password: WRONG }),
        }),
      ),
    )
  })
})

describe('ASVS 6.3.8 a sign-up is answered alike whatever the state of the address', () => {
  const register =
    (send: Send, more: Record<string, string> = {}) =>
    async (email: string) =>
      seen(await send('/auth/register', { email, name: 'New', password: GOOD_PASSWORD, ...more }))

  test.each(SENDERS)('where it is closed, as %s', async (_, send) => {
    await start({ registration: 'closed' })
    await expectAlike(everybody, register(send))
    await expectAlike(everybody, register(send, { invite: await nothing() }))
  })

  test.each(SENDERS)('where it takes an invitation that the client has not, as %s', async (_, send) => {
    await start({ registration: 'invite' })
    const used = await stage.invitation(null)
    await register(send, { invite: used })('somebody-else-entirely@example.org')
    await expectAlike(everybody, register(send))
    await expectAlike(everybody, register(send, { invite: await nothing() }))
    await expectAlike(everybody, register(send, { invite: used }))
  })

  test.each(SENDERS)('with an invitation that is for another address, as %s', async (_, send) => {
    await start({ registration: 'invite' })
    const code = await stage.invitation('somebody-else-entirely@example.org')
    const answer = await expectAlike(everybody, register(send, { invite: code }))
    expect(JSON.stringify(answer)).toContain('invalid_code')
  })

  test.each(SENDERS)('with a password that is refused, as %s', async (_, send) => {
    await start({ registration: 'open' })
    for (const password of ['short', 'password12345678', 'x'.repeat(2000)])
      await expectAlike(everybody, register(send, { password }))
  })

  test('reveals that an address is taken only where it could be registered, within the limit of a network, and for every account alike', async () => {
    await start({ registration: 'open' })
    const answers = []
    for (const subject of ACCOUNTS) answers.push(await register(json)(addressOf(subject)))
    expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]?.body).toContain('email_taken')
    const from = stage.headers('application/json')
    const statuses: number[] = []
    for (let n = 0; n < 25; n++) {
      const body = JSON.stringify({ email: addressOf('known'), name: 'New', password: GOOD_PASSWORD })
      statuses.push((await stage.app.ask('/auth/register', { method: 'POST', headers: from, body })).status)
    }
    expect(statuses.filter(status => status === 409)).toHaveLength(20)
    expect(statuses.filter(status => status === 429)).toHaveLength(5)
  })
})

/** A code that nobody made. */
const nothing = async () => 'x'.repeat(32)

describe('ASVS 6.3.8 a request for a reset link is answered alike whatever the state of the address', () => {
  const ask = (send: Send) => async (email: string) => seen(await send('/auth/password/forgot', { email }))

  test.each(SENDERS)('by mail, again and again, as %s', async (_, send) => {
    const server = { host: 'localhost', port: 25, tls: 'none', auth: null } as const
    await start({ mail: { server, from: { address: 'login@porch.example', name: null } } })
    for (let n = 0; n < 7; n++) {
      const answer = await expectAlike(everybody, ask(send))
      expect([202, 303]).toContain(answer.status)
      stage.pass(61_000)
    }
  })
  test.each(SENDERS)('without mail, as %s', async (_, send) => {
    await start()
    await expectAlike(everybody, ask(send))
  })
})

describe('ASVS 6.3.8 a reset link is answered alike whatever became of it', () => {
  beforeEach(() => start())
  const use = async (send: Send, code: string) => seen(await send('/auth/reset', { code, password: GOOD_PASSWORD }))

  test.each(SENDERS)(
    'a reset link that nobody made, that is void, used, expired, or of a disabled account, as %s',
    async (_, send) => {
      const ids = Object.fromEntries(
        await Promise.all(
          ['known', 'disabled', 'an administrator', 'with a reset link'].map(async subject => [
            subject,
            (await stage.people.accounts.findByEmail(addressOf(subject)))?.id ?? '',
          ]),
        ),
      ) as Record<string, string>
      const linkOf = async (subject: string) =>
        stage.codeOf((await stage.people.resets.makeLink(ids[subject] ?? '', OPERATOR)).href)
      const expired = await linkOf('an administrator')
      stage.pass(HOUR)
      const voided = await linkOf('known')
      const disabled = await linkOf('with a reset link')
      await linkOf('known')
      await stage.people.accounts.change(ids['with a reset link'] ?? '', { disabled: true }, OPERATOR)
      const used = await linkOf('an administrator')
      await stage.people.resets.use(
        { code: used, password: 'another lantern burning' },
        { userAgent: '', network: '::1' },
      )
      const expected = await use(send, await nothing())
      for (const code of [expired, voided, disabled, used]) expect(await use(send, code)).toEqual(expected)
    },
  )
})

describe('ASVS 6.3.8 OI-7 an address that a provider does not vouch for is answered alike', () => {
  let said: ProviderProfile
  const elsewhere: Elsewhere = {
    configured: [],
    providers: {
      all: () => [],
      begin: () => Promise.reject(new Error('not begun')),
      finish: async () => ({
        person: said,
        tokens: {} as never,
        purpose: { kind: 'sign_in', remember: false, invite: null },
        returnTo: '/',
      }),
      returnTo: async () => null,
    },
    vault: { createGrant: async () => null as never, linked: () => {}, revoke: () => {}, ended: () => {} },
  }

  test.each(['open', 'invite', 'closed'] as const)('where registration is %s', async registration => {
    await start({ registration, elsewhere })
    await expectAlike(everybody, async email => {
      said = {
        provider: 'main',
        issuer: 'https://main.example',
        subject: `subject of ${email}`,
        email,
        emailVerified: false,
        name: 'Somebody',
        label: null,
        roles: null,
        authTime: null,
        amr: [],
        providerSid: null,
      }
      const { cookies, ...answer } = seen(
        await stage.app.ask('/auth/callback/main?code=x&state=y', { headers: stage.headers('') }),
      )
      return { ...answer, cookies: cookies.map(([name]) => name) }
    })
  })
})
