import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, json, startHostileProvider } from '../../support/hostile-provider.ts'
import { expectRefused, type HostileStage, hostileStage, signInAt, somebodyAt } from '../../support/hostile-stage.ts'
import { providerSetting } from '../../support/provider-visit.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../../support/recording-upstream.ts'
import { stopAll } from '../../support/server.ts'
import { troubles } from '../../support/troubles.ts'

/** A name that no resolver knows (RFC 6761 §6.4). */
const NOWHERE = 'https://nobody.invalid'
const ENDPOINTS = [
  ['token_endpoint', 'lost-token'],
  ['jwks_uri', 'lost-keys'],
  ['userinfo_endpoint', 'lost-info'],
  ['pushed_authorization_request_endpoint', 'lost-push'],
] as const
const KINDS = troubles('').map(({ what }, index) => ({ what, index }))

let stage: HostileStage
let trap: RecordingUpstream
const lost = new Map<string, HostileProvider>()
let pushing: HostileProvider[]

beforeAll(async () => {
  trap = await startRecordingUpstream()
  const settingOf = (id: string, { issuer }: HostileProvider) =>
    providerSetting(id, issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }, { name: `Provider ${id}` })
  for (const [endpoint, id] of ENDPOINTS) {
    const provider = await startHostileProvider()
    provider.change = { metadata: metadata => (metadata[endpoint] = `${NOWHERE}/x`) }
    lost.set(id, provider)
  }
  pushing = await Promise.all(
    KINDS.map(async () => {
      const provider = await startHostileProvider()
      provider.change = {
        metadata: metadata => (metadata['pushed_authorization_request_endpoint'] = `${provider.issuer}/push`),
      }
      return provider
    }),
  )
  stage = await hostileStage({
    more: [
      ...[...lost].map(([id, provider]) => settingOf(id, provider)),
      ...pushing.map((provider, index) => settingOf(`push-${index}`, provider)),
    ],
  })
})
afterAll(async () => {
  await Promise.all([stage?.stop(), trap?.stop(), ...[...lost.values(), ...(pushing ?? [])].map(each => each.stop())])
  await stopAll()
})

describe('a name that no resolver knows', () => {
  test.each(['lost-token', 'lost-keys', 'lost-info'])(
    'behind an endpoint of %s: a clear page, and nobody is signed in',
    async id => {
      const provider = lost.get(id)
      if (!provider) throw new Error('no such provider')
      somebodyAt(provider)
      const browser = new Visitor(stage.server.origin)
      await expectRefused(stage, browser, await signInAt(browser, provider, id), 'provider_unavailable', id)
    },
  )

  test('behind the place to push requests to: no sign-in begins, and none goes by the open way instead', async () => {
    await expectNoneBegins('lost-push', 'provider_unavailable')
    expect(lost.get('lost-push')?.authorizations).toEqual([])
  })
})

describe('a provider that takes requests by PAR alone', () => {
  test.concurrent.each(KINDS)(
    'a PAR endpoint that $what: no sign-in begins, and none goes without PAR instead',
    async ({ index }) => {
      const provider = pushing[index]
      const trouble = troubles(`${trap.origin}/elsewhere`)[index]
      if (!provider || !trouble) throw new Error('no such trouble')
      const { metadata } = provider.change
      provider.change = { ...(metadata ? { metadata } : {}), instead: { '/push': trouble.answer } }
      await expectNoneBegins(`push-${index}`, trouble.code)
      expect(trap.requests).toEqual([])
      provider.change = {
        ...(metadata ? { metadata } : {}),
        instead: {
          '/push': (_, response) =>
            json(response, 201, { request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 }),
        },
      }
      const { headers } = await new Visitor(stage.server.origin).page(`/auth/login/push-${index}`)
      expect([...new URL(headers.location ?? '').searchParams].sort()).toEqual([
        ['client_id', CLIENT.clientId],
        ['request_uri', 'urn:ietf:params:oauth:request_uri:1'],
      ])
    },
  )
})

async function expectNoneBegins(id: string, code: string): Promise<void> {
  const browser = new Visitor(stage.server.origin)
  const answer = await browser.page(`/auth/login/${id}?returnTo=/account`)
  expect([answer.status, answer.headers.location]).toEqual([
    303,
    `/sign-in?problem=${code}&provider=${id}&returnTo=%2Faccount`,
  ])
  expect(browser.jar.all().map(({ name }) => name)).toEqual([])
  expect((await browser.session()).user).toBeNull()
}
