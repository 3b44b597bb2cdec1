import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADA, CONFIG, type Running, SESSION, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { passkeyAmr } from '../../contract/acr.ts'
import { listen, testRelay, testUpstream } from '../../relay/relay.testing.ts'
import { createReturnPaths } from '../request/return-paths.ts'
import type { Upstream } from '../../config/upstream-config.ts'

const PAGE = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', cookie: SIGNED_IN }
const SCRIPT = { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin', cookie: SIGNED_IN }
const REQUIRES = { signedIn: true, roles: [], maxAgeMs: null, acr: null }

let app: Running
let who: { roles: ('admin' | 'user')[]; secondFactorAt: number | null; amr: string[] }
const closing: (() => unknown)[] = []
const running = new Map<string, Running>()

beforeAll(async () => {
  const upstream = await listen((_, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/html' }).end('a page')
  })
  closing.push(upstream.close)
  const at = (changes: Partial<Upstream>) => testUpstream(upstream.origin, { document: true, ...changes })
  for (const secondFactor of ['admins', 'required', 'optional'] as const) {
    const relay = testRelay([
      at({ name: 'tool', prefix: '/tool' }),
      at({ name: 'orders', prefix: '/api/orders', document: false }),
      at({ name: 'open', prefix: '/open', token: 'none', requires: { ...REQUIRES, signedIn: false } }),
      at({ name: 'vault', prefix: '/api/vault', document: false, requires: { ...REQUIRES, acr: 'aal2' } }),
      at({ name: 'safe', prefix: '/safe', requires: { ...REQUIRES, acr: 'aal2', maxAgeMs: 60_000 } }),
    ])
    const one = await startApp({
      config: { ...CONFIG, secondFactor },
      relay,
      sessions: {
        resolve: async () => ({ state: 'live', session: { ...SESSION, amr: who.amr }, issued: null }),
        cookiesFor: () => [],
        clearing: () => [],
      },
      findUser: async () => ({ ...ADA, ...who, emailVerified: false }),
      returnPaths: createReturnPaths(relay.match),
    })
    running.set(secondFactor, one)
    closing.push(() => relay.close(), one.close)
  }
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

const set = (secondFactor: string, roles: typeof who.roles, more: Partial<typeof who> = {}) => {
  app = running.get(secondFactor) as Running
  who = { roles, secondFactorAt: null, amr: ['pwd'], ...more }
}
async function ask(path: string, headers: Record<string, string>, method = 'GET') {
  const { status, headers: sent, body } = await app.ask(path, { method, headers })
  const isProblem = String(sent['content-type']).startsWith('application/problem+json')
  return [status, isProblem ? (JSON.parse(body) as { code: string }).code : (sent.location ?? '')].join(' ').trim()
}

describe('ASVS 6.3.3 a person without the second factor that is required', () => {
  test.each([
    ['/api/orders/1', SCRIPT, 'GET', '403 second_factor_required'],
    ['/auth/sessions', SCRIPT, 'GET', '403 second_factor_required'],
    ['/auth/user', SCRIPT, 'PATCH', '403 second_factor_required'],
    ['/auth/people', SCRIPT, 'GET', '403 second_factor_required'],
    ['/auth/tokens', SCRIPT, 'POST', '403 second_factor_required'],
    ['/tool/x?y', PAGE, 'GET', '303 /second-factor/set-up?returnTo=%2Ftool%2Fx%3Fy'],
    ['/', PAGE, 'GET', '303 /second-factor/set-up'],
    ['/account', PAGE, 'GET', '303 /second-factor/set-up?returnTo=%2Faccount'],
    ['/people', PAGE, 'GET', '303 /second-factor/set-up?returnTo=%2Fpeople'],
    ['/open/x', PAGE, 'GET', '200'],
    ['/auth/session', SCRIPT, 'GET', '200'],
  ])('%s', async (path, headers, method, expected) => {
    for (const secondFactor of ['required', 'admins']) {
      set(secondFactor, ['admin', 'user'])
      expect(await ask(path, headers, method)).toBe(expected)
    }
  })

  test('reaches the calls of enrolment and of signing out, and no other below them', async () => {
    set('required', ['user'])
    for (const path of ['/auth/factors', '/auth/totp', '/auth/totp/confirm', '/auth/passkeys/options', '/auth/logout'])
      expect(await ask(path, SCRIPT), path).not.toContain('second_factor_required')
    for (const path of ['/auth/totpx', '/auth/factorsx', '/auth/people/x/factors/reset'])
      expect(await ask(path, SCRIPT), path).toBe('403 second_factor_required')
  })

  test('is nobody who has one, who is no administrator, or who used two factors at a trusted provider', async () => {
    set('required', ['user'], { secondFactorAt: 1 })
    expect(await ask('/api/orders/1', SCRIPT)).toBe('200')
    set('admins', ['user'])
    expect(await ask('/api/orders/1', SCRIPT)).toBe('200')
    set('required', ['user'], { amr: ['fed', 'mfa'] })
    expect(await ask('/api/orders/1', SCRIPT)).toBe('200')
    set('optional', ['admin', 'user'])
    expect(await ask('/api/orders/1', SCRIPT)).toBe('200')
  })

  test('gets no live connection', async () => {
    set('required', ['user'])
    const upgrade = {
      ...SCRIPT,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    }
    const { status } = await app.ask('/api/orders/live', { headers: upgrade })
    expect(status).toBe(403)
  })
})

describe('RFC 9470 an upstream that requires two factors', () => {
  test('challenges a session of one, and serves one of two', async () => {
    set('optional', ['user'], { secondFactorAt: 1 })
    const { status, headers, body } = await app.ask('/api/vault/1', { headers: SCRIPT })
    expect([status, headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="insufficient_user_authentication", acr_values="aal2"',
    ])
    expect(JSON.parse(body)).toMatchObject({ code: 'insufficient_user_authentication', acr: 'aal2' })
    for (const amr of [['pwd', 'otp', 'mfa'], passkeyAmr(true)]) {
      set('optional', ['user'], { secondFactorAt: 1, amr })
      expect(await ask('/api/vault/1', SCRIPT)).toBe('200')
    }
    set('optional', ['user'], { secondFactorAt: 1, amr: passkeyAmr(false) })
    expect(await ask('/api/vault/1', SCRIPT)).toBe('401 insufficient_user_authentication')
  })

  test('names both in its challenge where it also requires a recent sign-in', async () => {
    set('optional', ['user'], { secondFactorAt: 1, amr: ['pwd', 'mfa'] })
    const { headers } = await app.ask('/safe/x', { headers: SCRIPT })
    expect(headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="60"',
    )
  })

  test('leads a person to confirm who they are, or first to enrol', async () => {
    set('optional', ['user'], { secondFactorAt: 1 })
    expect(await ask('/safe/x', PAGE)).toBe('303 /reauthenticate?returnTo=%2Fsafe%2Fx')
    set('optional', ['user'])
    expect(await ask('/safe/x', PAGE)).toBe('303 /second-factor/set-up?returnTo=%2Fsafe%2Fx')
  })
})
