import { once } from 'node:events'
import type { OutgoingHttpHeaders, RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificate } from '../../tests/support/terminator.ts'
import type { Upstream } from '../config/upstream-config.ts'
import { relayTo, relayToRaw } from './upstream.testing.ts'
import { testUpstream, ask, front, listen } from './relay.testing.ts'

const answering =
  (headers: OutgoingHttpHeaders, status = 200): RequestListener =>
  (_incoming, outgoing) =>
    void outgoing.writeHead(status, headers).end()
const saying = (answer: string) => (socket: Socket) => void socket.once('data', () => socket.end(answer, 'latin1'))
/** Relays one response, byte for byte. */
async function relayed(answer: string, changes: Partial<Upstream> = {}, options: Parameters<typeof ask>[2] = {}) {
  const { origin } = await relayToRaw(saying(answer), changes)
  return ask(origin, '/api/notes/x', options)
}

describe('cookies of an upstream', () => {
  test.each([
    '=porchlight-access=evil',
    ' =porchlight-access=evil',
    '= porchlight-access=evil',
    '==porchlight-access=evil',
    '=\tporchlight-access=evil',
    ' = = porchlight-access=evil; Path=/',
    'porchlight-access',
    '=porchlight-access',
    'porchlight-access =evil',
    '\tporchlight-access\t=evil',
    'PORCHLIGHT-ACCESS=evil',
    '=__Host-porchlight-access=evil',
    '__host-http-PORCHLIGHT-refresh=evil',
    '=__Secure-porchlight-access=evil',
    'porchlight-access;=evil',
    '=porchlight-access;evil',
  ])('HD-14 CK-11 cannot return as one of ours: Set-Cookie: %j', async cookie => {
    const answer = await relayed(
      `HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie:${cookie}\r\nset-cookie: x=1\r\n\r\n`,
      { cookies: true },
    )
    expect([answer.status, answer.headers['set-cookie']]).toEqual([200, ['x=1']])
  })

  test('HD-14 without a name pass if they cannot be taken for ours', async () => {
    const { origin } = await relayTo(answering({ 'set-cookie': ['=theme=dark', '=', 'a=b=c'] }), { cookies: true })
    expect((await ask(origin, '/api/notes')).headers['set-cookie']).toEqual(['=theme=dark', '=', 'a=b=c'])
  })

  test('BBA-16 a cookie of ours that a browser stored without a name does not reach an upstream', async () => {
    const { origin } = await relayTo((incoming, outgoing) => void outgoing.end(incoming.headers.cookie ?? 'none'), {
      cookies: true,
    })
    expect(
      (
        await ask(origin, '/api/notes', {
          headers: { Cookie: '=porchlight-access=secret; ==porchlight-refresh=secret; porchlight-access; a=1' },
        })
      ).body,
    ).toBe('a=1')
  })
})

