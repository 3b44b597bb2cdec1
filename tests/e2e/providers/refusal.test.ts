import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Visitor } from '../../support/client.ts'
import { json } from '../../support/hostile-provider.ts'
import { arriveFrom, type HostileStage, hostileStage, somebodyAt } from '../../support/hostile-stage.ts'
import { type RefreshStage, refreshStage } from '../../support/refresh-stage.ts'
import { sleep, stopAll } from '../../support/server.ts'

// A provider that answers, and says no: what people are told, what ends, and whom it keeps from their work.
type Endpoint = (request: IncomingMessage, response: ServerResponse) => void
const says =
  (status: number, body: unknown, headers: Record<string, string> = {}): Endpoint =>
  (_, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    json(response, status, body)
  }
const form =
  (status: number, body: string): Endpoint =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/x-www-form-urlencoded' }).end(body)
const page =
  (status: number): Endpoint =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>No</h1>')

/** The grant is over: only a new sign-in helps. */
const OVER: [string, Endpoint][] = [
  ['400 invalid_grant', says(400, { error: 'invalid_grant' })],
  ['400 interaction_required', says(400, { error: 'interaction_required', error_description: 'AADSTS50076' })],
  ['400 login_required', says(400, { error: 'login_required' })],
  ['400 consent_required', says(400, { error: 'consent_required' })],
  [
    '200 bad_refresh_token, as GitHub',
    says(200, { error: 'bad_refresh_token', error_description: 'The refresh token passed is incorrect or expired.' }),
  ],
  [
    '200 bad_refresh_token in a form',
    form(200, 'error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect'),
  ],
  [
    '401 invalid_token beside a challenge',
    says(401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' }),
  ],
  [
    '401 invalid_token in a challenge alone',
    (_, response) => response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end(),
  ],
  ['403 token_revoked', says(403, { error: 'token_revoked' })],
]
/** It refuses, and does not say that the grant is over. */
const REFUSED: [string, Endpoint][] = [
  [
    '401 invalid_client beside a challenge',
    says(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="x"' }),
  ],
  ['400 unauthorized_client', says(400, { error: 'unauthorized_client' })],
  ['401 in HTML', page(401)],
  ['403 in HTML', page(403)],
  ['403 without a body', (_, response) => response.writeHead(403).end()],
  ['400 in words of its own', says(400, { message: 'Refresh token expired' })],
  ['401 in words of its framework', says(401, { status: 401, error: 'Unauthorized', path: '/token' })],
]

let stage: RefreshStage
let others: HostileStage
beforeAll(async () => {
  ;[stage, others] = await Promise.all([refreshStage(OVER.length + REFUSED.length), hostileStage()])
})
afterAll(async () => {
  await Promise.all([stage?.stop(), others?.stop()])
  await stopAll()
})

describe.concurrent('BBA-21 a refusal leaves nobody stuck', () => {
  test.each(OVER)('%s: the session is over, and says so', async (_title, endpoint) => {
    const { browser, call, reached, atToken } = await stage.arrived()
    atToken(endpoint)
    expect([(await call()).status, reached()]).toEqual([401, 0])
    expect(await browser.session()).toEqual({ user: null, session: null, ended: 'provider_revoked' })
  })

  test.each(REFUSED)(
    '%s: the call says where to sign in again, at once and later, and nothing ends',
    async (_title, endpoint) => {
      const { as, browser, call, reached, atToken, refreshes, untilItWorks } = await stage.arrived()
      atToken(endpoint)
      for (let i = 0; i < 3; i++) {
        const answer = await call()
        expect([answer.status, answer.json()]).toMatchObject([401, { code: 'provider_sign_in_required', provider: as }])
      }
      expect(reached()).toBe(0)
      expect((await browser.session()).user?.name).toBe('Vera Visitor')
      // Once the site is set up rightly there, it goes on with what it has.
      refreshes()
      await untilItWorks()
    },
  )
})

/** A token endpoint that does to each refresh token what `judge` says. */
function refreshing(judge: (refreshToken: string) => Endpoint | null): Endpoint {
  let made = 0
  return (request, response) => {
    let text = ''
    request
      .on('data', chunk => (text += String(chunk)))
      .on('end', () => {
        const shown = new URLSearchParams(text).get('refresh_token') ?? ''
        const answer =
          judge(shown) ??
          says(200, { access_token: `fresh-${++made}`, token_type: 'Bearer', expires_in: 1, refresh_token: shown })
        answer(request, response)
      })
  }
}

test.each<[string, Endpoint]>([
  ['a refusal', says(400, { error: 'interaction_required' })],
  ['a refusal that ends nothing', says(401, { error: 'invalid_client' })],
  ['an answer about somebody else', says(200, { access_token: 1, token_type: 'Bearer' })],
  ['trouble with one person alone', says(500, { error: 'server_error' })],
  [
    'a limit for one person alone',
    (_, response) => response.writeHead(429, { 'retry-after': '30', 'content-type': 'application/json' }).end('{}'),
  ],
])("%s is one person's: 48 honest calls beside it are served", async (_title, endpoint) => {
  const { hostile, server } = others
  const refreshTokenOf = async (): Promise<[Visitor, string]> => {
    let given = ''
    somebodyAt(hostile)
    hostile.change = {
      tokens: answer => {
        answer['expires_in'] = 1
        given = String(answer['refresh_token'])
      },
    }
    return [await arriveFrom(hostile, server.origin), given]
  }
  const [unlucky, theirs] = await refreshTokenOf()
  const honest = [await refreshTokenOf(), await refreshTokenOf(), await refreshTokenOf()]
  hostile.change = { instead: { '/token': refreshing(shown => (shown === theirs ? endpoint : null)) } }
  const statuses: number[] = []
  for (let round = 0; round < 4; round++) {
    await sleep(1000)
    for (let i = 0; i < 4; i++) {
      await unlucky.get('/api/orders/1')
      statuses.push(
        ...(await Promise.all(honest.map(([browser]) => browser.get('/api/orders/1')))).map(({ status }) => status),
      )
    }
  }
  expect(statuses).toEqual(Array.from({ length: 48 }, () => 200))
  hostile.change = {}
})
