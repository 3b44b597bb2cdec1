import * as openid from 'openid-client'
import { expect, test } from 'vitest'
import { conforming } from './answers.ts'
import { type CallKind, callFailure } from './provider-failures.ts'

/** What openid-client throws for a token endpoint's response after `conforming`. */
async function failureFor(asked: CallKind, status: number, body: string, headers: Record<string, string> = {}) {
  const configuration = new openid.Configuration(
    { issuer: 'https://main.example', token_endpoint: 'https://main.example/token' },
    'porch',
    {},
    openid.None(),
  )
  configuration[openid.customFetch] = conforming(
    async () => new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } }),
  ) as openid.CustomFetch
  const error = await openid.refreshTokenGrant(configuration, 'r1').then(
    () => null,
    (thrown: unknown) => thrown,
  )
  const { kind, problem, blame, retryAfterMs } = callFailure(
    { openid, provider: { id: 'main' }, now: () => NOW },
    error,
    asked,
  )
  return { outcome: `${kind} ${problem.code} ${blame}`, retryAfterMs }
}
const NOW = Date.UTC(2026, 10, 29, 12)
const error = (code: string) => JSON.stringify({ error: code })
const PAGE = { 'content-type': 'text/html' }

test.each<[number, string, Record<string, string>, string]>([
  [400, error('invalid_grant'), {}, 'over provider_refused grant'],
  [200, error('bad_refresh_token'), {}, 'over provider_refused grant'],
  [400, error('some_spelling_of_its_own'), {}, 'over provider_refused grant'],
  [403, error('access_denied'), {}, 'over provider_refused grant'],
  [401, '', { 'www-authenticate': 'Bearer error="invalid_token"' }, 'over provider_refused grant'],
  [400, error('invalid_client'), {}, 'refused provider_refused grant'],
  [401, error('unauthorized_client'), {}, 'refused provider_refused grant'],
  [400, error('unsupported_grant_type'), {}, 'refused provider_refused grant'],
  [401, error('Unauthorized'), {}, 'refused provider_refused grant'],
  [400, '{"message":"no"}', {}, 'refused provider_refused grant'],
  [404, error('realm_not_found'), {}, 'refused provider_refused grant'],
  [403, '<h1>No</h1>', PAGE, 'refused provider_refused grant'],
  [400, '<h1>No</h1>', PAGE, 'unchanged provider_unavailable provider'],
  [404, '<h1>No</h1>', PAGE, 'unchanged provider_unavailable provider'],
  [408, '', {}, 'unchanged provider_unavailable provider'],
  [429, error('invalid_grant'), {}, 'unchanged provider_unavailable provider'],
  [400, error('temporarily_unavailable'), {}, 'unchanged provider_unavailable provider'],
  [200, error('server_error'), {}, 'unchanged provider_unavailable provider'],
  [500, error('invalid_grant'), {}, 'unknown provider_unavailable provider'],
  [302, '', { location: '/' }, 'unknown provider_answer_invalid provider'],
  [200, '<h1>Wi-Fi</h1>', PAGE, 'unknown provider_answer_invalid provider'],
  [200, '{"access_token":1}', {}, 'unknown provider_answer_invalid grant'],
])('a refresh answered with %s %s %o is %s', async (status, body, headers, expected) => {
  expect((await failureFor('refresh', status, body, headers)).outcome).toBe(expected)
})

test.each([
  ['invalid_grant', 'over provider_refused grant'],
  ['interaction_required', 'refused provider_sign_in_required grant'],
  ['consent_required', 'refused provider_sign_in_required grant'],
  ['invalid_target', 'refused provider_refused grant'],
  ['some_spelling_of_its_own', 'refused provider_refused grant'],
])('an exchange refused with %s is %s', async (code, expected) => {
  expect((await failureFor('exchange', 400, error(code))).outcome).toBe(expected)
})

test.each([
  ['30', 30_000],
  ['1.5', 1000],
  ['-5', null],
  ['1e300', 315_360_000_000],
  ['soon', null],
  ['Fri, 31 Dec 1999 23:59:59 GMT', 0],
  ['Sun, 29 Nov 2026 12:00:45 GMT', 45_000],
  ['Sunday, 29-Nov-26 12:00:45 GMT', 45_000],
  ['Sun Nov 29 12:00:45 2026', 45_000],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 315_360_000_000],
  ['Sun, 29 Nov 2026 12:00:45', null],
  ['Tue, 31 Feb 2026 12:00:00 GMT', null],
  ['', null],
])('Retry-After: %s is read as %s ms', async (value, expected) => {
  expect((await failureFor('refresh', 429, '', { 'retry-after': value })).retryAfterMs).toBe(expected)
})

test('RFC 9110 §10.2.3 a date in Retry-After is compared with the clock of its sender', async () => {
  const headers = { 'retry-after': 'Sun, 29 Nov 2026 15:00:20 GMT', date: 'Sun, 29 Nov 2026 15:00:00 GMT' }
  expect((await failureFor('refresh', 503, '', headers)).retryAfterMs).toBe(20_000)
})
