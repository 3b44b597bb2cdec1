import fc from 'fast-check'
import { afterAll } from 'vitest'
import { answersIn, judge, type WireAnswer } from '../support/fuzz/answers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { type RawUpstream, type Script, startRawUpstream } from '../support/fuzz/raw-upstream.ts'
import { deliver } from '../support/fuzz/wire.ts'

let upstream: RawUpstream
const ground = groundOfFile(async () => {
  upstream = await startRawUpstream()
  const common = { target: upstream.origin, timeouts: { connect: 1, headers: 1, idle: 1 } }
  return {
    UPSTREAMS: JSON.stringify([
      { ...common, name: 'strict' },
      { ...common, name: 'loose', document: true, cookies: true, token: 'none', requires: { signedIn: false } },
    ]),
  }
})
afterAll(() => upstream?.close())

interface Told {
  method: string
  by: 'strict' | 'loose'
  answer: Script
}

const STATUS_LINES = [
  ...[
    200, 200, 200, 201, 204, 205, 206, 301, 302, 303, 304, 307, 400, 401, 403, 404, 418, 429, 500, 502, 503, 504, 599,
    600, 999, 99, 1000, 0,
  ].map(status => `HTTP/1.1 ${status} Word`),
  'HTTP/1.0 200 OK',
  'HTTP/2 200',
  'HTTP/1.1 200',
  'HTTP/1.1  200 OK',
  'HTTP/1.1 2OO OK',
  'http/1.1 200 OK',
  'ICY 200 OK',
  'HTTP/1.1 101 Switching Protocols',
  'HTTP/1.1 100 Continue',
  '',
  'GET / HTTP/1.1',
  `HTTP/1.1 200 ${'x'.repeat(9000)}`,
  'HTTP/1.1 200 \x80\xff',
]
const INTERIM = [
  '',
  '',
  '',
  '',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 102 Processing\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n',
  'HTTP/1.1 199 Odd\r\nSet-Cookie: a=b\r\n\r\n',
]
const HEADERS = [
  'Content-Type: text/html',
  'Content-Type: text/event-stream',
  'Content-Type: application/json',
  'Content-Type:',
  'Content-Type: text/html\r\nContent-Type: text/plain',
  'Set-Cookie: porchlight-access=stolen',
  'Set-Cookie: =porchlight-access=stolen',
  'Set-Cookie: porchlight-refresh',
  'Set-Cookie:  porchlight-refresh =stolen',
  'Set-Cookie: a=b; Path=/x',
  'Set-Cookie: a=b; Domain=localhost',
  'Set-Cookie:',
  'Set-Cookie: __Host-porchlight-access=stolen; Secure; Path=/',
  'Access-Control-Allow-Origin: *',
  'Strict-Transport-Security: max-age=1',
  'Clear-Site-Data: "*"',
  'Refresh: 0;url=//evil.example',
  'Service-Worker-Allowed: /',
  'X-Accel-Redirect: /x',
  'X-Sendfile: /etc/passwd',
  'Alt-Svc: h3=":1"',
  'NEL: {}',
  'Location: //evil.example',
  'Location: /x',
  'Location: http://[',
  'Location: \xff',
  'Location:',
  'Connection: close',
  'Connection: X-Content-Type-Options, Cache-Control',
  'Keep-Alive: timeout=1',
  'Trailer: X-Late',
  'Trailer: Set-Cookie',
  'Upgrade: h2c',
  'Proxy-Authenticate: Basic',
  'WWW-Authenticate: Basic realm="x"',
  'Content-Encoding: gzip',
  'Content-Encoding: br',
  'Vary: *',
  'Cache-Control: public, max-age=1',
  'Content-Security-Policy: default-src *',
  'X-Content-Type-Options: sniff',
  'X-Frame-Options: ALLOWALL',
  'Content-Range: bytes 0-1/2',
  'Age: -1',
  'Date: x',
  'Date: x\r\nDate: y',
  'ETag: x',
  'Last-Modified: 0',
  ' folded',
  'no colon',
  ': empty',
  'X Y: z',
  'X-Null: a\x00b',
  'X-Bytes: \x80\xff',
  `X-Long: ${'x'.repeat(20_000)}`,
  'Content-Disposition: attachment; filename="\r\n x"',
]
const FRAMINGS: [string[], string][] = [
  [['Content-Length: 2'], 'ok'],
  [['Content-Length: 2'], 'okay'],
  [['Content-Length: 9'], 'short'],
  [['Content-Length: 0'], ''],
  [['Content-Length: 0'], 'extra'],
  [['Content-Length: x'], 'ok'],
  [['Content-Length: -1'], 'ok'],
  [['Content-Length: 2', 'Content-Length: 3'], 'oka'],
  [['Content-Length: 99999999999999999999'], 'x'],
  [['Transfer-Encoding: chunked'], '2\r\nok\r\n0\r\n\r\n'],
  [['Transfer-Encoding: chunked'], '2\r\nok\r\n0\r\nX-Late: 1\r\nSet-Cookie: porchlight-access=stolen\r\n\r\n'],
  [['Transfer-Encoding: chunked', 'Trailer: X-Late'], '2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n'],
  [['Transfer-Encoding: chunked'], '2\r\nok'],
  [['Transfer-Encoding: chunked'], 'zz\r\n'],
  [['Transfer-Encoding: chunked'], 'ffffffffffffffff\r\n'],
  [['Transfer-Encoding: chunked', 'Content-Length: 2'], '2\r\nok\r\n0\r\n\r\n'],
  [['Transfer-Encoding: gzip, chunked'], '2\r\nok\r\n0\r\n\r\n'],
  [['Transfer-Encoding: identity'], 'ok'],
  [[], 'until the end'],
  [[], ''],
  [['Trailer: X-Late', 'Content-Length: 2'], 'ok'],
]

