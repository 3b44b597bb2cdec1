import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProblemCode } from '../../../server/contract/problem-codes.ts'
import type { MethodsAnswer } from '../../../server/contract/wire.ts'
import { Visitor } from '../../support/client.ts'
import { type Change, CLIENT, type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts'
import { expectRefused, HOSTILE, type HostileStage, hostileStage, signInAt } from '../../support/hostile-stage.ts'
import { providerSetting } from '../../support/provider-visit.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../../support/recording-upstream.ts'
import { stopAll } from '../../support/server.ts'
import { troubles } from '../../support/troubles.ts'

const endpoint = (name: string, value: (origin: string) => unknown): Change => ({
  metadata: metadata => (metadata[name] = value(String(metadata['issuer']))),
})

/** What a discovery document may say that nobody may follow. */
const DOCUMENTS: [string, Change][] = [
  ['OI-1 is of another issuer', endpoint('issuer', () => 'https://somebody-else.example')],
  ['OI-1 has a slash more in its issuer', endpoint('issuer', issuer => `${issuer}/`)],
  ['OI-1 names no issuer', { metadata: metadata => delete metadata['issuer'] }],
  ['has its token endpoint in a file', endpoint('token_endpoint', () => 'file:///etc/passwd')],
  [
    'has its keys where a cloud machine keeps its secrets',
    endpoint('jwks_uri', () => 'http://169.254.169.254/latest/meta-data'),
  ],
  ['has its user information in the network next door', endpoint('userinfo_endpoint', () => 'http://10.0.0.1/admin')],
  [
    'has a script for an authorization endpoint',
    endpoint('authorization_endpoint', () => 'javascript:alert(document.domain)'),
  ],
  [
    'has a password in its token endpoint',
    endpoint('token_endpoint', issuer => `${issuer.replace('://', '://root:root@')}/token`),
  ],
  ['has no token endpoint', { metadata: metadata => delete metadata['token_endpoint'] }],
  ['has no keys', { metadata: metadata => delete metadata['jwks_uri'] }],
]

/** Without an address: the same one at another provider would be somebody else's (OI-7). */
const NAMELESS = { sub: 'visitor-1', name: 'Vera Visitor' }

interface Case {
  title: string
  id: string
  provider: HostileProvider
}

let trap: RecordingUpstream
beforeAll(async () => {
  trap = await startRecordingUpstream()
})
afterAll(async () => {
  await trap?.stop()
  await stopAll()
})

/** A server that knows one honest provider, and one for each change. Nothing of theirs has been asked for before. */
function badProviders(
  changes: () => [string, Change][],
  more: Record<string, unknown>[] = [],
): { stage: () => HostileStage; cases: () => Case[] } {
  let stage: HostileStage
  let cases: Case[] = []
  beforeAll(async () => {
    cases = await Promise.all(
      changes().map(async ([title, change], index) => ({
        title,
        id: `bad-${index}`,
        provider: Object.assign(await startHostileProvider(), { change, person: NAMELESS }),
      })),
    )
    const settings = cases.map(({ id, provider }) =>
      providerSetting(
        id,
        provider.issuer,
        { ...CLIENT, clientAuth: 'client_secret_basic' },
        { name: `Provider ${id}` },
      ),
    )
    stage = await hostileStage({ more: [...settings, ...more] })
  })
  afterAll(() => Promise.all([stage?.stop(), ...cases.map(({ provider }) => provider.stop())]))
  return { stage: () => stage, cases: () => cases }
}

/** Shown as not available, refused with a page, and nothing else about it was asked. */
async function expectUnusable(stage: HostileStage, id: string, code: ProblemCode): Promise<void> {
  const browser = new Visitor(stage.server.origin)
  await expectRefused(stage, browser, await browser.page(`/auth/login/${id}?returnTo=/account`), code, id)
  const { providers } = (await browser.get('/auth/methods')).json<MethodsAnswer>()
  expect(providers.find(each => each.id === id)?.available).toBe(false)
  expect(providers.find(each => each.id === HOSTILE)?.available).toBe(true)
}

describe('a provider whose discovery document', () => {
  const NOWHERE = { id: 'nowhere', kind: 'oidc', issuer: 'https://provider.invalid', clientId: 'x', clientSecret: 'y' }
  const { stage, cases } = badProviders(() => DOCUMENTS, [NOWHERE])

  test.each(DOCUMENTS)('%s is not used', async title => {
    const { id, provider } =
      cases().find(each => each.title === title) ??
      (() => {
        throw new Error('no such case')
      })()
    await expectUnusable(stage(), id, 'provider_misconfigured')
    expect(new Set(provider.requests)).toEqual(new Set(['GET /.well-known/openid-configuration']))
  })

  test('is at a name that nobody has is not used', () => expectUnusable(stage(), NOWHERE.id, 'provider_unavailable'))

  test('is mended is used again by itself', async () => {
    for (const { provider } of cases()) provider.change = {}
    const browser = new Visitor(stage().server.origin)
    const { id, provider } =
      cases()[0] ??
      (() => {
        throw new Error('no case')
      })()
    await expect
      .poll(
        async () =>
          (await browser.get('/auth/methods')).json<MethodsAnswer>().providers.find(each => each.id === id)?.available,
        { timeout: 90_000 },
      )
      .toBe(true)
    expect((await signInAt(browser, provider, id)).headers.location).toBe('/account')
  }, 120_000)

  test('ASVS 16.5.2 is bad keeps nobody else from signing in, and is no error of ours', async () => {
    expect((await signInAt(new Visitor(stage().server.origin), stage().hostile)).headers.location).toBe('/account')
    expect(stage().server.output).not.toMatch(/"status":500/)
    expect(stage().server.output).toContain('provider.invalid')
  })
})

describe('a provider that, asked for its discovery document,', () => {
  const { stage, cases } = badProviders(() =>
    troubles(`${trap.origin}/elsewhere`).map(({ what, answer }) => [
      what,
      { instead: { '/.well-known/openid-configuration': answer } },
    ]),
  )

  test.each(troubles('').map(({ what }) => what))('%s is not used', async what => {
    // Whoever answers, but not with such a document, is not where the setting says.
    const isDown = troubles('').find(each => each.what === what)?.code === 'provider_unavailable'
    await expectUnusable(
      stage(),
      cases().find(each => each.title === what)?.id ?? '',
      isDown ? 'provider_unavailable' : 'provider_misconfigured',
    )
    expect(trap.requests).toEqual([])
  })
})
