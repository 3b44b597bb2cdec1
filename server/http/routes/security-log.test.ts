import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SECURITY_EVENTS } from '../../base/log-events.ts'
import { Problem } from '../../base/problem.ts'
import type { InviteAnswer, ResetLinkAnswer, SessionAnswer } from '../../contract/wire.ts'
import { TOKEN_API } from '../../contract/token-api-id.ts'
import type { ProblemCode } from '../../contract/problem-codes.ts'
import { OPERATOR } from '../../accounts/actor.ts'
import { CLIENT, GOOD_PASSWORD } from '../../accounts/accounts.testing.ts'
import type { SignInMethod } from '../../login/sign-in-method.ts'
import { type Browser, testRoutes } from './routes.testing.ts'

const NETWORK = '198.51.100.7'
const root = { email: 'root@example.org', name: 'Root', password: GOOD_PASSWORD }

let at: ReturnType<typeof testRoutes>
let admin: Browser
let rootId: string
/** The result of the provider's callback in this test. */
let fails: ProblemCode | null

const stranger = () => at.browser({ ...CLIENT, network: NETWORK })
const since = (mark: number) => at.events().slice(mark)
const mark = () => at.events().length

async function start(passwords?: SignInMethod) {
  fails = null
  const none = () => Promise.reject(new Error('not in this test'))
  at = testRoutes({
    registration: 'invite',
    ...(passwords === undefined ? {} : { passwords }),
    elsewhere: {
      configured: [],
      providers: {
        all: () => [],
        begin: none,
        finish: () => Promise.reject(new Problem(fails ?? 'internal')),
        returnTo: async () => null,
      },
      vault: { createGrant: none, linked: () => {}, revoke: () => {}, ended: () => {} },
    },
  })
  admin = at.browser()
  const { href } = await at.people.registration.makeSetupLink()
  const made = await admin.post('/auth/setup', { ...root, code: at.codeOf(href) })
  rootId = ((await made.json()) as SessionAnswer).user?.id ?? ''
}

beforeEach(() => start())
afterEach(() => at.close())

