import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { request, type IncomingMessage, type RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { relayTo } from './upstream.testing.ts'
import { ANNA, testUpstream, ask, front, listen } from './relay.testing.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const echo: RequestListener = (incoming, outgoing) => {
  outgoing.writeHead(200, { 'content-type': 'application/json' })
  outgoing.end(
    JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.headers, raw: incoming.rawHeaders }),
  )
}

describe('what an upstream receives', () => {
  test("BBA-16 BBA-22 OA-13 CS-9 JW-20 JW-15 our cookies, a browser's Authorization and DPoP, and forged identity headers never arrive", async () => {
    const { origin } = await relayTo(echo)
    const { body } = await ask(origin, '/api/notes/list', {
      headers: {
        Cookie: '__Host-porchlight-access=secret; __Host-Http-porchlight-refresh=secret; theme=dark',
        Authorization: 'Bearer stolen',
        DPoP: 'x',
        Forwarded: 'for=1.2.3.4',
        'X-Forwarded-For': '1.2.3.4',
        'X-Forwarded-Proto': 'http',
        'X-Forwarded-Host': 'evil.test',
        'X-Forwarded-User': 'root',
        'X-Real-IP': '1.2.3.4',
        X_Forwarded_For: '1.2.3.4',
        X_Remote_User: 'root',
        'Remote-User': 'root',
        'X-User': 'root',
        'X-Auth-Request-Email': 'root@x',
        'X-Porchlight-User': 'root',
        'X-Request-Id': 'forged',
      },
    })
    const { headers, raw } = JSON.parse(body) as { headers: Record<string, string>; raw: string[] }
    expect(headers).toMatchObject({
      authorization: 'Bearer kept.notes.anna',
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'site.test',
      'x-request-id': 'r-1',
    })
    expect(raw.join(' ')).not.toMatch(/secret|stolen|1\.2\.3\.4|evil|root|forged|theme/)
  })

  test('headers listed in Connection are dropped, but it cannot remove ours', async () => {
    const { origin } = await relayTo(echo)
    const { body } = await ask(origin, '/api/notes', {
      headers: {
        Connection: 'close, X-Hop, authorization, x-forwarded-for',
        'X-Hop': '1',
        'X-Kept': '2',
        TE: 'trailers',
        'Proxy-Authorization': 'x',
      },
    })
    const { headers } = JSON.parse(body) as { headers: Record<string, string> }
    expect(headers).toMatchObject({
      'x-kept': '2',
      authorization: 'Bearer kept.notes.anna',
      'x-forwarded-for': '192.0.2.7',
    })
    for (const name of ['x-hop', 'te', 'proxy-authorization']) expect(headers).not.toHaveProperty(name)
  })

  test('Connection drops a listed header in all its spellings', async () => {
    const { origin } = await relayTo(echo)
    const sent = { Connection: 'x-hop, X_Other', X_Hop: '1', 'X.Hop': '1', 'X-Other': '1', 'X-Kept': '2' }
    const { headers } = JSON.parse((await ask(origin, '/api/notes', { headers: sent })).body) as {
      headers: Record<string, string>
    }
    expect(headers).toHaveProperty('x-kept')
    for (const name of ['x_hop', 'x.hop', 'x-other']) expect(headers).not.toHaveProperty(name)
  })

  test.each(['_', '.', '~', "'", '|'])(
    'RFC 9112 §6.1 framing, routing and negotiation headers pass with "-" only, not with %j instead',
    async sign => {
      const { origin } = await relayTo(echo)
      const names = [
        'Content-Length',
        'Transfer-Encoding',
        'Content-Type',
        'Content-Encoding',
        'Content-Disposition',
        'Keep-Alive',
        'Proxy-Connection',
        'Http2-Settings',
        'Sec-Fetch-Site',
        'Sec-Websocket-Key',
        'If-None-Match',
        'Accept-Encoding',
        'Access-Control-Request-Method',
        'Max-Forwards',
        'User-Agent',
        'Last-Event-ID',
        'Upgrade-Insecure-Requests',
        'Cache-Control',
        'Proxy-Authorization',
      ]
      const forged = Object.fromEntries(names.map(name => [name.replaceAll('-', sign), '999']))
      const headers = {
        ...forged,
        'Content-Type': 'text/plain',
        'Content-Length': '2',
        'If-None-Match': '"a"',
        [`X${sign}Api${sign}Key`]: 'mine',
      }
      const answer = JSON.parse((await ask(origin, '/api/notes', { method: 'POST', headers, send: 'ok' })).body) as {
        headers: Record<string, string>
        raw: string[]
      }
      expect(answer.headers).toMatchObject({
        'content-type': 'text/plain',
        'content-length': '2',
        'if-none-match': '"a"',
        [`x${sign}api${sign}key`]: 'mine',
      })
      expect(answer.raw).not.toContain('999')
    },
  )

  test('OA-13 trailers, which could impersonate us after the headers were read, are neither forwarded nor announced', async () => {
    const { origin } = await relayTo((incoming, outgoing) => {
      incoming
        .resume()
        .on('end', () => outgoing.end(JSON.stringify([incoming.headers.trailer ?? null, incoming.trailers])))
    })
    const outgoing = request(`${origin}/api/notes`, {
      method: 'POST',
      headers: { Trailer: 'Remote-User', 'Transfer-Encoding': 'chunked' },
    })
    outgoing.addTrailers({ 'Remote-User': 'root' })
    outgoing.end('a body')
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(JSON.parse((await answer.toArray()).join(''))).toEqual([null, {}])
  })

  test('other cookies are forwarded only if the upstream allows it', async () => {
    const { origin } = await relayTo(echo, { cookies: true })
    const { body } = await ask(origin, '/api/notes', {
      headers: { Cookie: 'a=1; porchlight-access=secret; b=2;__Host-porchlight-form=x' },
    })
    expect(JSON.parse(body).headers.cookie).toBe('a=1; b=2')
  })

  test("the path is forwarded as the bytes received, below the target's own path, with the query", async () => {
    const upstream = await listen(echo)
    const here = await front([
      testUpstream(upstream.origin, {
        name: 'short',
        prefix: '/api/o',
        target: { origin: upstream.origin, basePath: '/v1' },
      }),
      testUpstream(upstream.origin, {
        name: 'long',
        prefix: '/api/o/deep',
        target: { origin: upstream.origin, basePath: '/v2' },
      }),
      testUpstream(upstream.origin, { name: 'whole', prefix: '/api/whole', strip: false }),
    ])
    closing.push(here.close, upstream.close)
    const url = async (path: string) => JSON.parse((await ask(here.origin, path)).body).url as string
    expect(await url('/api/o/%E2%82%AC/a%20b?x=%2F..&y')).toBe('/v1/%E2%82%AC/a%20b?x=%2F..&y')
    expect(await url('/api/o/deep/x')).toBe('/v2/x')
    expect(await url('/api/o/deeper')).toBe('/v1/deeper')
    expect(await url('/api/o')).toBe('/v1')
    expect(await url('/api/whole/x')).toBe('/api/whole/x')
    expect((await ask(here.origin, '/api/other')).status).toBe(404)
    expect((await ask(here.origin, '/api/open')).status).toBe(404)
  })

  test('any media type is forwarded, and repeated headers stay repeated', async () => {
    const { origin } = await relayTo((incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () =>
        outgoing.end(JSON.stringify({ bytes: Buffer.concat(chunks).toString('hex'), raw: incoming.rawHeaders })),
      )
    })
    const { body } = await ask(origin, '/api/notes', {
      method: 'POST',
      headers: ['Host', 'x', 'Content-Type', 'application/x-odd', 'Content-Length', '3', 'X-A', '1', 'X-A', '2'],
      send: Buffer.from([0, 255, 7]),
    })
    const seen = JSON.parse(body) as { bytes: string; raw: string[] }
    expect(seen.bytes).toBe('00ff07')
    expect(seen.raw.filter(part => part === 'X-A')).toHaveLength(2)
  })
})

