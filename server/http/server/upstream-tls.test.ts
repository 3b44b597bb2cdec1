import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureVersion, TLSSocket } from 'node:tls'
import { afterEach, beforeAll, expect, test } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { PUBLIC_URL, SIGNED_IN, startApp } from '../../../tests/support/app.ts'
import { type Authority, type Issued, makeAuthority } from '../../../tests/support/authority.ts'
import { systemClock } from '../../base/clock.ts'
import { Secret } from '../../base/secret.ts'
import { OWN_SITE } from '../../config/site-settings.ts'
import type { Upstream, UpstreamTls } from '../../config/upstream-config.ts'
import { examineUpstreams } from '../../ops/upstream-doctor.ts'
import { createReachability } from '../../relay/reachability.ts'
import { testRelay, testUpstream } from '../../relay/relay.testing.ts'

// Real TLS servers with certificates of a CA that only this file knows.

let ours: Authority
let foreign: Authority
let server: Issued
let client: Issued
let stranger: Issued
beforeAll(async () => {
  ours = await makeAuthority('a CA of our own')
  foreign = await makeAuthority('another CA')
  server = await ours.issue('127.0.0.1')
  client = await ours.issue('porchlight')
  stranger = await foreign.issue('porchlight')
})

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** An upstream that says which client certificate it saw. */
async function listen(options: ServerOptions): Promise<{ origin: string; seen: string[] }> {
  const seen: string[] = []
  const sockets = new WebSocketServer({ noServer: true })
  const subjectOf = ({ socket }: IncomingMessage) => (socket as TLSSocket).getPeerX509Certificate()?.subject ?? 'nobody'
  const https = createServer(options, (incoming, outgoing) => {
    seen.push(`${incoming.httpVersion} ${subjectOf(incoming)}`)
    outgoing.end(subjectOf(incoming))
  })
  https.on('upgrade', (incoming, socket, head) => {
    seen.push(`upgrade ${subjectOf(incoming)}`)
    sockets.handleUpgrade(incoming, socket, head, joined => joined.on('message', data => joined.send(data)))
  })
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  closing.push(() => {
    https.closeAllConnections()
    https.close()
  })
  return { origin: `https://127.0.0.1:${(https.address() as AddressInfo).port}`, seen }
}

/** Requires a client certificate of our CA. */
const mutual = (version: SecureVersion): ServerOptions => ({
  ...server,
  ca: ours.pem,
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: version,
  maxVersion: version,
})

const tls = (ca: string | null, identity: Issued | null = null): UpstreamTls => ({
  ca,
  client: identity === null ? null : { cert: identity.cert, key: new Secret(identity.key) },
  keyFile: null,
})

async function start(upstream: Upstream) {
  const relay = testRelay([upstream])
  const app = await startApp({ relay })
  closing.push(() => relay.close(), app.close)
  const open = () =>
    new WebSocket(`ws://127.0.0.1:${app.port}/api/notes/live`, {
      headers: { host: 'porch.example', cookie: SIGNED_IN, origin: PUBLIC_URL },
    })
  return {
    call: (path = '/api/notes/x') => app.ask(path, { headers: { cookie: SIGNED_IN } }),
    log: app.log,
    async echo() {
      const socket = open()
      await once(socket, 'open')
      socket.send('hello')
      const [answer] = (await once(socket, 'message')) as [Buffer]
      socket.terminate()
      return answer.toString()
    },
    async refusedUpgrade() {
      const [, response] = (await once(open(), 'unexpected-response')) as [unknown, IncomingMessage]
      response.resume()
      return response.statusCode
    },
  }
}

const found = async (upstream: Upstream) =>
  (await examineUpstreams({ upstreams: [upstream], site: OWN_SITE }, systemClock)).map(
    ({ state, what, advice }) => `${state}: ${what}${advice === null ? '' : ` → ${advice}`}`,
  )
const isReachable = (upstream: Upstream) => createReachability(systemClock)(upstream)

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'RFC 8446 §4.4.2 an upstream of a private CA that requires a client certificate gets ours, over HTTP and WebSocket, with %s',
  async version => {
    const { origin, seen } = await listen(mutual(version))
    const upstream = { ...testUpstream(origin, { websocket: true }), tls: tls(ours.pem, client) }
    const { call, echo } = await start(upstream)
    expect(await Promise.all([call(), call()])).toMatchObject(
      [200, 200].map(status => ({ status, body: 'CN=porchlight' })),
    )
    expect(await echo()).toBe('hello')
    expect(new Set(seen)).toEqual(new Set(['1.1 CN=porchlight', 'upgrade CN=porchlight']))
    expect(await isReachable(upstream)).toBe(true)
    expect(await found(upstream)).toEqual(['ok: Upstream "notes" has a trusted certificate'])
  },
)