describe('headers that do not fit their response', () => {
  test.each(['content-length: 5\r\n', 'transfer-encoding: chunked\r\n', 'content-length: 0\r\n'])(
    'RFC 9110 §8.6 a 204 announces no body: %j',
    async header => {
      const answer = await relayed(`HTTP/1.1 204 No Content\r\n${header}x-a: 1\r\n\r\n`)
      expect(answer).toMatchObject({ status: 204, complete: true, headers: { 'x-a': '1' } })
      expect(answer.headers).not.toHaveProperty('content-length')
      expect(answer.headers).not.toHaveProperty('transfer-encoding')
    },
  )

  test.each([
    ['with a length', '200 OK\r\ncontent-length: 2\r\n', 'ok', 'GET'],
    ['to HEAD', '200 OK\r\ncontent-length: 2\r\n', '', 'HEAD'],
    ['304', '304 Not Modified\r\n', '', 'GET'],
    ['204', '204 No Content\r\n', '', 'GET'],
    ['in chunks', '200 OK\r\ntransfer-encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n', 'GET'],
    ['until the end', '200 OK\r\n', 'ok', 'GET'],
  ])('a Trailer announced %s does not fail', async (_what, head, body, method) => {
    const answer = await relayed(
      `HTTP/1.1 ${head}Trailer: X-Sum\r\ntrailer: x-b\r\nx-kept: 1\r\n\r\n${body}`,
      {},
      { method },
    )
    expect(answer).toMatchObject({ status: Number(head.slice(0, 3)), complete: true, headers: { 'x-kept': '1' } })
    expect(answer.headers).not.toHaveProperty('trailer')
  })

  test.each(['_', '.'])(
    'RFC 9112 §6.1 framing and security headers pass with "-" only, not with %j instead, nor as trailers',
    async sign => {
      const names = [
        'Content-Length',
        'Transfer-Encoding',
        'Content-Encoding',
        'Set-Cookie',
        'Set-Cookie2',
        'Keep-Alive',
        'X-Accel-Redirect',
        'X-Sendfile',
        'Clear-Site-Data',
        'Access-Control-Allow-Origin',
        'Strict-Transport-Security',
        'Content-Security-Policy',
        'Www-Authenticate',
      ]
      const forged = names.map(name => `${name.replaceAll('-', sign)}: 999\r\n`).join('')
      const answer = await relayed(
        `HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx${sign}hop: 999\r\n${forged}x${sign}kept: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${forged}\r\n`,
      )
      expect(answer).toMatchObject({ status: 200, body: 'ok', complete: true, headers: { [`x${sign}kept`]: '1' } })
      expect([...answer.rawHeaders, ...Object.values(answer.trailers)]).not.toContain('999')
    },
  )

  test('bytes beyond ASCII, empty values and names of Object.prototype arrive unchanged', async () => {
    const answer = await relayed(
      'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-name: caf\xc3\xa9 \xff\r\nx-empty: \r\n__proto__: a\r\nconstructor: b\r\n7: c\r\nx-tab: a\tb\r\n\r\n',
    )
    expect(answer.status).toBe(200)
    const pairs = answer.rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, answer.rawHeaders[at + 1]]] : []))
    for (const pair of [
      ['x-name', 'caf\xc3\xa9 \xff'],
      ['x-empty', ''],
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['7', 'c'],
      ['x-tab', 'a\tb'],
    ])
      expect(pairs).toContainEqual(pair)
  })
})