describe('the security log', () => {
  test('ASVS 16.3.1 a wrong password, an unknown address and a success are one line each, with account and network, and never what was typed', async () => {
    const from = mark()
    await stranger().post('/auth/login', { email: 'ROOT@example.org', password: 'wrong-password' })
    await stranger().post('/auth/login', { email: 'nobody@example.org', password: 'wrong-password' })
    await stranger().post('/auth/login', { email: root.email, password: root.password })
    const common = { method: 'password', network: NETWORK, requestId: 'request-1' }
    const lines = since(from)
    expect(lines).toEqual([
      expect.objectContaining({
        event: 'sign_in_failed',
        outcome: 'failure',
        reason: 'invalid_credentials',
        accountId: rootId,
        ...common,
      }),
      expect.objectContaining({
        event: 'sign_in_failed',
        outcome: 'failure',
        reason: 'invalid_credentials',
        ...common,
      }),
      expect.objectContaining({ event: 'sign_in_succeeded', outcome: 'success', accountId: rootId, ...common }),
    ])
    expect(lines[1]).not.toHaveProperty('accountId')
    expect(at.lines.join('')).not.toMatch(/example\.org|wrong-password/i)
  })

  test('ASVS 16.3.1 a disabled account and a throttled one are denials, with the account', async () => {
    await at.people.accounts.create(
      { email: 'second@example.org', name: 'Second', roles: ['admin'], password: GOOD_PASSWORD },
      OPERATOR,
    )
    await at.people.accounts.change(rootId, { disabled: true }, OPERATOR)
    const from = mark()
    await stranger().post('/auth/login', { email: root.email, password: root.password })
    for (let n = 0; n < 6; n++) await stranger().post('/auth/login', { email: root.email, password: 'wrong' })
    expect(since(from).map(({ event, reason, accountId }) => [event, reason, accountId])).toEqual([
      ['sign_in_denied', 'account_disabled', rootId],
      ...Array.from({ length: 5 }, () => ['sign_in_failed', 'invalid_credentials', rootId]),
      ['sign_in_denied', 'slow_down', rootId],
    ])
  })

  test.each<[ProblemCode, string, string]>([
    ['login_expired', 'sign_in_failed', 'failure'],
    ['provider_refused', 'sign_in_failed', 'failure'],
    ['not_admitted', 'sign_in_denied', 'denied'],
    ['provider_unavailable', 'sign_in_error', 'error'],
  ])('a sign-in at a provider that ends as %s is one line: %s', async (code, event, outcome) => {
    fails = code
    const from = mark()
    await stranger().get('/auth/callback/work?state=x')
    expect(since(from)).toEqual([
      expect.objectContaining({ event, outcome, reason: code, method: 'provider', provider: 'work', network: NETWORK }),
    ])
  })

  test('a sign-in checked by the token API is one line', async () => {
    await at.close()
    await start({
      id: TOKEN_API,
      describe: () => ({ kind: 'password', minLength: 15, by: 'Shop', links: { register: null, reset: null } }),
      authenticate: () => Promise.reject(new Problem('invalid_credentials')),
      reauthenticate: () => Promise.reject(new Problem('invalid_credentials')),
    })
    const from = mark()
    await stranger().post('/auth/login', { email: 'ada', password: 'wrong' })
    await admin.post('/auth/reauthenticate', { password: 'wrong' })
    expect(since(from)).toEqual([
      expect.objectContaining({
        event: 'sign_in_failed',
        reason: 'invalid_credentials',
        method: 'token_api',
        network: NETWORK,
      }),
      expect.objectContaining({
        event: 'reauthentication_failed',
        reason: 'invalid_credentials',
        method: 'token_api',
        accountId: rootId,
      }),
    ])
  })

  test('ASVS 16.3.2 changes of codes, roles and passwords are one line each, with actor and network; nothing rolled back is logged', async () => {
    const from = mark()
    const invite = (await (await admin.post('/auth/invites', {})).json()) as InviteAnswer
    const ann = stranger()
    const joined = (await (
      await ann.post('/auth/register', {
        email: 'ann@example.org',
        name: 'Ann',
        password: GOOD_PASSWORD,
        invite: at.codeOf(invite.href),
      })
    ).json()) as SessionAnswer
    const annId = joined.user?.id ?? ''
    await ann.post('/auth/register', {
      email: 'eve@example.org',
      name: 'Eve',
      password: GOOD_PASSWORD,
      invite: at.codeOf(invite.href),
    })
    await admin.patch(`/auth/people/${annId}`, { roles: ['admin'] })
    const link = (await (await admin.post(`/auth/people/${annId}/reset`)).json()) as ResetLinkAnswer
    await stranger().post('/auth/reset', { code: at.codeOf(link.href), password: 'an entirely new lantern' })
    await stranger().post('/auth/reset', { code: at.codeOf(link.href), password: 'an entirely new lantern' })
    await admin.patch(`/auth/people/${rootId}`, { disabled: false, roles: ['user'] })
    await ann.post('/auth/login', { email: 'ann@example.org', password: 'an entirely new lantern' })
    await ann.patch(`/auth/people/${rootId}`, { disabled: true })
    const told = since(from).map(({ event, reason, accountId, by, network }) => [event, reason, accountId, by, network])
    expect(told).toEqual([
      ['code_created', 'invite', undefined, rootId, CLIENT.network],
      ['code_used', 'invite', annId, undefined, NETWORK],
      ['account_created', undefined, annId, rootId, NETWORK],
      ['sign_in_succeeded', undefined, annId, undefined, NETWORK],
      ['registration_failed', 'invalid_code', undefined, undefined, NETWORK],
      ['roles_changed', undefined, annId, rootId, CLIENT.network],
      ['code_created', 'reset', annId, rootId, CLIENT.network],
      ['code_used', 'reset', annId, undefined, NETWORK],
      ['password_reset', undefined, annId, undefined, NETWORK],
      ['password_reset_failed', 'invalid_code', undefined, undefined, NETWORK],
      ['roles_changed', undefined, rootId, undefined, CLIENT.network],
      ['sign_in_succeeded', undefined, annId, undefined, NETWORK],
      ['account_disabled', undefined, rootId, annId, NETWORK],
    ])
    expect(at.lines.join('')).not.toContain(at.codeOf(link.href))
  })

  test('every logged event is in the closed list', () => {
    expect(new Set(SECURITY_EVENTS).size).toBe(SECURITY_EVENTS.length)
    for (const name of SECURITY_EVENTS) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/)
  })
})