describe('admission', () => {
  test('BBA-15 a method that the upstream does not list is refused', async () => {
    const { origin } = await relayTo(echo, { methods: ['GET'] })
    expect((await ask(origin, '/api/notes')).status).toBe(200)
    expect((await ask(origin, '/api/notes', { method: 'DELETE' })).status).toBe(405)
  })

  test('RFC 9470 without a session 401 as JSON, never a redirect; without the role 403; a sign-in too long ago says so', async () => {
    const old = { ...ANNA, session: { ...ANNA.session, authTime: Date.now() - 700_000 } }
    const changes = { requires: { signedIn: true, roles: ['user' as const], maxAgeMs: 600_000, acr: null } }
    const { origin } = await relayTo(echo, changes, {
      anna: ANNA,
      old,
      guest: { ...ANNA, user: { ...ANNA.user, roles: ['admin'] } },
    })
    const code = async (caller: string) => {
      const { status, body } = await ask(origin, '/api/notes', { headers: { 'X-Test-Caller': caller } })
      return [status, status === 200 ? null : JSON.parse(body).code]
    }
    expect(await code('anna')).toEqual([200, null])
    expect(await code('nobody')).toEqual([401, 'not_signed_in'])
    expect(await code('guest')).toEqual([403, 'forbidden'])
    expect(await code('old')).toEqual([401, 'insufficient_user_authentication'])
  })

  test("BBA-17 two users interleaved a thousand times never get each other's token", async () => {
    const bert = { ...ANNA, user: { ...ANNA.user, id: 'bert' }, session: { ...ANNA.session, publicId: 's-bert' } }
    const { origin } = await relayTo(echo, {}, { anna: ANNA, bert })
    for (let round = 0; round < 20; round++) {
      const asked = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 'anna' : 'bert'))
      const answers = await Promise.all(
        asked.map(caller => ask(origin, '/api/notes', { headers: { 'X-Test-Caller': caller } })),
      )
      expect(answers.map(answer => JSON.parse(answer.body).headers.authorization)).toEqual(
        asked.map(caller => `Bearer kept.notes.${caller}`),
      )
    }
  })

  test('BBA-20 a refused token is replaced once, and only if no body was consumed', async () => {
    let calls = 0
    const { origin, tokens } = await relayTo((incoming, outgoing) => {
      calls++
      incoming.resume()
      outgoing
        .writeHead(incoming.headers.authorization?.startsWith('Bearer fresh') ? 200 : 401, {
          'www-authenticate': 'Bearer',
        })
        .end('x')
    })
    expect((await ask(origin, '/api/notes')).status).toBe(200)
    expect([calls, tokens.minted]).toEqual([2, 2])
    expect((await ask(origin, '/api/notes', { method: 'POST', send: 'body' })).status).toBe(401)
    expect(calls).toBe(3)
  })
})