describe('trailers', () => {
  test('HD-14 pass the same filter and cannot override what the headers decided', async () => {
    const never = [
      'Set-Cookie: porchlight-access=evil',
      'Set-Cookie: x=evil',
      'Clear-Site-Data: "evil"',
      'Content-Security-Policy: evil',
      'Location: //evil',
      'Link: <//evil>',
      'Access-Control-Allow-Origin: evil',
      'X-Accel-Redirect: /evil',
      'Refresh: 0;url=evil',
      'Cache-Control: evil',
      'Content-Type: evil/evil',
      'WWW-Authenticate: Basic realm=evil',
      'Strict-Transport-Security: evil',
      'X-Content-Type-Options: evil',
      'Trailer: evil',
      'X-Request-Id: evil',
    ]
    const answer = await relayed(
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${never.join('\r\n')}\r\nX-Sum: 42\r\nServer-Timing: db;dur=1\r\n\r\n`,
      { cookies: true },
    )
    expect(answer).toMatchObject({
      status: 200,
      body: 'ok',
      complete: true,
      trailers: { 'x-sum': '42', 'server-timing': 'db;dur=1' },
    })
    expect(Object.keys(answer.trailers)).toHaveLength(2)
  })
})

describe('authentication challenges', () => {
  test.each([
    ['Basic realm="x"', null],
    ['bAsIc', null],
    ['Digest realm="x", nonce="y", qop="auth,auth-int"', null],
    ['Negotiate', null],
    ['NTLM', null],
    ['NTLM TlRMTVNTUAACAAAA==', null],
    ['Kerberos', null],
    ['Basic  realm = "x"', null],
    ['Basic\trealm="x"', null],
    [', Basic realm="x"', null],
    ['Mutual realm="x"', null],
    ['Unheard-Of x=y', null],
    ['Bearer', 'Bearer'],
    ['bearer realm="x"', 'bearer realm="x"'],
    ['Bearer realm="a, Basic b", error="invalid_token"', 'Bearer realm="a, Basic b", error="invalid_token"'],
    ['Bearer realm="x", Basic realm="y", charset="UTF-8"', 'Bearer realm="x"'],
    ['Basic realm="y", charset="UTF-8", Bearer realm="x", error="e"', 'Bearer realm="x", error="e"'],
    ['Negotiate, NTLM, Bearer, Basic realm="z"', 'Bearer'],
    ['DPoP algs="ES256", Digest realm="a", nonce="b"', 'DPoP algs="ES256"'],
    ['Bearer realm="a\\", Basic realm=\\"b"', 'Bearer realm="a\\", Basic realm=\\"b"'],
    ['Bearer realm="without end, Basic realm="x"', null],
    ['Bearer realm="x" Basic realm="y"', null],
    ['Bearer Basic realm="y"', null],
    ['Bearer realm=https://x/y error="z"', 'Bearer realm=https://x/y error="z"'],
  ])('never make a browser ask for a password: %s → %s', async (given, expected) => {
    for (const status of [401, 403, 200]) {
      const { origin } = await relayTo(
        (incoming, outgoing) =>
          void outgoing.writeHead(status, { 'www-authenticate': given, 'proxy-authenticate': given }).end(),
      )
      const { headers } = await ask(origin, '/api/notes', { method: 'POST', send: 'body' })
      expect(headers['www-authenticate'] ?? null).toBe(expected)
      expect(headers).not.toHaveProperty('proxy-authenticate')
    }
  })

  test('that remain of several lines stay separate lines', async () => {
    const { origin } = await relayTo(
      answering(
        { 'www-authenticate': ['Negotiate', 'Bearer realm="a"', 'Basic realm="b"', 'DPoP'] as unknown as string },
        401,
      ),
    )
    const { rawHeaders } = await ask(origin, '/api/notes', { method: 'POST', send: 'body' })
    expect(rawHeaders.filter((_part, at) => rawHeaders[at - 1]?.toLowerCase() === 'www-authenticate')).toEqual([
      'Bearer realm="a"',
      'DPoP',
    ])
  })

  test('crafted to be slow to parse are parsed in linear time', async () => {
    const started = performance.now()
    for (const hard of [
      '"\\'.repeat(7000),
      'Bearer a='.repeat(1500),
      `Bearer a${' '.repeat(14_000)}b`,
      '<'.repeat(14_000),
      '<a>"'.repeat(3500),
    ]) {
      const { origin } = await relayTo(answering({ 'www-authenticate': hard, link: hard }, 200))
      expect((await ask(origin, '/api/notes', { maxHeaderSize: 65_536 })).status).toBe(200)
    }
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

test('HD-14 headers that outlive a response, address shared caches or open it to other origins are removed', async () => {
  const names = [
    'accept-ch',
    'critical-ch',
    'set-login',
    'set-cookie2',
    'use-as-dictionary',
    'timing-allow-origin',
    'expect-ct',
    'attribution-reporting-register-source',
    'sec-session-registration',
    'secure-session-registration',
    'cdn-cache-control',
    'cloudflare-cdn-cache-control',
    'surrogate-control',
    'x-sendfile2',
    'x-reproxy-url',
    'optional-www-authenticate',
    'x-accel-expires',
  ]
  const { origin } = await relayTo(answering(Object.fromEntries(names.map(name => [name, 'evil']))))
  expect((await ask(origin, '/api/notes')).rawHeaders.join(' ')).not.toContain('evil')
})

describe('references of an upstream', () => {
  /** The relayed header of a response to `/api/notes/dir/page?q=1`. */
  const part = (name: string, basePath: string, changes: Partial<Upstream> = {}) =>
    testUpstream('', { name, prefix: `/api/${name}`, target: { origin: '', basePath }, ...changes })

  async function told(
    name: string,
    value: string,
    changes: Partial<Upstream> = {},
    status = 302,
    others: Upstream[] = [],
  ) {
    const upstream = await listen((_incoming, outgoing) => {
      const host = upstream.origin.slice('http://'.length)
      outgoing
        .writeHead(status, { [name]: value.replaceAll('TARGET', host).replace('PORT', new URL(upstream.origin).port) })
        .end()
    })
    const at = (one: Upstream) => ({ ...one, target: { ...one.target, origin: upstream.origin } })
    const here = await front([testUpstream(upstream.origin, changes), ...others].map(at))
    onTestFinished(async () => {
      await here.close()
      await upstream.close()
    })
    const { headers } = await ask(here.origin, `${changes.prefix ?? '/api/notes'}/dir/page?q=1`)
    return headers[name]
  }
  const under = (basePath: string) => ({ target: { origin: '', basePath } })

  test.each([
    ['http://TARGET/list/', '/api/notes/list/'],
    ['https://TARGET/list/?a=b#c', '/api/notes/list/?a=b#c'],
    ['HTTPS://TARGET/x', '/api/notes/x'],
    ['//TARGET/x', '/api/notes/x'],
    ['http://localhost:PORT/x', '/api/notes/x'],
    ['http://[::1]:PORT/x', '/api/notes/x'],
    ['http://localhost.evil.test:PORT/x', undefined],
    ['https://site.test/list/', '/api/notes/list/'],
    ['http://site.test/list/', '/api/notes/list/'],
    ['https://site.test:443/x', '/api/notes/x'],
    ['https://site.test/api/notes/list/', '/api/notes/list/'],
    ['/api/notes/list/', '/api/notes/list/'],
    ['https://TARGET/api/notes/x', '/api/notes/x'],
    ['https://site.test/api/notesx', '/api/notes/api/notesx'],
    ['https://site.test/sign-in?returnTo=%2Fx', '/sign-in?returnTo=%2Fx'],
    ['https://site.test/account', '/account'],
    ['https://site.test/accounts/7', '/api/notes/accounts/7'],
    ['https://site.test', '/api/notes/'],
    ['?r=2', '/api/notes/dir/page?r=2'],
    ['', '/api/notes/dir/page?q=1'],
    ['#top', '/api/notes/dir/page?q=1#top'],
    ['https://site.test.evil.test/x', undefined],
    ['https://user@evil.test/x', undefined],
    ['https://site.test:8443/x', undefined],
    ['http://127.0.0.1:1/x', undefined],
    ['ftp://site.test/x', undefined],
    ['https://site.test//evil.test', '/api/notes//evil.test'],
    ['/\\evil.test', undefined],
    ['http://[', undefined],
  ])('Location %s comes back as %s, on 201 and redirects alike', async (given, expected) => {
    for (const status of [201, 301, 302, 303, 307, 308])
      expect(await told('location', given, {}, status)).toBe(expected)
    expect(await told('content-location', given, {}, 200)).toBe(expected)
  })

  test.each([
    ['/v1/list/', '/api/notes/list/'],
    ['https://site.test/v1/list/', '/api/notes/list/'],
    ['https://site.test/api/notes/v1/list/', '/api/notes/list/'],
    ['https://site.test/api/notes/list/', '/api/notes/list/'],
    ['/v1', '/api/notes'],
    ['/v10', undefined],
    ['/elsewhere', undefined],
    ['https://site.test/account', '/account'],
    ['https://site.test/other', undefined],
  ])('below a path of the target, %s is %s', async (given, expected) => {
    expect(await told('location', given, under('/v1'))).toBe(expected)
  })

  test('a resource with the same name as the prefix is not taken for the prefix', async () => {
    expect(await told('location', '/api/notes/7', under('/api'))).toBe('/api/notes/notes/7')
    expect(await told('location', '/dir/7', { prefix: '/dir' })).toBe('/dir/dir/7')
  })

  test('without stripping, the path is the public one already', async () => {
    expect(await told('location', 'https://TARGET/api/notes/x', { strip: false })).toBe('/api/notes/x')
    expect(await told('location', '/v1/api/notes/x', { strip: false, ...under('/v1') })).toBe('/api/notes/x')
  })

  test.each([
    ['/api/notesx', '/api/notesx'],
    ['/other?a=b#c', '/other?a=b#c'],
    ['https://TARGET/other', '/other'],
    ['//TARGET/other', '/other'],
    ['/sign-in?returnTo=%2Fapi%2Fnotes%2F', '/sign-in?returnTo=%2Fapi%2Fnotes%2F'],
    ['https://site.test/other', '/other'],
    ['//site.test/api/orders/7', '/api/orders/7'],
    ['https://site.test//evil.test', undefined],
    ['https://TARGET//evil.test', undefined],
    ['/.//evil.test', undefined],
    ['https://evil.test/other', undefined],
  ])('without stripping, %s within the public site becomes %s', async (given, expected) => {
    for (const name of ['location', 'content-location'])
      expect(await told(name, given, { strip: false })).toBe(expected)
    if (!given.includes('evil'))
      expect(await told('link', `<${given}>; rel=next`, { strip: false }, 200)).toBe(`<${expected}>; rel=next`)
  })

  test.each([
    ['/v1/7', '/api/notes/7'],
    ['/v2/7?x', '/api/orders/7?x'],
    ['https://TARGET/v2', '/api/orders'],
    ['/v2/old/7', '/api/old/7'],
    ['/v3/api/whole/7', '/api/whole/7'],
    ['/v20/7', undefined],
    ['/elsewhere', undefined],
    ['/sign-in', '/sign-in'],
    ['https://site.test/api/orders/7', '/api/orders/7'],
    ['https://site.test/v2/7', undefined],
  ])('parts of one application that are several upstreams lead to each other: %s is %s', async (given, expected) => {
    const others = [part('orders', '/v2'), part('old', '/v2/old'), part('whole', '/v3', { strip: false })]
    expect(await told('location', given, under('/v1'), 302, others)).toBe(expected)
  })

  test('a listed public origin is a valid destination', async () => {
    expect(await told('location', 'https://site.test/account', { redirectOrigins: ['https://site.test'] })).toBe(
      'https://site.test/account',
    )
  })

  test('bytes beyond ASCII are read as UTF-8, or escaped one by one', async () => {
    for (const [raw, expected] of [
      ['/caf\xc3\xa9/\xe4\xbd\xa0?q=\xc3\xa9', '/api/notes/caf%C3%A9/%E4%BD%A0?q=%C3%A9'],
      ['/caf\xe9', '/api/notes/caf%E9'],
      ['/a%C3%A9', '/api/notes/a%C3%A9'],
    ]) {
      const answer = await relayed(`HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ${raw}\r\n\r\n`)
      expect(answer.headers.location).toBe(expected)
    }
  })

  test.each([
    [
      '</list?page=2>; rel="next", <https://TARGET/list?page=9>; rel="last"',
      '</api/notes/list?page=2>; rel="next", </api/notes/list?page=9>; rel="last"',
    ],
    ['<https://site.test/list?page=2>; rel=next; title="a, <b>"', '</api/notes/list?page=2>; rel=next; title="a, <b>"'],
    ['<https://schema.test/a,b>; rel="describedby"', '<https://schema.test/a,b>; rel="describedby"'],
    ['<urn:x:y>; rel=type', '<urn:x:y>; rel=type'],
    ['<next>; rel="next"', '</api/notes/dir/next>; rel="next"'],
    ['nonsense', undefined],
    ['<unclosed; rel=next', undefined],
    ['</a>; title="unclosed', undefined],
  ])('Link: %s → %s', async (given, expected) => {
    expect(await told('link', given, {}, 200)).toBe(expected)
  })

  test('Refresh is dropped, wherever it leads', async () => {
    expect(await told('refresh', '0; url=/x', {}, 200)).toBeUndefined()
  })
})

describe('the prefix', () => {
  const echo: RequestListener = (incoming, outgoing) => void outgoing.end(JSON.stringify(incoming.headers))
  const prefixFor = async (changes: Partial<Upstream>, path = '/api/notes/x') =>
    (
      JSON.parse(
        (await ask((await relayTo(echo, changes)).origin, path, { headers: { 'X-Forwarded-Prefix': '/forged' } })).body,
      ) as Record<string, string>
    )['x-forwarded-prefix']

  test('is sent in X-Forwarded-Prefix if it was stripped, and otherwise not', async () => {
    expect(await prefixFor({})).toBe('/api/notes')
    expect(await prefixFor({ prefix: '/shop/orders' }, '/shop/orders/x')).toBe('/shop/orders')
    expect(await prefixFor({ strip: false })).toBeUndefined()
    expect(await prefixFor({ prefix: '' }, '/x')).toBeUndefined()
  })
})

describe('the Host header', () => {
  const echo: RequestListener = (incoming, outgoing) => void outgoing.end(String(incoming.headers.host))
  const hostFor = async (changes: Partial<Upstream>) =>
    (await ask((await relayTo(echo, changes)).origin, '/api/notes/x', { headers: { host: 'forged.test' } })).body

  test('names the upstream, or this site for a tool that compares it with Origin', async () => {
    expect(await hostFor({})).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(await hostFor({ host: 'public' })).toBe('site.test')
  })

  test('does not decide whose certificate is expected: that is the target', async () => {
    const names: string[] = []
    const { certificate, key } = await makeCertificate(['localhost'])
    const server = createTlsServer({
      cert: certificate,
      key,
      SNICallback: (name, done) => void (names.push(name), done(null)),
    })
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const target = { origin: `https://localhost:${(server.address() as AddressInfo).port}`, basePath: '' }
    const { origin } = await relayTo(echo, { host: 'public', target })
    await ask(origin, '/api/notes/x')
    expect(names).toContain('localhost')
    expect(names).not.toContain('site.test')
    server.close()
  })
})
