import fc from 'fast-check'
import { beforeAll } from 'vitest'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import { Visitor } from '../support/client.ts'
import { judge, wireAnswer } from '../support/fuzz/answers.ts'
import { headersOf, newcomer, type Scapegoat } from '../support/fuzz/askers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { hostileText } from '../support/fuzz/values.ts'

const ground = groundOfFile(() => ({}))
let scapegoats: Scapegoat[] = []
beforeAll(async () => {
  scapegoats = [await newcomer(ground.server.origin), await newcomer(ground.server.origin)]
})

/** A value as it is, or one of somebody's real ones, changed. */
type Value = string | { of: number; kind: 'access' | 'refresh' | 'device'; change: Change }
type Change =
  | { does: 'nothing' }
  | { does: 'flip'; at: number }
  | { does: 'cut'; to: number }
  | { does: 'add'; text: string }
  | { does: 'count'; by: number }
interface Sent {
  cookies: [string, Value][]
  joint: string
  path: string
  navigates: boolean
}

const OURS = [
  'porchlight-access',
  'porchlight-refresh',
  'porchlight-device',
  'porchlight-form',
  'porchlight-logout',
  'porchlight-login-abc',
  'porchlight-login-',
  '__Host-porchlight-access',
  'PORCHLIGHT-ACCESS',
]
const PREFERENCES = ['porchlight-theme', 'i18n_redirected', 'nuxt-color-mode', 'theme']
const FOREIGN = ['', 'a', '__proto__', '$Version', 'sid', 'a b', 'a\t', '=']
const RAW = [
  '',
  '%',
  '%zz',
  '%ff',
  '%00',
  'dark',
  'light',
  'zh-CN',
  'en',
  '"',
  '"a',
  '{',
  '{"a":',
  'null',
  '[]',
  'a.b.c',
  'eyJhbGciOiJub25lIn0.e30.',
  'x'.repeat(3000),
  '\x80\xff',
  'j:{"a":1}',
  '%E4%BD',
  '../',
  '<script>',
  '99',
  '-1',
]

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant({ does: 'nothing' as const }),
  fc.record({ does: fc.constant('flip' as const), at: fc.nat(400) }),
  fc.record({ does: fc.constant('cut' as const), to: fc.nat(400) }),
  fc.record({ does: fc.constant('add' as const), text: fc.constantFrom('=', '.', '%', 'A', '.A', ',') }),
  fc.record({ does: fc.constant('count' as const), by: fc.constantFrom(-1, 1, 2, 1e6, 1e20) }),
)
const value: fc.Arbitrary<Value> = fc.oneof(
  { arbitrary: fc.constantFrom(...RAW), weight: 3 },
  {
    arbitrary: hostileText().map(text =>
      Buffer.from(text)
        .toString('latin1')
        .replaceAll(/[\r\n\0]/g, ''),
    ),
    weight: 1,
  },
  { arbitrary: fc.record({ of: fc.nat(1), kind: fc.constantFrom('access', 'refresh', 'device'), change }), weight: 4 },
)

fuzz<Sent>('cookies', {
  input: fc.record({
    cookies: fc.array(fc.tuple(fc.constantFrom(...OURS, ...OURS, ...PREFERENCES, ...PREFERENCES, ...FOREIGN), value), {
      maxLength: 5,
    }),
    joint: fc.constantFrom('; ', '; ', '; ', ';', ',', ' ; ', ';;'),
    path: fc.constantFrom(
      '/',
      '/sign-in',
      '/account',
      '/auth/session',
      '/auth/session',
      '/auth/sessions',
      '/no-such-page',
      '/auth/callback/x?code=c&state=abc.d',
      '/api/notes',
    ),
    navigates: fc.boolean(),
  }),
  batch: 12,
  seeds: {
    'a theme that is no value of a cookie breaks no page': ['/', '/sign-in', '/account', '/no-such-page'].map(path => ({
      cookies: [['porchlight-theme', '%']],
      joint: '; ',
      path,
      navigates: true,
    })),
    'a language that is no value of a cookie breaks no page': ['/', '/sign-in', '/account', '/no-such-page'].map(
      path => ({ cookies: [['i18n_redirected', '%zz']], joint: '; ', path, navigates: true }),
    ),
    'preferences that are no text of any character set break no page': PREFERENCES.flatMap(name =>
      ['%ff', '%E4%BD', '\x80\xff', '%00', ''].map(raw => ({
        cookies: [[name, raw]],
        joint: '; ',
        path: '/sign-in',
        navigates: true,
      })),
    ),
  },
  async run({ cookies, joint, path, navigates }) {
    const browser = new Visitor(ground.server.origin)
    const shown = cookies.map(([name, each]) => [name, typeof each === 'string' ? each : madeOf(each)] as const)
    const cookie = shown
      .map(pair => pair.join('='))
      .join(joint)
      .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
    const headers = {
      cookie,
      'x-forwarded-for': ground.admin.address,
      ...headersOf(navigates ? 'navigation' : 'script'),
    }
    const answer = await browser.ask({ path, cookies: false, headers })
    browser.close()
    judge(wireAnswer(answer), { relayed: path === '/api/notes' })
    ground.seen(answer.text)
    expectNobodyElse(answer.text, cookies)
    if (path === '/auth/session' && answer.status === 200)
      expectHonest(answer.json<SessionAnswer>(), cookies, answer.setCookies)
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

function madeOf({ of, kind, change: made }: Exclude<Value, string>): string {
  const real = scapegoats[of]?.browser.jar.value(kind) ?? ''
  switch (made.does) {
    case 'nothing':
      return real
    case 'flip':
      return real.slice(0, made.at) + (real[made.at] === 'A' ? 'B' : 'A') + real.slice(made.at + 1)
    case 'cut':
      return real.slice(0, made.to)
    case 'add':
      return real + made.text
    case 'count':
      return real.replace(/\.(\d+)\./, (_, generation: string) => `.${Number(generation) + made.by}.`)
    default:
      return made satisfies never
  }
}

const holders = (cookies: Sent['cookies']): Set<string | undefined> =>
  new Set(cookies.flatMap(([, each]) => (typeof each === 'string' ? [] : [scapegoats[each.of]?.email])))

/** Nobody becomes, or sees, somebody whose token was not shown. */
function expectNobodyElse(text: string, cookies: Sent['cookies']): void {
  const known = holders(cookies)
  for (const { email } of scapegoats)
    if (!known.has(email) && text.includes(email))
      throw new Error(`${email} showed no token, and is in ${text.slice(0, 300)}`)
}

function expectHonest({ user }: SessionAnswer, cookies: Sent['cookies'], set: readonly string[]): void {
  if (user !== null && !holders(cookies).has(user.email ?? undefined))
    throw new Error(`signed in as ${user.email}, who showed no token`)
  const sessionCookies = set.filter(line => /porchlight-(?:access|refresh)=/.test(line))
  if (user === null && sessionCookies.length > 0) throw new Error(`nobody, and yet ${sessionCookies.join(' | ')}`)
}

endsWell(ground)
