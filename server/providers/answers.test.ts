import { describe, expect, test } from 'vitest'
import { conforming, REFRESHED_ID_TOKEN } from './answers.ts'

interface Given {
  status?: number
  body: string
  type?: string
  headers?: Record<string, string>
}

async function through(
  { status = 200, body, type = 'application/json', headers = {} }: Given,
  form: Record<string, string> | null = { grant_type: 'authorization_code' },
) {
  const fetch = conforming(async () => new Response(body, { status, headers: { 'content-type': type, ...headers } }))
  const answer = await fetch('https://main.example/token', {
    method: 'POST',
    headers: {},
    ...(form === null ? {} : { body: new URLSearchParams(form) }),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, body: (): unknown => JSON.parse(text) }
}
const bodyOf = async (members: unknown, form?: Record<string, string>) =>
  (await through({ body: JSON.stringify(members) }, form)).body()
const jwt = (claims: unknown) =>
  ['eyJhbGciOiJSUzI1NiJ9', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'signature'].join('.')
const GRANT = { access_token: 'a', token_type: 'Bearer' }

test('null members count as absent in any response', async () => {
  expect(await bodyOf({ ...GRANT, scope: null, refresh_token: null, id_token: null, expires_in: null })).toEqual(GRANT)
  expect(await bodyOf({ sub: 'ada', email: null, groups: ['a', null], address: { country: null } })).toEqual({
    sub: 'ada',
    groups: ['a'],
    address: { country: null },
  })
  expect(await bodyOf({ issuer: 'https://main.example', revocation_endpoint: null, scopes_supported: null })).toEqual({
    issuer: 'https://main.example',
  })
  expect(await bodyOf({ request_uri: 'urn:x', expires_in: null })).toEqual({ request_uri: 'urn:x', expires_in: 60 })
  expect(await bodyOf({ ...GRANT, scope: '', refresh_token: '', token_type: null })).toEqual({
    access_token: 'a',
    token_type: 'Bearer',
  })
})

test.each([
  [300, 300],
  ['300', 300],
  [299.9, 299],
  [1e300, 315_360_000],
  ['1e999', 315_360_000],
  [0, undefined],
  [-5, undefined],
  ['soon', undefined],
  ['NaN', undefined],
  [{}, undefined],
  [true, undefined],
])('an expires_in of %o is read as %o seconds', async (given, expected) => {
  expect(await bodyOf({ ...GRANT, expires_in: given })).toEqual({
    ...GRANT,
    ...(expected === undefined ? {} : { expires_in: expected }),
  })
})

describe('an error is recognised however it is written', () => {
  test.each<[string, Given, number, string]>([
    [
      'under status 200, as GitHub',
      { body: '{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}' },
      400,
      'bad_refresh_token',
    ],
    [
      'as a form',
      {
        body: 'error=bad_verification_code&error_uri=https%3A%2F%2Fdocs.example',
        type: 'application/x-www-form-urlencoded',
      },
      400,
      'bad_verification_code',
    ],
    [
      'as a form under 400 that calls itself text',
      { status: 400, body: 'error=invalid_grant', type: 'text/plain' },
      400,
      'invalid_grant',
    ],
    [
      'in a group, as Google',
      { status: 401, body: '{"error":{"code":401,"message":"Bad","status":"UNAUTHENTICATED"}}' },
      401,
      'UNAUTHENTICATED',
    ],
    [
      'by another name',
      { status: 400, body: '{"errorCode":"E0000011","errorSummary":"Invalid token"}' },
      400,
      'E0000011',
    ],
    [
      'as text that is no JSON to go by',
      { status: 400, body: '{"error":"invalid_grant"}', type: 'text/html' },
      400,
      'invalid_grant',
    ],
  ])('%s', async (_title, given, status, error) => {
    const answer = await through(given)
    expect(answer.status).toBe(status)
    expect(answer.body()).toMatchObject({ error })
    expect(answer.headers.get('content-type')).toBe('application/json')
  })

  test('a challenge next to a body is ignored at the token endpoint, and kept for resources', async () => {
    const given = {
      status: 401,
      body: '{"error":"invalid_client"}',
      headers: { 'www-authenticate': 'Basic realm="x"' },
    }
    expect((await through(given)).headers.get('www-authenticate')).toBeNull()
    expect((await through(given, null)).headers.get('www-authenticate')).toBe('Basic realm="x"')
  })

  test('members with our internal names are dropped', async () => {
    expect(await bodyOf({ sub: 'ada', code: 'E1', errorCode: '0' })).toEqual({ sub: 'ada', code: 'E1', errorCode: '0' })
  })
})

test('the ID token of a refresh is set aside; that of a sign-in reaches the library without nulls, and us as signed', async () => {
  for (const idToken of ['odd', 5, { a: 1 }]) {
    expect(
      await bodyOf({ ...GRANT, id_token: idToken }, { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' }),
    ).toEqual({ ...GRANT, [REFRESHED_ID_TOKEN]: idToken })
    expect(await bodyOf({ ...GRANT, id_token: idToken }, { grant_type: 'refresh_token' })).toEqual({
      ...GRANT,
      [REFRESHED_ID_TOKEN]: idToken,
    })
  }
  const signed = jwt({ sub: 'ada', auth_time: null, azp: null })
  expect(await bodyOf({ ...GRANT, id_token: signed })).toEqual({
    ...GRANT,
    id_token: jwt({ sub: 'ada' }),
    porchlight_signed_id_token: signed,
  })
  expect(await bodyOf({ ...GRANT, id_token: jwt({ sub: 'ada' }) })).toEqual({ ...GRANT, id_token: jwt({ sub: 'ada' }) })
})

test.each<[string, Given]>([
  ['a page', { body: '<h1>error=1</h1>', type: 'text/html' }],
  ['a list', { body: '[{"email":"a@b.example"}]' }],
  ['broken JSON', { body: '{"access_token":' }],
  ['a signed answer', { body: 'a.b.c', type: 'application/jwt; charset=utf-8' }],
  ['trouble', { status: 503, body: '{"error":"invalid_grant"}' }],
  ['a redirect', { status: 307, body: '{"error":"x"}', headers: { location: '/' } }],
])('%s passes unchanged', async (_title, given) => {
  expect(await through(given)).toMatchObject({ status: given.status ?? 200, text: given.body })
})
