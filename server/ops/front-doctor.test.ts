import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test, type TestContext } from 'vitest'
import { CONFIG, startApp } from '../../tests/support/app.ts'
import { systemClock } from '../base/clock.ts'
import { GOOD, startFront } from './front.testing.ts'
import { CHECK_HEADER, createFrontCheck } from './front-check.ts'
import { examineFront, judgeFailure } from './front-doctor.ts'

/** A server that trusts these proxies, behind one whose behaviour a test changes. */
async function stage({ onTestFinished }: TestContext, trustedProxies: string[], host = '127.0.0.1') {
  const check = createFrontCheck(systemClock)
  const front = await startFront(() => app.port, host)
  const publicUrl = `http://${host.includes(':') ? `[${host}]` : host}:${front.port}`
  const app = await startApp({
    config: { ...CONFIG, publicUrl, trustedProxies, proxyProtocol: false },
    frontCheck: check,
  })
  onTestFinished(async () => {
    await front.close()
    await app.close()
  })
  const deps = { begin: async () => check.begin(), seen: async () => check.seen() }
  const found = (more: Partial<typeof deps> = {}, url = publicUrl) =>
    examineFront({ publicUrl: url, trustedProxies, proxyProtocol: false }, systemClock, { ...deps, ...more })
  const wrong = async () =>
    (await found()).filter(({ state }) => state !== 'ok').map(({ what, advice }) => `${what} → ${advice}`)
  return { app, front, check, found, wrong }
}

// At once: the doctor waits to see whether a stream is held.
describe.concurrent('the doctor, through what stands in front', () => {
  test('finds nothing wrong with a proxy that does all as it should, whether it writes X-Forwarded-For or appends to it', async context => {
    const { expect } = context
    const { front, found, wrong } = await stage(context, ['127.0.0.1'])
    for (const forwardedFor of ['write', 'append'] as const) {
      front.behaviour = { ...GOOD, forwardedFor }
      expect(await wrong()).toEqual([])
    }
    expect((await found()).map(({ what }) => what)).toEqual([
      'Trusted proxy 127.0.0.1; it says that we come from 127.0.0.1',
      'A body of 2 MB gets through',
      'An event stream arrives without delay',
      'A WebSocket gets through',
    ])
  })

  test('names a proxy that is not trusted, and the setting that mends it', async context => {
    const { expect } = context
    const { wrong } = await stage(context, ['10.0.0.1'])
    expect(await wrong()).toEqual([
      expect.stringMatching(
        /\(127\.0\.0\.1\) is not among the trusted proxies.*PORCHLIGHT_TRUSTED_PROXIES=10\.0\.0\.1,127\.0\.0\.1$/,
      ),
    ])
  })

  test.for<[string, Partial<typeof GOOD>, RegExp]>([
    ['no X-Forwarded-For', { forwardedFor: 'none' }, /sends no X-Forwarded-For.*proxy_set_header X-Forwarded-For/],
    ['an X-Forwarded-For without addresses', { forwardedFor: 'nonsense' }, /something other than addresses/],
    ['no upgrade', { upgrades: false }, /does not forward WebSocket upgrades.*proxy_set_header Upgrade/],
    [
      'streams that are compressed, and held by that',
      { compresses: true },
      /buffers event streams.*compression of text\/event-stream/,
    ],
    [
      'another proxy before it that nobody named',
      { forwardedFor: 'two' },
      /Another proxy \(198\.18\.0\.7\).*PORCHLIGHT_TRUSTED_PROXIES=127\.0\.0\.1,198\.18\.0\.7/,
    ],
    ['held streams', { buffers: true }, /buffers event streams.*proxy_buffering off/],
    [
      'a limit of 1 MB',
      { mostBodyBytes: 1024 * 1024 },
      /2 MB does not get through: the proxy refuses it \(413\).*client_max_body_size/,
    ],
    ['the PROXY protocol, version 1', { preamble: 'PROXY TCP4 127.0.0.1 127.0.0.1 4000 80\r\n' }, /PROXY protocol/],
    [
      'the PROXY protocol, version 2',
      { preamble: '\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x0f\xa0\0\x50' },
      /PROXY protocol/,
    ],
    ['a sub-path', { prefix: '/porch' }, /\/auth\/doctor\/look arrived as \/porch\/auth\/doctor\/look/],
    ['another Host', { host: 'inner:8080' }, /does not forward the Host/],
  ])('sees %s', async ([, behaviour, expected], context) => {
    const { expect } = context
    const { front, wrong } = await stage(context, ['127.0.0.1'])
    front.behaviour = { ...GOOD, ...behaviour }
    expect(await wrong()).toEqual([expect.stringMatching(expected)])
  })

  test('sees a proxy that passes on what the client sent', async context => {
    const { expect } = context
    const { front, wrong } = await stage(context, ['127.0.0.1'])
    front.behaviour = { ...GOOD, forwardedFor: 'pass' }
    expect(await wrong()).toEqual([
      expect.stringMatching(/sends no X-Forwarded-For/),
      expect.stringMatching(/sent by the client/),
    ])
  })

  test('sees that another program has the address, and that nobody has it', async context => {
    const { expect } = context
    const { found } = await stage(context, [])
    const other = await startApp()
    expect(await found({}, `http://localhost:${other.port}`)).toEqual([
      expect.objectContaining({ state: 'fail', what: expect.stringMatching(/Host|did not arrive here/) as unknown }),
    ])
    await other.close()
    expect(await found({}, `http://127.0.0.1:${other.port}`)).toEqual([
      expect.objectContaining({
        state: 'fail',
        what: expect.stringMatching(/cannot be reached.*ECONNREFUSED/) as unknown,
      }),
    ])
  })

  test('names NODE_EXTRA_CA_CERTS for a CA that nobody knows, and nothing of the kind for other faults of a certificate', ({
    expect,
  }) => {
    const advice = (code: string) =>
      judgeFailure(
        { publicUrl: 'https://example.org', trustedProxies: [], proxyProtocol: false },
        Object.assign(new Error(), { code }),
      ).advice
    for (const code of [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_UNTRUSTED',
    ]) {
      expect(advice(code), code).toMatch(/NODE_EXTRA_CA_CERTS/)
    }
    for (const code of ['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ENOTFOUND'])
      expect(advice(code), code).not.toMatch(/NODE_EXTRA_CA_CERTS/)
  })
})

