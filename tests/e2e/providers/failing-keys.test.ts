import { afterAll, beforeAll, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts'
import { type HostileStage, hostileStage } from '../../support/hostile-stage.ts'
import { providerSetting } from '../../support/provider-visit.ts'
import { stopAll, waitUntil } from '../../support/server.ts'
import { troubles } from '../../support/troubles.ts'

/** How long keys that could not be fetched are left alone. */
const REST_MS = 5_000
const QUICK = troubles('http://127.0.0.1:1/')
  .filter(({ what }) => !['never answers', 'answers a byte now and then'].includes(what))
  .map((trouble, index) => ({ ...trouble, index }))

let stage: HostileStage
/** One for each kind of trouble, whose keys nobody has fetched: after a success they are left alone anyhow. */
let unasked: HostileProvider[]

beforeAll(async () => {
  unasked = await Promise.all(QUICK.map(() => startHostileProvider()))
  stage = await hostileStage({
    more: unasked.map(({ issuer }, index) =>
      providerSetting(`keys-${index}`, issuer, { ...CLIENT, clientAuth: 'client_secret_basic' }),
    ),
  })
})
afterAll(async () => {
  await Promise.all([stage?.stop(), ...(unasked ?? []).map(each => each.stop())])
  await stopAll()
})

/**
 * A stranger's or the provider's own: to tell, one has to have the keys.
 * @returns the status of our answer
 */
async function sendTo(as: string, token: string): Promise<number> {
  const body = new URLSearchParams({ logout_token: token }).toString()
  return (
    await new Visitor(stage.server.origin).ask({
      method: 'POST',
      path: `/auth/backchannel/${as}`,
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      browserLike: false,
      cookies: false,
    })
  ).status
}

let count = 0
function logoutToken({ issuer, signed }: HostileProvider): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return signed(
    {
      iss: issuer,
      aud: CLIENT.clientId,
      iat: now,
      exp: now + 120,
      jti: `t-${++count}`,
      sub: 'nobody',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    { typ: 'logout+jwt' },
  )
}

test.concurrent.each(QUICK)(
  'OI-10 a provider that $what when asked for its keys is not asked again for every token that a stranger sends',
  async ({ index, answer }) => {
    const provider = unasked[index]
    if (!provider) throw new Error('no such provider')
    const as = `keys-${index}`
    const asked = () => provider.requests.filter(request => request === 'GET /jwks').length
    provider.change = { instead: { '/jwks': answer } }
    const started = Date.now()
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => sendTo(as, await logoutToken(provider))))
    for (let round = 0; round < 10; round++) statuses.push(await sendTo(as, await logoutToken(provider)))
    expect(asked()).toBeGreaterThan(0)
    expect(asked()).toBeLessThanOrEqual(1 + Math.floor((Date.now() - started) / REST_MS))
    // None was believed, and none was an error of ours.
    expect(statuses.filter(status => status !== 400 && status !== 503)).toEqual([])
    provider.change = {}
    await waitUntil(
      async () => (await sendTo(as, await logoutToken(provider))) === 200,
      'the keys to be asked for again',
    )
  },
)
