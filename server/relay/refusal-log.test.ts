import { expect, test } from 'vitest'
import { MINUTE } from '../base/clock.ts'
import { jsonLog, type Log } from '../base/log.ts'
import { createRefusalLog } from './refusal-log.ts'
import { testUpstream, ask, front, listen } from './relay.testing.ts'

const ORDERS = testUpstream('http://127.0.0.1:1', { name: 'orders', audience: 'https://orders.example.org' })

function world() {
  const time = { steady: 0 }
  const lines: Record<string, unknown>[] = []
  const log = { warn: (fields: Record<string, unknown>) => void lines.push(fields) } as unknown as Log
  const refused = createRefusalLog({ clock: { now: () => ({ wall: 0, steady: time.steady }) }, log })
  return {
    time,
    lines,
    refused: (challenge?: string | string[], token = 'the-token-that-was-sent') =>
      refused(ORDERS, { 'www-authenticate': challenge }, token),
  }
}

test.each([
  ['Bearer error="invalid_token", error_description="The audience is wrong"', 'invalid_token', 'The audience is wrong'],
  ['Bearer realm="api", error=invalid_token', 'invalid_token', undefined],
  ['Basic realm="x", Bearer error="insufficient_scope"', 'insufficient_scope', undefined],
  ['Bearer realm="api"', undefined, undefined],
  ['Bearer error="not closed', undefined, undefined],
])('RFC 6750 §3 what a challenge says is logged: %s', (challenge, error, why) => {
  const { refused, lines } = world()
  refused(challenge)
  expect(lines).toEqual([
    { event: 'upstream_refused_token', upstream: 'orders', audience: 'https://orders.example.org', error, why },
  ])
})

test('a 401 without a challenge is logged, too', () => {
  const { refused, lines } = world()
  refused()
  expect(lines).toMatchObject([{ event: 'upstream_refused_token', error: undefined }])
})

test('no token, address or endless text of a refusal gets into the log', () => {
  const { refused, lines } = world()
  const token = `eyJhbGciOiJFUzI1NiJ9.${'a1B2'.repeat(20)}.${'c3D4'.repeat(20)}`
  refused(`Bearer error="invalid_token", error_description="bad ${token} of ada@example.org ${'long '.repeat(500)}"`)
  const said = JSON.stringify(lines)
  expect(said).not.toContain('a1B2a1B2')
  expect(said).not.toContain('ada@')
  expect(said.length).toBeLessThan(500)
})

test.each([
  ['8f14e45f-ceea-467f-a83c-01d2e9b1f3aa', '8f14e45f-ceea-467f-a83c-01d2e9b1f3aa'],
  ['0123456789abcdef0123456789abcdef', '89abcdef0123'],
  ['short-token', 'short-token'],
])('ASVS 16.2.5 a token that a provider issued is not logged, whatever it looks like: %s', (token, quoted) => {
  const { refused, lines } = world()
  refused(`Bearer error="invalid_token", error_description="unknown token ${quoted}"`, token)
  expect(lines).toMatchObject([{ why: 'unknown token [secret]' }])
})

test('a challenge of 60 KB is read in no time', () => {
  const { refused } = world()
  const started = performance.now()
  refused(`Bearer error=${' '.repeat(60_000)}"x"y`)
  expect(performance.now() - started).toBeLessThan(500)
})

test('an upstream that refuses everything is logged once a minute', () => {
  const { refused, lines, time } = world()
  for (let i = 0; i < 100; i++) refused('Bearer error="invalid_token"')
  expect(lines).toHaveLength(1)
  time.steady += MINUTE
  refused('Bearer error="invalid_token"')
  expect(lines).toHaveLength(2)
})

test('a call through the relay whose token is refused leaves the reason in the log, and the browser its 401', async () => {
  const upstream = await listen((_incoming, outgoing) => {
    outgoing.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token", error_description="wrong issuer"' })
    outgoing.end()
  })
  const lines: string[] = []
  const log = jsonLog('warn', { write: line => void lines.push(line) })
  const site = await front([testUpstream(upstream.origin)], undefined, undefined, log)
  expect((await ask(site.origin, '/api/notes')).status).toBe(401)
  expect(lines.join('')).toMatch(/"upstream_refused_token".*"error":"invalid_token","why":"wrong issuer"/)
  await Promise.all([site.close(), upstream.close()])
})

test('a token that had only expired, and is accepted once renewed, leaves nothing in the log', async () => {
  const upstream = await listen((incoming, outgoing) => {
    const isFresh = incoming.headers.authorization?.startsWith('Bearer fresh')
    outgoing.writeHead(isFresh ? 200 : 401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
  })
  const lines: string[] = []
  const log = jsonLog('warn', { write: line => void lines.push(line) })
  const site = await front([testUpstream(upstream.origin)], undefined, undefined, log)
  expect((await ask(site.origin, '/api/notes')).status).toBe(200)
  expect(lines).toEqual([])
  // With a body it cannot be sent again, so this refusal is the answer.
  expect((await ask(site.origin, '/api/notes', { method: 'POST', send: 'x' })).status).toBe(401)
  expect(lines).toHaveLength(1)
  await Promise.all([site.close(), upstream.close()])
})