test('the certificate is compared with the target, also where Host names this site', async () => {
  const named = await ours.issue('orders', { dns: ['localhost'], ips: [] })
  const { origin } = await listen(named)
  const upstream = { ...testUpstream(origin.replace('127.0.0.1', 'localhost'), { host: 'public' }), tls: tls(ours.pem) }
  expect((await (await start(upstream)).call()).status).toBe(200)
})

const missing: [string, () => Issued | null][] = [
  ['none', () => null],
  ['one of another CA', () => stranger],
]
test.each(
  missing.flatMap(([what, which]) => (['TLSv1.2', 'TLSv1.3'] as const).map(version => ({ what, which, version }))),
)(
  'an upstream that requires a client certificate and gets $what ($version): 502 with a code, the reason in the log, and no request arrives',
  async ({ which, version }) => {
    const { origin, seen } = await listen(mutual(version))
    const upstream = { ...testUpstream(origin, { websocket: true }), tls: tls(ours.pem, which()) }
    const { call, refusedUpgrade, log } = await start(upstream)
    const answer = await call()
    expect([answer.status, answer.json()]).toMatchObject([
      502,
      { code: expect.stringMatching(/^upstream_(tls_failed|unreachable)$/) },
    ])
    expect(await refusedUpgrade()).toBe(502)
    expect(seen).toEqual([])
    expect(log.lines.filter(line => line['event'] === 'request_failed')).toHaveLength(2)
    expect((await found(upstream)).join()).toMatch(/^fail: Upstream "notes" refused the TLS connection/)
  },
)

const untrusted: [string, () => Promise<Issued> | Issued, () => UpstreamTls | null, string, RegExp][] = [
  ['of a private CA, with no tls set', () => server, () => null, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', /set tls\.ca/],
  ['of another CA than tls.ca', () => server, () => tls(foreign.pem), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', /Another CA/],
  [
    'that has expired',
    () => ours.issue('x', { validMs: -60_000 }),
    () => tls(ours.pem),
    'CERT_HAS_EXPIRED',
    /Renew it/,
  ],
  [
    'for another name',
    () => ours.issue('x', { ips: [], dns: ['other.example'] }),
    () => tls(ours.pem),
    'ERR_TLS_CERT_ALTNAME_INVALID',
    /in target/,
  ],
]
test.each(untrusted)(
  'ASVS 12.3.2 an upstream with a certificate %s gets no request: 502 upstream_tls_failed, and the reason in the log',
  async (_what, shown, how, code, advice) => {
    const { origin, seen } = await listen(await shown())
    const upstream = { ...testUpstream(origin, { websocket: true }), tls: how() }
    const { call, refusedUpgrade, log } = await start(upstream)
    const answer = await call()
    expect([answer.status, answer.json()]).toMatchObject([502, { code: 'upstream_tls_failed' }])
    expect(answer.body).not.toContain(code)
    expect(await refusedUpgrade()).toBe(502)
    expect(seen).toEqual([])
    const failures = log.lines.filter(line => line['event'] === 'request_failed')
    expect(failures.map(line => [line['code'], (line['error'] as NodeJS.ErrnoException).code])).toEqual([
      ['upstream_tls_failed', code],
      ['upstream_tls_failed', code],
    ])
    expect(await isReachable(upstream)).toBe(false)
    const [finding] = await found(upstream)
    expect(finding).toMatch(/^fail: The certificate of upstream "notes"/)
    expect(finding).toMatch(advice)
  },
)

test('the doctor says that a client certificate has ended or soon will, and that nothing listens', async () => {
  const upstream = async (validMs: number) => ({
    ...testUpstream('https://127.0.0.1:1'),
    tls: tls(ours.pem, await ours.issue('porchlight', { validMs })),
  })
  const gone = expect.stringContaining('warn: Upstream "notes" cannot be reached at https://127.0.0.1:1 (ECONNREFUSED)')
  expect(await found(await upstream(30 * 86_400_000))).toEqual([gone])
  expect(await found(await upstream(86_400_000))).toEqual([
    expect.stringMatching(/^warn: The client certificate .* expires on/),
    gone,
  ])
  expect(await found(await upstream(-60_000))).toEqual([
    expect.stringMatching(/^fail: The client certificate .* expired on/),
    gone,
  ])
})
