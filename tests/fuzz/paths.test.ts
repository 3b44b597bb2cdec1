import fc from 'fast-check'
import { beforeEach } from 'vitest'
import { judge, wireAnswer } from '../support/fuzz/answers.ts'
import { headersOf, type Manner, MANNERS, type Scapegoat, stillIn } from '../support/fuzz/askers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'

const ground = groundOfFile(() => ({}))
let scapegoat: Scapegoat | null = null
beforeEach(async () => {
  if (ground.server.running) scapegoat = await stillIn(ground.server.origin, scapegoat)
})

interface Asked {
  method: string
  path: string
  as: 'nobody' | 'somebody'
  manner: Manner
}

const WORDS = [
  'auth',
  'api',
  'session',
  'sessions',
  'login',
  'logout',
  'callback',
  'backchannel',
  'links',
  'people',
  'invites',
  'events',
  'apps',
  'user',
  'proof',
  'storm',
  'notes',
  'account',
  'security',
  'sign-in',
  'sign-up',
  'set-up',
  'signed-out',
  'reset',
  '_porchlight',
  '.well-known',
  'jwks.json',
  'security.txt',
  'openid-configuration',
  'healthz',
  'readyz',
  'zh-CN',
  'en',
  '_payload.json',
  '__nuxt_error',
  'favicon.ico',
  'robots.txt',
  'index.html',
]
const ODD = [
  '',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '%252e%252e',
  '%2f',
  '%5c',
  '%00',
  '%0d%0a',
  '%',
  '%z',
  '%c0%af',
  '%ff',
  '%F0%9F%92%A9',
  ';x=1',
  'a;b',
  '~',
  ':',
  '@',
  '!',
  '*',
  '$',
  '(',
  ')',
  'x'.repeat(300),
  '%25',
  '%2525',
  'constructor',
  '__proto__',
]
const ENDS = ['', '', '', '/', '.json', '.css', '.js', '.map', '.html', '/_payload.json', '%2ejson', '/x.css']
const QUERIES = [
  '',
  '',
  '',
  '?',
  '?a=%',
  '?cursor=-1',
  '?cursor=zz',
  '?returnTo=//evil.example',
  '?returnTo=%2F%2Fevil',
  '?problem=internal',
  '?problem=%',
  '?problem[]=x',
  '?problem=x&problem=y',
  '?provider=%00',
  '?code=%ff',
  '?url=x&statusCode=500',
  '?__proto__=1',
  '?' + '&'.repeat(400),
]

const segment = fc.oneof(
  { arbitrary: fc.constantFrom(...WORDS), weight: 6 },
  { arbitrary: fc.constantFrom(...ODD), weight: 3 },
  { arbitrary: fc.webSegment({ size: 'small' }), weight: 1 },
)
const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom(...ENDS), fc.constantFrom(...QUERIES))
  .map(([segments, end, query]) => `/${segments.join('/')}${end}${query}`)

const asked = (asks: string, manner: Manner, as: Asked['as'] = 'nobody'): Asked => ({
  method: 'GET',
  path: asks,
  as,
  manner,
})

fuzz<Asked>('paths', {
  input: fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH'),
    path,
    as: fc.constantFrom('nobody', 'somebody'),
    manner: fc.constantFrom(...MANNERS),
  }),
  batch: 16,
  seeds: {
    'a page that does not exist, asked for as JSON, is a problem of ours': [
      asked('/no-such-page', 'json'),
      asked('/no-such-page', 'json', 'somebody'),
      asked('/account/nothing', 'json', 'somebody'),
    ],
    'a page that does not exist, asked for as .json, is a problem of ours': MANNERS.filter(
      manner => manner !== 'navigation',
    ).map(manner => asked('/no-such-page.json', manner)),
    'the folder of the assets itself is refused, and no cache keeps that': MANNERS.flatMap(manner =>
      ['/_porchlight', '/_porchlight/', '/_porchlight/nothing.js'].map(path => asked(path, manner)),
    ),
    'a page that does not exist is a page of ours, with our policy': [
      asked('/no-such-page', 'navigation'),
      asked('/account/x.css', 'navigation', 'somebody'),
      asked('/no-such-page.json', 'navigation'),
    ],
  },
  async run({ method, path: target, as, manner }) {
    const browser = scapegoat?.browser
    if (browser === undefined) throw new Error('nobody asks')
    const answer = await browser.ask({ method, path: target, headers: headersOf(manner), cookies: as === 'somebody' })
    judge(wireAnswer(answer), { relayed: target.startsWith('/api/notes') })
    ground.seen(answer.text)
    const { location } = answer.headers
    if (location !== undefined && new URL(location, ground.server.origin).origin !== ground.server.origin)
      throw new Error(`${answer.status} leads away: ${location}`)
  },
  beside: batch => ground.beside(batch),
  async settle() {
    scapegoat?.browser.close()
    await ground.settle()
  },
})

endsWell(ground)