describe.concurrent('the doctor finds nothing wrong', () => {
  test('with another proxy before the one that is nearest, where both are trusted', async context => {
    const { front, wrong } = await stage(context, ['127.0.0.1', '198.18.0.7'])
    front.behaviour = { ...GOOD, forwardedFor: 'two' }
    context.expect(await wrong()).toEqual([])
  })

  test('with a site that is reached by IPv6', async context => {
    const { found } = await stage(context, ['127.0.0.1'], '::1')
    context.expect((await found()).map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  test('with a public name that this machine alone cannot reach: that is a warning', ({ expect }) => {
    const judged = (publicUrl: string, code: string) =>
      judgeFailure({ publicUrl, trustedProxies: [], proxyProtocol: false }, Object.assign(new Error(), { code })).state
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH'])
      expect(judged('https://porch.example', code), code).toBe('warn')
    expect(judged('http://localhost:3000', 'ECONNREFUSED'), 'nobody but this machine could').toBe('fail')
    expect(judged('https://porch.example', 'CERT_HAS_EXPIRED')).toBe('fail')
  })
})

describe.concurrent('a stranger', () => {
  test('who begins with the PROXY protocol while the doctor looks does not mislead it', async context => {
    const { expect } = context
    const { app, check, found } = await stage(context, ['127.0.0.1'])
    const stranger = connect(app.port, '127.0.0.1', () =>
      stranger.end('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n'),
    )
    const findings = await found({
      begin: async () => {
        const begun = check.begin()
        await once(stranger.resume(), 'close')
        return begun
      },
    })
    expect(check.seen().proxyProtocol).toMatchObject({ problem: 'unexpected' })
    expect(findings.filter(({ state }) => state !== 'ok')).toEqual([])
  })

  test("gets nothing at the doctor's paths, without a token or with one that is made up, old or used up", async context => {
    const { expect } = context
    const { app, front, check } = await stage(context, [])
    const ask = async (token: string | undefined, path: string) =>
      (
        await app.ask(path, {
          headers: { host: `127.0.0.1:${front.port}`, ...(token !== undefined && { [CHECK_HEADER]: token }) },
        })
      ).status
    for (const path of ['look', 'stream', 'body', 'socket']) {
      for (const token of [undefined, '', 'x', 'A'.repeat(32)])
        expect(await ask(token, `/auth/doctor/${path}`)).toBe(404)
    }
    const { token: old } = check.begin()
    const { token } = check.begin()
    expect([await ask(old, '/auth/doctor/look'), await ask(token, '/auth/doctor/look')]).toEqual([404, 200])
    for (let i = 0; i < 20; i++) await ask(token, '/auth/doctor/look')
    expect(await ask(token, '/auth/doctor/look')).toBe(404)
    expect(check.seen().sightings.length).toBeLessThanOrEqual(16)
  })

  test('a token is good for a minute', ({ expect }) => {
    const now = { wall: 0, steady: 0 }
    const timed = createFrontCheck({ now: () => now })
    const { token } = timed.begin()
    const sighting = {
      path: '/',
      upgrade: false,
      peer: { address: '', port: 0 },
      peerTrusted: false,
      forwardedFor: null,
      client: '',
    }
    now.steady = 60_000
    expect(timed.note(token, sighting)).toBe(true)
    now.steady = 60_001
    expect(timed.note(token, sighting)).toBe(false)
  })
})

describe.concurrent('a proxy that nobody named', () => {
  test('is logged once, and its clients are told apart without being believed', async context => {
    const { expect } = context
    const { app, front } = await stage(context, [])
    for (let i = 0; i < 3; i++)
      await app.ask('/auth/session', {
        headers: { host: `127.0.0.1:${front.port}`, 'x-forwarded-for': `203.0.113.${i}` },
      })
    const lines = app.log.lines.filter(line => JSON.stringify(line).includes('proxy_not_trusted'))
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).toMatch(/PORCHLIGHT_TRUSTED_PROXIES.*127\.0\.0\.1/)
  })
})
