import { expect, test } from 'vitest'
import { Secret } from '../base/secret.ts'
import { DAY, HOUR, MINUTE, systemClock } from '../base/clock.ts'
import { OWN_SITE, toSite } from '../config/site-settings.ts'
import { toUpstream } from '../config/upstream-settings.ts'
import { judgeAddress, judgeAnswer, judgeClock, judgeMetrics, judgeTestSignIn } from './doctor.ts'
import type { Finding } from './finding.ts'
import { examineUpstreams } from './upstream-doctor.ts'

const wrong = (findings: Finding[]) =>
  findings
    .filter(one => one.state !== 'ok')
    .map(one => `${one.state}: ${one.what}`)
    .join('\n')
const site = {
  publicUrl: 'https://example.org',
  loopback: false,
  secureCookies: true,
  trustedProxies: ['10.0.0.1'],
  hosts: ['0.0.0.0'],
}

test('an https site behind a trusted proxy passes', () => {
  expect(wrong(judgeAddress(site))).toBe('')
})

test('plain http is fine on this machine, and a danger elsewhere', () => {
  expect(wrong(judgeAddress({ ...site, secureCookies: false, loopback: true }))).toMatch(/^warn: .*on this machine/)
  expect(wrong(judgeAddress({ ...site, secureCookies: false }))).toMatch(/^warn: .*anyone on the network/)
})

test('a public site without trusted proxies, or one that trusts everyone, gets a warning', () => {
  expect(wrong(judgeAddress({ ...site, trustedProxies: [] }))).toMatch(/No trusted proxies/)
  expect(wrong(judgeAddress({ ...site, trustedProxies: ['::/0'] }))).toMatch(/anyone can forge/)
  for (const wide of ['0.0.0.0/1', '128.0.0.0/1', '192.0.0.0/7', '::/1', '2000::/3'])
    expect(wrong(judgeAddress({ ...site, trustedProxies: [wide] })), wide).toMatch(/anyone can forge/)
  for (const inner of ['10.0.0.0/8', '172.16.0.0/12', 'fc00::/7', 'fe80::/10', '2001:db8::/32', '127.0.0.1'])
    expect(wrong(judgeAddress({ ...site, trustedProxies: [inner] })), inner).toBe('')
})

test('a site that only listens on a unix socket needs no trusted proxies', () => {
  expect(wrong(judgeAddress({ ...site, trustedProxies: [], hosts: [] }))).toBe('')
})

test('metrics that others can read get a warning', () => {
  expect(judgeMetrics({ metrics: null })).toEqual([])
  for (const host of ['127.0.0.1', '127.0.0.2', '::1'])
    expect(judgeMetrics({ metrics: { host, port: 9464 } })).toEqual([])
  expect(wrong(judgeMetrics({ metrics: { host: '0.0.0.0', port: 9464 } }))).toMatch(
    /^warn: Anyone who can reach 0\.0\.0\.0, port 9464/,
  )
})

test("the way in of an app's tests is named while it is open, without its secret", () => {
  expect(judgeTestSignIn({ testSignIn: null })).toEqual([])
  const found = judgeTestSignIn({ testSignIn: new Secret('a-secret-that-only-tests-know') })
  expect(wrong(found)).toMatch(/^warn: Test sign-in is on/)
  expect(JSON.stringify(found)).not.toContain('a-secret')
})

test('mistakes of a proxy are named', () => {
  const good = { 'cache-control': 'private, no-store', 'strict-transport-security': 'max-age=31536000' }
  const answer = (status: number, headers: Record<string, string> = good) =>
    wrong(judgeAnswer(site, { status, headers: new Headers(headers) }))
  expect(answer(200)).toBe('')
  expect(answer(421)).toMatch(/does not forward the Host/)
  expect(answer(502)).toMatch(/answers 502, not the site/)
  expect(answer(200, { 'cache-control': good['cache-control'] })).toMatch(/removes Strict-Transport-Security/)
  expect(answer(200, { ...good, 'cache-control': 'public' })).toMatch(/changes Cache-Control/)
})

test('a clock behind the latest time in the database fails', () => {
  const now = Date.UTC(2026, 10, 23)
  expect(wrong(judgeClock(now, null))).toBe('')
  expect(wrong(judgeClock(now, now + 5 * MINUTE))).toBe('')
  expect(wrong(judgeClock(now, now + 6 * MINUTE))).toMatch(/^fail: .*6 minutes/)
  expect(wrong(judgeClock(now, now - 401 * DAY))).toMatch(/^warn/)
})

test('an upstream or front end on another machine without TLS gets a warning that names it', async () => {
  const upstreams = [
    toUpstream({ name: 'here', target: 'http://127.0.0.1:8000' }, HOUR),
    toUpstream({ name: 'orders', target: 'http://10.0.0.5:8000/v1' }, HOUR),
  ]
  const site = toSite({ upstream: 'http://front.internal' }, '/', 'https://example.org', HOUR)
  const found = await examineUpstreams({ upstreams, site }, systemClock)
  expect(wrong(found)).toMatch(
    /^warn: Upstream "orders" .*plain http at http:\/\/10\.0\.0\.5:8000, .*\nwarn: Upstream "front end" /,
  )
  expect(await examineUpstreams({ upstreams: upstreams.slice(0, 1), site: OWN_SITE }, systemClock)).toEqual([])
})
