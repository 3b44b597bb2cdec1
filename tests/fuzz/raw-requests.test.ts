import fc from 'fast-check'
import { answersIn, judge } from '../support/fuzz/answers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { deliver, type Ending, ENDINGS } from '../support/fuzz/wire.ts'

const ground = groundOfFile(() => ({}))

/** A request as bytes in Latin-1, with what varies only at run time left open: `{host}`, `{cookie}`, `{origin}`. */
interface Raw {
  parts: string[]
  ending: Ending
}

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PRI',
  'BREW',
  'get',
  'PROPFIND',
  'M-SEARCH',
  '',
]
const TARGETS = [
  '/',
  '/auth/session',
  '/auth/login',
  '/auth/nothing',
  '/api/notes',
  '/api/nothing',
  '/sign-in',
  '/account',
  '/healthz',
  '/readyz',
  '/.well-known/jwks.json',
  '/_porchlight/x.js',
  '*',
  'a:1',
  'example.org:443',
  'http://{host}/auth/session',
  'http://evil.example/',
  '//',
  '/%',
  '/%00',
  '/a b',
  '/\x01',
  '/é',
  `/${'x'.repeat(9000)}`,
  '/?' + 'q'.repeat(9000),
  '?',
  '',
  '#',
]
const HEADERS = [
  'Host: {host}',
  'Host: evil.example',
  'Host:',
  'Cookie: {cookie}',
  'Cookie: a=%',
  'Origin: {origin}',
  'Origin: null',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: navigate',
  'Accept: text/html',
  'Accept: application/json',
  'Accept-Language: zh',
  'Content-Type: application/json',
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Length: 2',
  'Content-Length: 0',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Content-Length: 2, 2',
  'Content-Length:  2',
  'Content-Length: 1e3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: xchunked',
  'Expect: 100-continue',
  'Expect: nothing',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Connection: Upgrade',
  'Connection: close',
  'Connection: keep-alive, Host',
  'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Range: bytes=0-1',
  'Range: bytes=-',
  'If-None-Match: *',
  'If-Modified-Since: x',
  'X-Forwarded-For: 1.2.3.4',
  'X-Forwarded-For: ' + ','.repeat(500),
  'X-Forwarded-Host: evil.example',
  'Trailer: X-Late',
  'TE: trailers',
  'Accept-Encoding: br;q=x',
  ' folded: line',
  ': no name',
  'no colon',
  'Null: \x00',
  'Tab\t: x',
]
const BODIES = [
  '',
  '{}',
  '{',
  'a=b',
  '0\r\n\r\n',
  '2\r\n{}\r\n0\r\n\r\n',
  '2\r\n{}\r\n0\r\nX-Late: 1\r\n\r\n',
  'zz\r\n',
  'ffffffffffffffffff\r\n',
  '2;ext=' + 'x'.repeat(20_000) + '\r\n{}\r\n0\r\n\r\n',
  '-1\r\n',
  '2\r\n{}',
  '0\r\nContent-Length: 9\r\n\r\n',
  'x'.repeat(70_000),
  'GET /auth/session HTTP/1.1\r\nHost: {host}\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00',
]

const line = fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r')
const header = fc.oneof(
  { arbitrary: fc.constantFrom(...HEADERS), weight: 9 },
  { arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 60 }), weight: 1 },
)
/** Most have what gets a request past the first steps, so that the later ones are reached. */
const common = fc.subarray(['Host: {host}', 'Sec-Fetch-Site: same-origin', 'Origin: {origin}', 'Cookie: {cookie}'])

const request = fc
  .tuple(
    fc.oneof(
      { arbitrary: fc.constantFrom(...METHODS), weight: 9 },
      { arbitrary: fc.string({ maxLength: 8 }), weight: 1 },
    ),
    fc.oneof(
      { arbitrary: fc.constantFrom(...TARGETS), weight: 6 },
      { arbitrary: fc.webPath(), weight: 2 },
      { arbitrary: fc.string({ maxLength: 30 }), weight: 1 },
    ),
    fc.constantFrom(
      'HTTP/1.1',
      'HTTP/1.1',
      'HTTP/1.1',
      'HTTP/1.1',
      'HTTP/1.0',
      'HTTP/2.0',
      'HTTP/0.9',
      'http/1.1',
      'HTTP/1.1 ',
      '',
    ),
    common,
    fc.array(header, { maxLength: 5 }),
    line,
    fc.constantFrom(...BODIES),
  )
  .map(
    ([method, target, version, first, others, end, body]) =>
      [`${method} ${target} ${version}`, ...first, ...others, '', ''].join(end) + body,
  )

const input: fc.Arbitrary<Raw> = fc.record({
  // Several requests on one connection, cut where no client would cut them.
  parts: fc
    .tuple(
      fc.array(request, { minLength: 1, maxLength: 3 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
    )
    .map(([requests, cuts]) => cutAt(requests.join(''), cuts)),
  ending: fc.constantFrom(...ENDINGS),
})

function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.map(cut => Math.floor(cut * text.length)).toSorted((a, b) => a - b), text.length]
  return places
    .slice(1)
    .map((to, at) => text.slice(places[at], to))
    .filter(part => part !== '')
}

fuzz('raw requests', {
  input,
  batch: 12,
  seeds: {
    'CONNECT with a body, from somebody who leaves, keeps no descriptor': Array.from({ length: 20 }, () => ({
      parts: [`CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n${'x'.repeat(70_000)}`],
      ending: 'is gone' as const,
    })),
    'CONNECT with a body, from somebody who stays, keeps no descriptor': Array.from({ length: 20 }, () => ({
      parts: ['CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'x'.repeat(70_000)],
      ending: 'stays' as const,
    })),
    'a body after a request that the parser refuses keeps no descriptor': Array.from({ length: 20 }, () => ({
      parts: [`GET / HTTP/9.9\r\nHost: x\r\n\r\n${'x'.repeat(70_000)}`],
      ending: 'is gone' as const,
    })),
    'an upgrade that is refused, with bytes after it, keeps no descriptor': Array.from({ length: 20 }, () => ({
      parts: [
        `GET /api/nothing HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${'x'.repeat(70_000)}`,
      ],
      ending: 'is gone' as const,
    })),
  },
  async run({ parts, ending }) {
    const { server, admin } = ground
    const filled = parts.map(part =>
      part
        .replaceAll('{host}', new URL(server.origin).host)
        .replaceAll('{origin}', server.origin)
        .replaceAll('{cookie}', admin.jar.header() ?? ''),
    )
    const bytes = await deliver(server.port, { pieces: filled.map(part => Buffer.from(part, 'latin1')), ending })
    for (const answer of answersIn(bytes)) judge(answer)
    ground.seen(bytes.toString('latin1').replaceAll(/set-cookie: [^\r]*/gi, ''))
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

endsWell(ground)