describe('what a browser receives', () => {
  const answerWith =
    (headers: Record<string, string | string[]>, status = 200): RequestListener =>
    (_incoming, outgoing) =>
      void outgoing.writeHead(status, headers).end('<script>1</script>')

  test('HD-14 BBA-12 headers with an effect beyond the one response are removed', async () => {
    const { origin, policies } = await relayTo(
      answerWith({
        'set-cookie': ['__Host-porchlight-access=evil', 'x=1'],
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'strict-transport-security': 'max-age=0',
        'clear-site-data': '"cookies"',
        'service-worker-allowed': '/',
        refresh: '0;url=//evil',
        'alt-svc': 'h2=":1"',
        nel: '{}',
        'report-to': '{}',
        'reporting-endpoints': 'a="//evil"',
        'x-accel-redirect': '/etc',
        'x-sendfile': '/etc',
        connection: 'close, x-hop',
        'x-hop': '1',
        'content-security-policy': 'script-src *',
        'x-kept': 'yes',
      }),
    )
    const { rawHeaders, headers } = await ask(origin, '/api/notes')
    expect(rawHeaders.join(' ').toLowerCase()).not.toMatch(
      /evil|set-cookie|access-control|strict-transport|clear-site|service-worker|refresh|alt-svc|\bnel\b|report|x-accel|x-sendfile|x-hop|script-src/,
    )
    expect(headers['x-kept']).toBe('yes')
    expect(policies).toEqual(["default-src 'none'; sandbox; frame-ancestors 'none'"])
  })

  test('a document upstream keeps its policy; its own cookies pass if allowed, ours never', async () => {
    const { origin, policies } = await relayTo(
      answerWith({
        'set-cookie': ['porchlight-refresh=evil', '__HOST-porchlight-access=evil', 'x=1; Path=/'],
        'content-security-policy': "script-src 'self'",
      }),
      { document: true, cookies: true },
    )
    expect((await ask(origin, '/api/notes')).headers['set-cookie']).toEqual(['x=1; Path=/'])
    expect(policies).toEqual(["script-src 'self'"])
  })

  test.each([
    ['/x', '/api/notes/x'],
    ['x?y#z', '/api/notes/dir/x?y#z'],
    ['../up', '/api/notes/up'],
    ['TARGET/x', '/api/notes/x'],
    ['http://169.254.169.254/', undefined],
    ['//evil.test/', undefined],
    ['https://login.test/a', 'https://login.test/a'],
    ['javascript:alert(1)', undefined],
  ])('Location %s becomes %s', async (given, expected) => {
    const upstream = await listen(
      (_incoming, outgoing) =>
        void outgoing.writeHead(302, { location: given.replace('TARGET', upstream.origin) }).end(),
    )
    const here = await front([testUpstream(upstream.origin, { redirectOrigins: ['https://login.test'] })])
    closing.push(here.close, upstream.close)
    expect((await ask(here.origin, '/api/notes/dir/page')).headers.location).toBe(expected)
  })

  test('HEAD, 204 and 304 have no body and keep their headers; compressed bytes stay compressed; trailers arrive', async () => {
    const zipped = gzipSync(Buffer.alloc(1_000_000))
    const { origin } = await relayTo((incoming, outgoing) => {
      if (incoming.url === '/204') return void outgoing.writeHead(204, { 'x-a': '1' }).end()
      if (incoming.url === '/304') return void outgoing.writeHead(304, { etag: '"a"' }).end()
      if (incoming.url === '/gzip')
        return void outgoing.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length }).end(zipped)
      if (incoming.url === '/trailers') {
        outgoing.writeHead(200, { trailer: 'X-Sum' })
        outgoing.write('a')
        outgoing.addTrailers({ 'X-Sum': '42' })
        return void outgoing.end()
      }
      return void outgoing.writeHead(200, { 'content-length': 5 }).end('hello')
    })
    expect(await ask(origin, '/api/notes/', { method: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '5' },
    })
    expect(await ask(origin, '/api/notes/204')).toMatchObject({ status: 204, body: '', headers: { 'x-a': '1' } })
    expect(await ask(origin, '/api/notes/304')).toMatchObject({ status: 304, headers: { etag: '"a"' } })
    expect((await ask(origin, '/api/notes/gzip')).headers['content-length']).toBe(String(zipped.length))
    expect((await ask(origin, '/api/notes/trailers')).trailers).toEqual({ 'x-sum': '42' })
  })

  test('events of a stream arrive as they are sent, before the stream ends', async () => {
    let say: (text: string) => void = () => {}
    const { origin } = await relayTo((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      say = text => void outgoing.write(text)
    })
    const outgoing = request(`${origin}/api/notes/feed`, { agent: false }).end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      say(text)
      expect(String((await once(incoming, 'data'))[0])).toBe(text)
    }
    outgoing.destroy()
  })
})

