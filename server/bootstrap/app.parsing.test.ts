import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { codeOf, FROM_OUR_PAGE, PUBLIC_URL, type Running, startApp } from '../../tests/support/app.ts'

let app: Running
afterEach(() => app.close())

describe('bodies', () => {
  const headers = { 'content-type': 'application/json', ...FROM_OUR_PAGE }

  test('up to 64 KiB arrive', async () => {
    app = await startApp()
    const body = 'x'.repeat(64 * 1024)
    expect((await app.ask('/auth/echo', { method: 'POST', headers, body })).json()).toEqual({ got: body })
    expect(
      (
        await app.ask('/auth/echo', {
          method: 'POST',
          headers: { ...headers, 'transfer-encoding': 'chunked' },
          body: 'hello',
        })
      ).json(),
    ).toEqual({ got: 'hello' })
  })

  test.each([
    ['says that it is', { 'content-length': String(64 * 1024 + 1) }],
    ['turns out to be', { 'transfer-encoding': 'chunked' }],
  ])('a body that %s larger is 413', async (_title, framing) => {
    app = await startApp()
    const answered = await app.ask('/auth/echo', {
      method: 'POST',
      headers: { ...headers, ...framing },
      body: 'x'.repeat(64 * 1024 + 1),
    })
    expect(answered.status).toBe(413)
    expect(codeOf(answered)).toBe('body_too_large')
  })

  test('a body that waits for 100-continue is refused before it is sent', async () => {
    app = await startApp()
    const asking = (length: number) =>
      `POST /auth/echo HTTP/1.1\r\nHost: porch.example\r\nOrigin: ${PUBLIC_URL}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
    const refused = await app.raw(asking(10_000_000))
    expect(refused).toMatch(/^HTTP\/1.1 413 /)
    expect(refused).not.toContain('100 Continue')

    const socket = connect(app.port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk.toString()
      if (answer.startsWith('HTTP/1.1 100 Continue') && !answer.includes('200')) socket.write('hello')
    })
    socket.write(asking(5))
    await new Promise(resolve => socket.on('close', resolve))
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 .*hello/s)
  })

  test('ASVS 4.2 two lengths, or a length with chunks, are rejected by the parser', async () => {
    app = await startApp()
    for (const framing of [
      'Content-Length: 5\r\nContent-Length: 6',
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: xchunked',
    ]) {
      expect(
        await app.raw(
          `POST /auth/echo HTTP/1.1\r\nHost: porch.example\r\nOrigin: http://porch.example\r\n${framing}\r\n\r\nhello`,
        ),
      ).toMatch(/^HTTP\/1.1 400 /)
    }
  })
})

describe('parser errors', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'bad_request'],
    ['a line feed in a header', 'GET / HTTP/1.1\r\nHost: porch.example\r\nA\nB: c\r\n\r\n', 400, 'bad_request'],
    [
      'a header that is too large',
      `GET / HTTP/1.1\r\nHost: porch.example\r\nCookie: ${'x'.repeat(17 * 1024)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'headers that are too large together',
      `GET / HTTP/1.1\r\nHost: porch.example\r\n${`A: ${'b'.repeat(50)}\r\n`.repeat(400)}\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'a target that is too long',
      `GET /${'x'.repeat(17 * 1024)} HTTP/1.1\r\nHost: porch.example\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ])('%s is a problem response with our headers', async (_title, bytes, status, problem) => {
    app = await startApp()
    const answer = await app.raw(bytes)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    for (const line of [
      'Content-Type: application/problem+json',
      'X-Content-Type-Options: nosniff',
      'Content-Security-Policy: default-src',
      'Connection: close',
    ])
      expect(head).toContain(line)
    expect(JSON.parse(body)).toMatchObject({ status, code: problem })
  })

  const AS_PAGE = 'Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nAccept-Language: zh-CN\r\n'
  test.each([
    ['more than is accepted', 17 * 1024, AS_PAGE, 431, '浏览器发送的内容过多'],
    ['more than the parser reads', 60 * 1024, AS_PAGE, 431, '浏览器发送的内容过多'],
    [
      'more than is accepted, by a client that only accepts HTML',
      17 * 1024,
      'Accept: text/html\r\n',
      431,
      'sent too much',
    ],
    ['something that is no header', 10, `A\nB: c\r\n${AS_PAGE}`, 400, '无法理解该请求'],
  ])('a navigation that sends %s gets a page that explains what to do', async (_title, bytes, lines, status, title) => {
    app = await startApp()
    const answer = Buffer.from(
      await app.raw(`GET / HTTP/1.1\r\nHost: porch.example\r\n${lines}Cookie: a=${'x'.repeat(bytes)}\r\n\r\n`),
      'latin1',
    ).toString()
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(head).toContain('Content-Type: text/html; charset=utf-8')
    expect(head).toMatch(/Content-Security-Policy: default-src 'none'; style-src 'nonce-/)
    expect(head.match(/^Content-Security-Policy:/gim)).toHaveLength(1)
    expect(head.match(/^Connection: close$/gim)).toHaveLength(1)
    expect(head).toContain('Cache-Control:')
    expect(body).toContain(title)
    expect(body).not.toContain('xxx')
  })

  test.each([
    ['a script', 'Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n', 17 * 1024],
    ['a script', 'Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n', 60 * 1024],
    ['a client that accepts anything', 'Accept: */*\r\n', 17 * 1024],
    ['a WebSocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-Fetch-Mode: websocket\r\n', 17 * 1024],
    ['a WebSocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-Fetch-Mode: websocket\r\n', 60 * 1024],
  ])('%s gets JSON (%#)', async (_who, lines, bytes) => {
    app = await startApp()
    const answer = await app.raw(
      `GET /auth/session HTTP/1.1\r\nHost: porch.example\r\n${lines}Cookie: a=${'x'.repeat(bytes)}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 431 .*\r\nConnection: close\r\n.*"code":"headers_too_large"/s)
    expect(answer.match(/^Connection: close\r$/gim)).toHaveLength(1)
  })

  test('up to 16 KB of headers are accepted, to the byte', async () => {
    app = await startApp()
    const own = 'GET /auth/session'.length - 'GET '.length + 'Hostporch.exampleConnectioncloseCookie'.length
    const ask = (bytes: number) =>
      app.raw(
        `GET /auth/session HTTP/1.1\r\nHost: porch.example\r\nConnection: close\r\nCookie: ${'x'.repeat(bytes - own)}\r\n\r\n`,
      )
    expect(await ask(16 * 1024)).toMatch(/^HTTP\/1.1 200 /)
    expect(await ask(16 * 1024 + 1)).toMatch(/^HTTP\/1.1 431 /)
  })

  test('headers that never end are 408', async () => {
    app = await startApp()
    const accepted = new Promise<Socket>(resolve => app.server.once('connection', resolve))
    const answer = app.raw('GET / HTTP/1.1\r\n')
    // What Node emits after headersTimeout, without the wait.
    app.server.emit('clientError', Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), await accepted)
    expect(await answer).toMatch(/^HTTP\/1.1 408 .*request_timeout/s)
  })

  test('many small headers all arrive: none is silently dropped', async () => {
    app = await startApp()
    const answer = await app.raw(
      `POST /auth/echo HTTP/1.1\r\nHost: porch.example\r\n${'A:\r\n'.repeat(2500)}Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 403 /)
  })
})
