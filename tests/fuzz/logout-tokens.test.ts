import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type { JWTHeaderParameters, JWTPayload } from 'jose'
import { afterAll } from 'vitest'
import { Visitor } from '../support/client.ts'
import { CLIENT, type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts'
import { HOSTILE, signInAt } from '../support/hostile-stage.ts'
import { providerSetting } from '../support/provider-visit.ts'
import { judge, wireAnswer } from '../support/fuzz/answers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { hostileText, type Twist, twist, twists } from '../support/fuzz/values.ts'

let provider: HostileProvider
const ground = groundOfFile(async () => {
  provider = await startHostileProvider()
  return {
    PROVIDERS: JSON.stringify([
      providerSetting(HOSTILE, provider.issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }),
    ]),
  }
})
afterAll(() => provider?.stop())

interface Told {
  claims: Twist[]
  header: Twist[]
  raw: string | null
  cut: number
  type: string
  body: string | null
  provider: string
  mustEnd: boolean
}

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const CLAIMS = ['iss', 'aud', 'sub', 'sid', 'exp', 'iat', 'nbf', 'jti', 'events', 'nonce', 'azp', 'toe', 'trace_id']
const told = (one: Partial<Told>): Told => ({
  claims: [],
  header: [],
  raw: null,
  cut: 0,
  type: 'application/x-www-form-urlencoded',
  body: null,
  provider: HOSTILE,
  mustEnd: false,
  ...one,
})
const shifted = (field: string, by: number): Twist => ({ field, does: 'is shifted', by })

fuzz<Told>('logout tokens', {
  input: fc.record({
    claims: twists(CLAIMS),
    header: fc.oneof(fc.constant<Twist[]>([]), twists(['alg', 'typ', 'kid', 'jwk', 'jku', 'cty'], 2)),
    raw: fc.option(
      fc.oneof(
        hostileText(),
        fc.constantFrom('a.b.c', 'eyJhbGciOiJub25lIn0.e30.', '..', '.'.repeat(5000), 'e30.e30.e30'),
      ),
      { freq: 4 },
    ),
    cut: fc.constantFrom(0, 0, 0, 0, 1, 10, 200),
    type: fc.constantFrom(
      'application/x-www-form-urlencoded',
      'application/x-www-form-urlencoded',
      'application/x-www-form-urlencoded',
      'application/json',
      'text/plain',
      '',
    ),
    body: fc.option(
      fc.constantFrom(
        '',
        'logout_token=',
        'logout_token=a&logout_token=b',
        'logout_token=%',
        '{"logout_token":"x"}',
        '&'.repeat(3000),
        'x'.repeat(200_000),
      ),
      { freq: 8 },
    ),
    provider: fc.constantFrom(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 'nobody', '', '%00', 'constructor', '../x'),
    mustEnd: fc.constant(false),
  }),
  batch: 6,
  seeds: {
    'an end with a fraction is floored, and the session ends': [
      told({ claims: [shifted('exp', 0.8765433)], mustEnd: true }),
    ],
    'times with fractions are floored, and the session ends': [
      told({ claims: [shifted('iat', -0.8765433)], mustEnd: true }),
    ],
    'an end that no date reaches is bounded, and the session ends': [1e17, 1e12, 2 ** 53].map(value =>
      told({ claims: [{ field: 'exp', does: 'is', value }], mustEnd: true }),
    ),
    'numbers that are no times are refused': ['exp', 'iat', 'nbf'].flatMap(field =>
      [-1e17, 1e300, '12', [], {}].map(value => told({ claims: [{ field, does: 'is', value }] })),
    ),
  },
  async run(one) {
    const sub = `person-${++count}`
    const person = one.mustEnd ? await arrived(sub) : null
    const token = (one.raw ?? (await signed(sub, one))).slice(0, one.cut === 0 ? undefined : -one.cut)
    const body = one.body ?? new URLSearchParams({ logout_token: token.toWellFormed() }).toString()
    const caller = new Visitor(ground.server.origin)
    const answer = await caller.ask({
      method: 'POST',
      path: `/auth/backchannel/${one.provider}`,
      body,
      headers: one.type === '' ? {} : { 'content-type': one.type },
      browserLike: false,
      cookies: false,
    })
    caller.close()
    judge(wireAnswer(answer))
    if (person === null) return
    const { user } = await person.session()
    person.close()
    if (answer.status !== 200 || user !== null)
      throw new Error(`${answer.status}, and the session ${user === null ? 'ended' : 'lives on'}: ${answer.text}`)
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

let count = 0
let turn: Promise<unknown> = Promise.resolve()

/** One at a time: whoever is at the provider, is there for everybody. */
function arrived(sub: string): Promise<Visitor> {
  const next = turn.then(async () => {
    provider.person = { sub, name: `Person ${sub}` }
    const browser = new Visitor(ground.server.origin)
    const { headers } = await signInAt(browser, provider)
    if (headers.location !== '/account') throw new Error(`no sign-in: ${headers.location}`)
    return browser
  })
  turn = next.catch(() => {})
  return next
}

async function signed(sub: string, { claims: changes, header }: Told): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims: JWTPayload = {
    iss: provider.issuer,
    aud: CLIENT.clientId,
    sub,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    events: EVENTS,
  }
  twist(claims, changes)
  const head: Record<string, unknown> = { typ: 'logout+jwt' }
  twist(head, header)
  // What no library signs, is sent without a signature.
  return provider
    .signed(claims, head as Partial<JWTHeaderParameters>)
    .catch(() => `${coded(head)}.${coded(claims)}.AAAA`)
}

const coded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

endsWell(ground)