const answer: fc.Arbitrary<Script> = fc.record({
  pieces: fc
    .tuple(
      fc.constantFrom(...INTERIM),
      fc.constantFrom(...STATUS_LINES),
      fc.array(fc.constantFrom(...HEADERS), { maxLength: 4 }),
      fc.constantFrom(...FRAMINGS),
      fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\n'),
      fc.boolean(),
    )
    .map(([interim, status, headers, [framing, body], end, apart]) => {
      const head = interim + [status, ...headers, ...framing, '', ''].join(end)
      return apart ? [head, body].filter(piece => piece !== '') : [head + body]
    }),
  then: fc.constantFrom('ends', 'ends', 'stays', 'cut'),
})

/** The same answer to both kinds of upstream and several methods. */
const always = (text: string, then: Script['then'] = 'ends', methods = ['GET', 'HEAD', 'POST']): Told[] =>
  methods.flatMap(method =>
    (['strict', 'loose'] as const).map(by => ({ method, by, answer: { pieces: [text], then } })),
  )

fuzz<Told>('upstream answers', {
  input: fc.record({
    method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'DELETE'),
    by: fc.constantFrom('strict', 'loose'),
    answer,
  }),
  batch: 16,
  seeds: {
    'Trailer without chunked coding is an answer like any other': always(
      'HTTP/1.1 200 OK\r\nTrailer: X-Late\r\nContent-Length: 2\r\n\r\nok',
    ),
    'Trailer in an answer to HEAD is no fault': always(
      'HTTP/1.1 200 OK\r\nTrailer: X-Late\r\nTransfer-Encoding: chunked\r\n\r\n',
      'ends',
      ['HEAD'],
    ),
    'Trailer in a 304 or a 204 is no fault': [
      ...always('HTTP/1.1 304 Not Modified\r\nTrailer: X-Late\r\n\r\n', 'ends', ['GET', 'HEAD']),
      ...always('HTTP/1.1 204 No Content\r\nTrailer: X-Late\r\n\r\n', 'ends', ['GET', 'HEAD']),
    ],
    'trailers go through the same filter as headers': always(
      'HTTP/1.1 200 OK\r\nTrailer: Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: porchlight-access=stolen\r\nClear-Site-Data: "*"\r\n\r\n',
      'ends',
      ['GET', 'POST'],
    ),
    'a cookie of ours without a name does not pass': always(
      'HTTP/1.1 200 OK\r\nSet-Cookie: =porchlight-access=stolen\r\nContent-Length: 2\r\n\r\nok',
    ),
    '204 with a length is an answer like any other': always(
      'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n',
      'ends',
      ['GET', 'POST'],
    ),
    '100 and then 103 are followed by their answer': always(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      'ends',
      ['GET', 'POST'],
    ),
  },
  async run(told) {
    const { server, admin } = ground
    const name = `n${++count}`
    upstream.script.set(name, told.answer)
    const head = [
      `${told.method} /api/${told.by}/${name} HTTP/1.1`,
      `Host: ${new URL(server.origin).host}`,
      `Origin: ${server.origin}`,
      'Sec-Fetch-Site: same-origin',
      `Cookie: ${admin.jar.header() ?? ''}`,
      'Connection: close',
      '',
      '',
    ].join('\r\n')
    const bytes = await deliver(server.port, { pieces: [Buffer.from(head)], ending: 'stays', quietMs: 2500 })
    upstream.script.delete(name)
    const answers = answersIn(bytes)
    if (answers.length > 1) throw new Error(`${answers.length} answers to one request`)
    for (const each of answers) expectFiltered(each, told)
    const text = bytes.toString('latin1')
    // Trailers come after the body: whatever the bytes hold, it is not this.
    if (/porchlight-(?:access|refresh) ?=? ?stolen/i.test(text))
      throw new Error(`a cookie of ours from an upstream: ${text.slice(0, 1500)}`)
    if (/^clear-site-data:/im.test(text)) throw new Error(`Clear-Site-Data from an upstream: ${text.slice(0, 1500)}`)
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

let count = 0

const NEVER = [
  'access-control-allow-origin',
  'strict-transport-security',
  'refresh',
  'service-worker-allowed',
  'x-accel-redirect',
  'x-sendfile',
  'alt-svc',
  'nel',
  'trailer',
  'proxy-authenticate',
  'upgrade',
]
const WORD_OF_OURS = /^application\/problem\+json/

function expectFiltered(answer: WireAnswer, { by, answer: { pieces } }: Told): void {
  const ours = WORD_OF_OURS.test(answer.headers.get('content-type')?.join() ?? '')
  // An upstream that says 500 is passed on; one of ours is never right.
  const said = /HTTP\/1\.[01] +500/.test(pieces.join(''))
  judge(answer.status === 500 && said ? { ...answer, status: 502 } : answer, {
    relayed: !ours && (by === 'strict' || answer.status !== 500 || said),
    ownPolicy: !ours && by === 'loose',
  })
  if (answer.status === 500 && !said) throw new Error(`500, which nobody said: ${answer.body.slice(0, 500)}`)
  for (const name of NEVER)
    if (answer.headers.has(name) || answer.trailers.has(name)) throw new Error(`${name} from an upstream`)
}

endsWell(ground)
