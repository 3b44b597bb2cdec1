import fc from 'fast-check'
import type { JWK } from 'jose'
import { afterAll } from 'vitest'
import type { MethodsAnswer } from '../../server/contract/wire.ts'
import { Visitor } from '../support/client.ts'
import { type Change, CLIENT, type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts'
import { signInAt } from '../support/hostile-stage.ts'
import { providerSetting } from '../support/provider-visit.ts'
import { judge, wireAnswer } from '../support/fuzz/answers.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { type Twist, twist, twists } from '../support/fuzz/values.ts'

const PROVIDERS = 6

const providers: HostileProvider[] = []
const settings = () => ({
  PROVIDERS: JSON.stringify(
    providers.map(({ issuer }, at) =>
      providerSetting(`p${at}`, issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }),
    ),
  ),
})
const ground = groundOfFile(async () => {
  providers.push(...(await Promise.all(Array.from({ length: PROVIDERS }, () => startHostileProvider()))))
  return settings()
})
afterAll(() => Promise.all(providers.map(provider => provider.stop())))

interface Found {
  metadata: Twist[]
  keys: Twist[]
  raw: { path: string; status: number; type: string; body: string } | null
}

const METADATA = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'userinfo_endpoint',
  'jwks_uri',
  'revocation_endpoint',
  'end_session_endpoint',
  'pushed_authorization_request_endpoint',
  'response_types_supported',
  'subject_types_supported',
  'id_token_signing_alg_values_supported',
  'code_challenge_methods_supported',
  'token_endpoint_auth_methods_supported',
  'authorization_response_iss_parameter_supported',
  'require_pushed_authorization_requests',
  'backchannel_logout_supported',
  'dpop_signing_alg_values_supported',
  'scopes_supported',
  'mtls_endpoint_aliases',
  'userinfo_signing_alg_values_supported',
]
const KEYS = ['kty', 'kid', 'alg', 'use', 'n', 'e', 'key_ops', 'x5c', 'd', 'crv', 'x']
const BODIES = [
  '',
  '{',
  '[]',
  'null',
  '{}',
  '{"keys":{}}',
  '{"keys":null}',
  '{"keys":[]}',
  '{"keys":[null,1,"x",[],{}]}',
  '{"__proto__":{}}',
  '<html>',
  '\ufeff{}',
  '['.repeat(20_000),
  `{"x":"${'x'.repeat(300_000)}"}`,
  '{"issuer":"http://127.0.0.1"}',
]

fuzz<Found>('discovery and keys', {
  input: fc.record({
    metadata: fc.oneof(fc.constant<Twist[]>([]), twists(METADATA, 4)),
    keys: fc.oneof(fc.constant<Twist[]>([]), twists(KEYS, 3)),
    raw: fc.option(
      fc.record({
        path: fc.constantFrom('/.well-known/openid-configuration', '/jwks'),
        status: fc.constantFrom(200, 200, 200, 204, 304, 404, 500, 599, 302),
        type: fc.constantFrom('application/json', 'application/json', 'text/html', 'application/jwk-set+json', ''),
        body: fc.constantFrom(...BODIES),
      }),
      { freq: 4 },
    ),
  }),
  batch: PROVIDERS,
  // What a server found out about a provider, it keeps: each batch has a new one, that knows nothing yet.
  async prepare(all) {
    for (const [at, found] of all.entries())
      Object.assign(providers[at] ?? {}, { change: changeOf(found), person: { sub: 'visitor', name: 'Vera Visitor' } })
    await ground.restart(settings())
  },
  async run(_found, at) {
    const issuer = providers[at]?.issuer ?? ''
    const browser = new Visitor(ground.server.origin)
    const begun = await browser.page(`/auth/login/p${at}?returnTo=/account`)
    judge(wireAnswer(begun))
    const { location = '' } = begun.headers
    if (location.startsWith(`${issuer}/authorize`))
      judge(wireAnswer(await signInAt(browser, providers[at] as HostileProvider, `p${at}`)))
    else if (!/^\/|^https:\/\/|^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/]/.test(location))
      throw new Error(`leads to ${location}`)
    const { providers: known } = (await browser.get('/auth/methods')).json<MethodsAnswer>()
    if (known.length !== PROVIDERS) throw new Error(`${known.length} providers are told of`)
    browser.close()
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

function changeOf({ metadata, keys, raw }: Found): Change {
  return {
    metadata: given => twist(given, metadata),
    keys: (given: JWK[]) => given.forEach(key => twist(key, keys)),
    ...(raw === null
      ? {}
      : {
          instead: {
            [raw.path]: (_, response) =>
              void response
                .writeHead(raw.status, {
                  ...(raw.type === '' ? {} : { 'content-type': raw.type }),
                  ...(raw.status === 302 ? { location: '/elsewhere' } : {}),
                })
                .end(raw.body),
          },
        }),
  }
}

endsWell(ground)
