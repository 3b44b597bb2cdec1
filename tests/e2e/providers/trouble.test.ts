import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts'
import { expectRefused, type HostileStage, hostileStage, signInAt } from '../../support/hostile-stage.ts'
import { providerSetting } from '../../support/provider-visit.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../../support/recording-upstream.ts'
import { stopAll, waitUntil } from '../../support/server.ts'
import { troubles } from '../../support/troubles.ts'

const KINDS = troubles('').map(({ what }, index) => ({ what, index }))

let stage: HostileStage
let trap: RecordingUpstream
/** One for each kind of trouble, so that the slow ones are waited for together. */
let troubled: HostileProvider[]

beforeAll(async () => {
  trap = await startRecordingUpstream()
  // Without addresses: the same one at another provider would be somebody else's (OI-7).
  troubled = await Promise.all(
    KINDS.map(async () =>
      Object.assign(await startHostileProvider(), { person: { sub: 'visitor-1', name: 'Vera Visitor' } }),
    ),
  )
  const settings = troubled.map(({ issuer }, index) =>
    providerSetting(
      `bad-${index}`,
      issuer,
      { ...CLIENT, clientAuth: 'client_secret_basic' },
      { name: `Provider ${index}` },
    ),
  )
  stage = await hostileStage({ more: settings })
})
afterAll(async () => {
  await Promise.all([stage?.stop(), trap?.stop(), ...(troubled ?? []).map(each => each.stop())])
  await stopAll()
})

describe('signs nobody in, and nobody out:', () => {
  test.concurrent.each(KINDS)(
    'a provider that $what when asked for its keys, for user information or for tokens',
    async ({ index }) => {
      const hostile = troubled[index]
      const trouble = troubles(`${trap.origin}/elsewhere`)[index]
      if (!hostile || !trouble) throw new Error('no such trouble')
      const as = `bad-${index}`
      const browser = new Visitor(stage.server.origin)
      const fails = async (path: string) => {
        hostile.change = { instead: { [path]: trouble.answer } }
        const asked = () => hostile.requests.filter(request => request.endsWith(` ${path}`)).length
        const before = asked()
        await expectRefused(stage, browser, await signInAt(browser, hostile, as), trouble.code, as)
        return asked() - before
      }
      expect(await fails('/token')).toBe(1)
      expect(await fails('/jwks')).toBe(1)
      // Left alone for a while, then asked again; user information is asked for once the keys are known.
      hostile.change = {}
      await waitUntil(
        async () => (await signInAt(browser.stranger(), hostile, as)).headers.location === '/account',
        'the keys to be asked for again',
      )
      expect(await fails('/userinfo')).toBe(1)
      expect(trap.requests).toEqual([])
      hostile.change = {}
      expect((await signInAt(browser, hostile, as)).headers.location).toBe('/account')
      expect((await browser.session()).user?.name).toBe('Vera Visitor')
    },
  )
})

test('OA-21 no failure of a provider is an error of ours, and no secret of one is in the log', () => {
  expect(stage.server.output).not.toMatch(/"status":500/)
  expect(
    [stage.hostile, ...troubled].flatMap(each => each.secrets).filter(secret => stage.server.output.includes(secret)),
  ).toEqual([])
})
