import fc from 'fast-check'
import type { JWK, JWTPayload } from 'jose'
import { afterAll } from 'vitest'
import { Visitor } from '../support/client.ts'
import { type Change, CLIENT, type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts'
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

/** What differs from an honest provider, from the browser's return to the user information. */
interface Bent {
  person: string
  claims: Twist[]
  header: Twist[]
  tokens: Twist[]
  userInfo: Twist[]
  keys: Twist[]
  query: [string, string | null][]
  raw: string | null
}

const CLAIMS = [
  'iss',
  'aud',
  'sub',
  'exp',
  'iat',
  'nbf',
  'auth_time',
  'nonce',
  'at_hash',
  'azp',
  'sid',
  'acr',
  'amr',
  'email',
  'email_verified',
  'name',
  'roles',
]
const TOKENS = [
  'access_token',
  'token_type',
  'expires_in',
  'refresh_token',
  'refresh_expires_in',
  'id_token',
  'scope',
  'error',
  'error_description',
]
const USER_INFO = [
  'sub',
  'email',
  'email_verified',
  'name',
  'given_name',
  'preferred_username',
  'updated_at',
  'picture',
  'locale',
]
const HEADER = ['alg', 'kid', 'typ', 'jku', 'jwk', 'x5u', 'x5c', 'b64', 'zip', 'cty']
const KEYS = ['kty', 'kid', 'alg', 'use', 'n', 'e', 'key_ops', 'x5c', 'd', 'crv']

const seldom = <T>(arbitrary: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> =>
  fc.oneof({ arbitrary: fc.constant<T[]>([]), weight: 3 }, { arbitrary, weight: 1 })
const RAW_TOKENS = [
  '',
  '{',
  '[]',
  'null',
  '"x"',
  '{"access_token":1}',
  '{"error":"invalid_grant"}',
  '{"error":{}}',
  '{"error":"x\\u0000\\r\\n"}',
  '<html>',
  'access_token=a&token_type=bearer',
  '{"access_token":"a","access_token":"b"}',
  '{"__proto__":{"access_token":"x"}}',
  '['.repeat(5000),
]

/** More than this a test's own client does not read of a redirect. */
const MAX_QUERY = 400

const bent = (one: Partial<Bent>): Bent => ({
  person: 'a',
  claims: [],
  header: [],
  tokens: [],
  userInfo: [],
  keys: [],
  query: [],
  raw: null,
  ...one,
})
const is = (field: string, value: unknown): Twist => ({ field, does: 'is', value })

fuzz<Bent>('provider answers', {
  input: fc.record({
    person: fc.constantFrom('a', 'b', 'c', 'd'),
    claims: fc.oneof(fc.constant<Twist[]>([]), twists(CLAIMS)),
    header: seldom(twists(HEADER, 2)),
    tokens: seldom(twists(TOKENS)),
    userInfo: seldom(twists(USER_INFO)),
    keys: seldom(twists(KEYS, 2)),
    query: seldom(
      fc.array(
        fc.tuple(
          fc.constantFrom(
            'code',
            'state',
            'iss',
            'error',
            'error_description',
            'error_uri',
            'session_state',
            'response',
          ),
          fc.option(hostileText()),
        ),
        { maxLength: 2 },
      ),
    ),
    raw: fc.option(fc.constantFrom(...RAW_TOKENS), { freq: 8 }),
  }),
  // One after the other: what a provider says is bent for everybody at once.
  batch: 1,
  seeds: {
    'a time of sign-in with a fraction is floored, and signs in': [
      bent({ claims: [is('auth_time', 1_795_870_570.8765433)] }),
    ],
    'times with fractions are floored, wherever they stand': ['exp', 'iat', 'nbf', 'auth_time'].map(field =>
      bent({ claims: [{ field, does: 'is shifted', by: -0.8765433 }] }),
    ),
    'numbers too large for a date are refused': ['exp', 'iat', 'nbf', 'auth_time'].flatMap(field =>
      [1e17, 1e300, 2 ** 53, -1e17].map(value => bent({ claims: [is(field, value)] })),
    ),
    'lives with fractions, too large or negative': ['expires_in', 'refresh_expires_in'].flatMap(field =>
      [0.5, 1e17, 1e300, -1, '3600', '1e9', null].map(value => bent({ tokens: [is(field, value)] })),
    ),
    'a scope that is null': [bent({ tokens: [is('scope', null)] })],
  },
  async run(all) {
    const browser = new Visitor(ground.server.origin)
    provider.person = { sub: `person-${all.person}`, name: `Person ${all.person}` }
    provider.change = changeOf(all)
    const answer = await signInAt(browser, provider).catch((error: unknown) => {
      // Our own client sends no such address.
      if (error instanceof TypeError) return null
      throw error
    })
    provider.change = {}
    browser.close()
    if (answer === null) return
    judge(wireAnswer(answer))
    const text = answer.text + (answer.headers.location ?? '')
    for (const secret of provider.secrets)
      if (text.includes(secret)) throw new Error(`a secret of the provider in ${text.slice(0, 500)}`)
    ground.keepSecret(...provider.secrets.splice(1))
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

function changeOf({ claims, header, tokens, userInfo, keys, query, raw }: Bent): Change {
  return {
    claims: (given: JWTPayload) => twist(given, claims),
    header: given => twist(given as Record<string, unknown>, header),
    tokens: given => twist(given, tokens),
    userInfo: given => twist(given, userInfo),
    keys: (given: JWK[]) => given.forEach(key => twist(key, keys)),
    response: given => {
      for (const [name, value] of query)
        if (value === null) given.delete(name)
        else given.set(name, value.toWellFormed().slice(0, MAX_QUERY))
    },
    ...(raw === null
      ? {}
      : {
          instead: {
            '/token': (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(raw),
          },
        }),
  }
}

endsWell(ground)
