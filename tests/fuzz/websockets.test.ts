import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll } from 'vitest'
import { answersIn, judge } from '../support/fuzz/answers.ts'
import { frame, handshake } from '../support/fuzz/frames.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { type RawUpstream, type Script, startRawUpstream } from '../support/fuzz/raw-upstream.ts'
import { deliver, type Ending, ENDINGS } from '../support/fuzz/wire.ts'

let upstream: RawUpstream
const ground = groundOfFile(async () => {
  upstream = await startRawUpstream()
  const common = { target: upstream.origin, websocket: true, timeouts: { connect: 1, headers: 1, idle: 5 } }
  return {
    UPSTREAMS: JSON.stringify([
      { ...common, name: 'live' },
      { ...common, name: 'open', token: 'none', requires: { signedIn: false } },
      { ...common, name: 'deaf', token: 'none', requires: { signedIn: false }, websocket: false },
    ]),
  }
})
afterAll(() => upstream?.close())

interface Tunnel {
  at: 'live' | 'open' | 'deaf'
  head: string[]
  frames: string[]
  reply: string
  then: Script['then']
  ending: Ending
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
const GOOD = handshake(KEY)
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`

const REPLIES = [
  SWITCH,
  SWITCH,
  SWITCH,
  SWITCH.replace(ACCEPT, 'wrong'),
  SWITCH.replace(/Sec-WebSocket-Accept.*\r\n/, ''),
  SWITCH.replace('Upgrade: websocket\r\n', ''),
  SWITCH.replace('Upgrade: websocket', 'Upgrade: h2c'),
  SWITCH.replace('\r\n\r\n', '\r\nSet-Cookie: porchlight-access=stolen\r\n\r\n'),
  SWITCH.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: odd\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n'),
  SWITCH + '\x81\x02hi',
  SWITCH + '\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff',
  SWITCH + '\x00\x00\x00',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 500 Oh\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n' + SWITCH,
  'HTTP/1.1 103 Early Hints\r\n\r\n' + SWITCH,
  'garbage\r\n\r\n',
  '',
  'HTTP/1.1 101\r\n\r\n',
]
const HEADS = [
  ...GOOD,
  'Connection: keep-alive, Upgrade',
  'Connection: close',
  'Upgrade: WebSocket',
  'Upgrade: websocket, h2c',
  'Sec-WebSocket-Key: x',
  'Sec-WebSocket-Version: 8',
  'Sec-WebSocket-Version: 13, 8',
  'Sec-WebSocket-Protocol: a, b',
  'Sec-WebSocket-Protocol: \x80',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99',
  'Origin: https://evil.example',
  'Origin: null',
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Sec-Fetch-Site: cross-site',
  'Cookie: porchlight-access=x',
]

const tunnels = (how: Partial<Tunnel>): Tunnel[] =>
  Array.from({ length: 20 }, () => ({
    at: 'open',
    head: GOOD,
    frames: ['\x81\x82\x00\x00\x00\x00hi'],
    reply: SWITCH,
    then: 'stays',
    ending: 'is gone',
    ...how,
  }))

fuzz<Tunnel>('websockets', {
  input: fc.record({
    at: fc.constantFrom('live', 'open', 'open', 'deaf'),
    head: fc.oneof(
      { arbitrary: fc.constant(GOOD), weight: 3 },
      {
        arbitrary: fc
          .tuple(fc.subarray(GOOD), fc.array(fc.constantFrom(...HEADS), { maxLength: 3 }))
          .map(lists => lists.flat()),
        weight: 2,
      },
    ),
    frames: fc.array(
      fc.oneof({ arbitrary: frame(), weight: 5 }, { arbitrary: fc.constant('GET / HTTP/1.1\r\n\r\n'), weight: 1 }),
      { maxLength: 4 },
    ),
    reply: fc.constantFrom(...REPLIES),
    then: fc.constantFrom('ends', 'stays', 'stays', 'cut', 'deaf'),
    ending: fc.constantFrom(...ENDINGS),
  }),
  batch: 10,
  seeds: {
    'tunnels whose client leaves keep nothing, though the upstream answers no goodbye': tunnels({ then: 'deaf' }),
    'tunnels whose client says goodbye keep nothing, though the upstream answers none': tunnels({
      then: 'deaf',
      ending: 'says goodbye',
    }),
    'tunnels whose upstream says goodbye keep nothing': tunnels({ then: 'ends', ending: 'stays' }),
    'tunnels whose upstream breaks off keep nothing': tunnels({ then: 'cut', ending: 'stays' }),
  },
  async run({ at, head, frames, reply, then, ending }) {
    const { server, admin } = ground
    const name = `w${++count}`
    upstream.script.set(name, { pieces: [reply].filter(text => text !== ''), then })
    const cookie = at === 'live' ? [`Cookie: ${admin.jar.header() ?? ''}`] : []
    const lines = [
      `GET /api/${at}/${name} HTTP/1.1`,
      `Host: ${new URL(server.origin).host}`,
      ...cookie,
      ...head.map(line => line.replace('{origin}', server.origin)),
      '',
      '',
    ].join('\r\n')
    const bytes = await deliver(server.port, {
      pieces: [lines, ...frames].map(piece => Buffer.from(piece, 'latin1')),
      ending,
      quietMs: 400,
    })
    upstream.script.delete(name)
    const [first] = answersIn(bytes.subarray(0, headOf(bytes)))
    if (first === undefined) return
    if (first.status === 101 && /porchlight-access/.test([...first.headers].join()))
      throw new Error('a cookie of ours from an upstream')
    judge(first, { relayed: !/problem\+json/.test(first.headers.get('content-type')?.join() ?? '') })
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

/** What follows a switch of protocols is frames; whatever else came first, is one answer. */
function headOf(bytes: Buffer): number {
  return bytes.toString('latin1').startsWith('HTTP/1.1 101') ? bytes.indexOf('\r\n\r\n') + 4 : bytes.length
}

let count = 0

endsWell(ground)