describe('streaming', () => {
  test('a hundred megabytes pass each way, with backpressure to the sender', { timeout: 60_000 }, async () => {
    const MB = Buffer.alloc(1024 * 1024)
    let sent = 0
    let reading: () => void = () => {}
    const { origin } = await relayTo((incoming, outgoing) => {
      if (incoming.method === 'POST') {
        let bytes = 0
        reading = () =>
          incoming.on('data', (chunk: Buffer) => {
            bytes += chunk.length
          })
        incoming.on('end', () => outgoing.end(String(bytes)))
        return
      }
      const more = () => {
        while (sent < 100) {
          sent++
          if (!outgoing.write(MB)) return void outgoing.once('drain', more)
        }
        outgoing.end()
      }
      more()
    })
    const down = request(`${origin}/api/notes`, { agent: false }).end()
    const [incoming] = (await once(down, 'response')) as [IncomingMessage]
    await wait(500)
    expect(sent, 'a reader that does not read holds the upstream back').toBeLessThan(25)
    let bytes = 0
    for await (const chunk of incoming) bytes += (chunk as Buffer).length
    expect(bytes).toBe(100 * MB.length)

    const up = request(`${origin}/api/notes`, { method: 'POST', agent: false })
    let written = 0
    const writeOn = async () => {
      while (written < 100) {
        written++
        if (!up.write(MB)) await once(up, 'drain')
      }
      up.end()
    }
    const writing = writeOn()
    await wait(500)
    expect(written, 'an upstream that does not read holds the client back').toBeLessThan(25)
    reading()
    await writing
    const [answer] = (await once(up, 'response')) as [IncomingMessage]
    expect(String((await answer.toArray()).join(''))).toBe(String(100 * MB.length))
  })
})

test.each([
  ['max-age=60', 'private, max-age=60'],
  ['public, max-age=60', 'public, max-age=60'],
  ['no-store', 'no-store'],
  ['Private', 'Private'],
])(
  'a response to a call with a token is private to shared caches, unless the upstream says otherwise: %s',
  async (given, expected) => {
    const { origin } = await relayTo(
      (_incoming, outgoing) => void outgoing.writeHead(200, { 'cache-control': given }).end('x'),
    )
    expect((await ask(origin, '/api/notes')).headers['cache-control']).toBe(expected)
  },
)

test.each(['/.//evil.test/x', '/x/..//evil.test', '//evil.test'])(
  'OA-1 Location %s never becomes another host',
  async location => {
    const { origin } = await relayTo((_incoming, outgoing) => void outgoing.writeHead(302, { location }).end(), {
      prefix: '',
      strip: true,
    })
    expect((await ask(origin, '/page')).headers.location ?? '/').toMatch(/^\/(?!\/)/)
  },
)

test('no line of a repeated Cache-Control is lost', async () => {
  const { origin } = await relayTo(
    (_incoming, outgoing) =>
      void outgoing.writeHead(200, ['cache-control', 'no-store', 'cache-control', 'max-age=600']).end('x'),
  )
  expect((await ask(origin, '/api/notes')).headers['cache-control']).toBe('no-store, max-age=600')
})

test('a refusal whose body never ends does not delay the retry', async () => {
  let calls = 0
  const { origin } = await relayTo((_incoming, outgoing) => {
    if (calls++ > 0) return void outgoing.end('second')
    outgoing.writeHead(401)
    outgoing.write('for ever')
  })
  expect(await ask(origin, '/api/notes')).toMatchObject({ status: 200, body: 'second' })
})
