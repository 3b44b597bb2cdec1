import type { JWTPayload } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Visitor } from '../../support/client.ts'
import { CLIENT, type HostileProvider, json, startHostileProvider } from '../../support/hostile-provider.ts'
import { arriveFrom, type HostileStage, hostileStage, somebodyAt } from '../../support/hostile-stage.ts'
import { providerSetting } from '../../support/provider-visit.ts'
import { sleep, stopAll, waitUntil } from '../../support/server.ts'
import { varied } from '../../support/varied.ts'

// What a provider says of somebody while their session lives, though no upstream takes a token of the provider.
const MAPPED = { recheckSeconds: 1, roles: { claim: 'realm.roles', admin: ['boss'] } }
const STRICT = { recheckSeconds: 1, roles: { claim: 'groups', user: ['staff'], admin: ['boss'] } }
const NEVER = { recheckSeconds: 0, roles: { claim: 'groups', admin: ['boss'] } }
const OTHERS = { strict: STRICT, never: NEVER }

let stage: HostileStage
let others: Record<keyof typeof OTHERS, HostileProvider>
/** Refreshes that each provider was asked for. */
let asked: Map<HostileProvider, number>
let present: Visitor[]

beforeAll(async () => {
  const [strict, never] = await Promise.all([startHostileProvider(), startHostileProvider()])
  others = { strict, never }
  stage = await hostileStage({
    provider: MAPPED,
    more: Object.entries(OTHERS).map(([id, more]) =>
      providerSetting(
        id,
        others[id as keyof typeof OTHERS].issuer,
        { ...CLIENT, clientAuth: 'client_secret_basic' },
        more,
      ),
    ),
    settings: upstream => ({
      UPSTREAMS: JSON.stringify([
        { name: 'orders', target: upstream.origin },
        { name: 'office', target: upstream.origin, requires: { roles: ['admin'] } },
      ]),
    }),
  })
  await stage.resident.post('/auth/logout')
})
beforeEach(() => {
  asked = new Map()
  present = []
})
// Whoever stayed would be looked at in the next test, too.
afterEach(async () => {
  for (const browser of present) await browser.post('/auth/logout')
})
afterAll(async () => {
  await Promise.all([stage?.stop(), ...Object.values(others ?? {}).map(each => each.stop())])
  await stopAll()
})

type Told = {
  idToken?: (claims: JWTPayload) => void
  answer?: Record<string, unknown>
  refusal?: Record<string, unknown>
}

/** From now on refreshes work there, and give what `told` says. */
function refreshes(at: HostileProvider, told: Told = {}): void {
  at.change.instead = {
    '/token': (request, response) => {
      request.resume()
      const count = (asked.get(at) ?? 0) + 1
      asked.set(at, count)
      if (told.refusal !== undefined) return json(response, 400, told.refusal)
      const now = Math.floor(Date.now() / 1000)
      const claims: JWTPayload = { iss: at.issuer, aud: CLIENT.clientId, sub: at.person.sub, iat: now, exp: now + 300 }
      told.idToken?.(claims)
      const idToken =
        told.idToken === undefined ? Promise.resolve({}) : at.signed(claims).then(token => ({ id_token: token }))
      void idToken.then(more =>
        json(response, 200, {
          access_token: `fresh-${count}`,
          token_type: 'Bearer',
          expires_in: 300,
          refresh_token: `next-${count}`,
          ...more,
          ...told.answer,
        }),
      )
    },
  }
}

async function arrived(at: HostileProvider, claims: Record<string, unknown>, as?: string): Promise<Visitor> {
  at.change = {}
  somebodyAt(at, claims)
  const browser = await arriveFrom(at, stage.server.origin, as)
  present.push(browser)
  refreshes(at)
  return browser
}

const rolesOf = async (browser: Visitor) => (await browser.session()).user?.roles.toSorted() ?? null
const untilRoles = (browser: Visitor, ...roles: string[]) =>
  waitUntil(
    async () => String(await rolesOf(browser)) === String(roles),
    `the roles ${String(roles)}`,
    () => stage.server.output,
  )

/** @returns the first line of an event that the log got after `before` */
async function logged(before: number, event: string): Promise<string | undefined> {
  const find = () =>
    stage.server.output
      .slice(before)
      .split('\n')
      .find(line => line.includes(`"event":"${event}"`))
  await waitUntil(() => find() !== undefined, event)
  return find()
}
const untilAsked = (at: HostileProvider, count: number) =>
  waitUntil(
    () => (asked.get(at) ?? 0) >= count,
    `${count} refreshes`,
    () => stage.server.output,
  )

describe('roles of a living session', () => {
  test('that user-info tells are those of today: in the session, in what the relay asks for, and on open streams', async () => {
    const browser = await arrived(stage.hostile, { realm: { roles: ['boss'] } })
    expect(await rolesOf(browser)).toEqual(['admin', 'user'])
    expect((await browser.get('/api/office/1')).status).toBe(200)
    const stream = browser.get('/api/office/stream')
    await waitUntil(() => stage.upstream.streams() === 1, 'the stream to be open')
    stage.hostile.person['realm'] = { roles: ['cook'] }
    await untilRoles(browser, 'user')
    expect((await browser.get('/api/office/1')).status).toBe(403)
    await stream
    stage.hostile.person['realm'] = { roles: ['cook', 'boss'] }
    await untilRoles(browser, 'admin', 'user')
    expect((await browser.get('/api/office/1')).status).toBe(200)
  })

  test('that the ID token tells alone, too', async () => {
    const browser = await arrived(stage.hostile, { realm: { roles: ['boss'] } })
    delete stage.hostile.person['realm']
    refreshes(stage.hostile, { idToken: claims => (claims['realm'] = { roles: ['boss'] }) })
    await untilAsked(stage.hostile, 2)
    expect(await rolesOf(browser)).toEqual(['admin', 'user'])
    refreshes(stage.hostile, { idToken: claims => (claims['realm'] = { roles: ['cook'] }) })
    await untilRoles(browser, 'user')
  })

  const UNKNOWN: [string, Told][] = [
    ['no ID token comes and user-info lacks the claim: it may have been in the first ID token alone', {}],
    ['the ID token is signed by nobody', { idToken: () => {}, answer: { id_token: 'e30.e30.' } }],
    [
      'there are too many groups for a token (Entra)',
      {
        idToken: claims =>
          Object.assign(claims, { _claim_names: { 'realm.roles': 'src1' }, _claim_sources: { src1: {} } }),
      },
    ],
  ]
  test.each(varied(UNKNOWN.slice(0, 1), UNKNOWN))('stay when %s', async (_title, told) => {
    const browser = await arrived(stage.hostile, { realm: { roles: ['boss'] } })
    const before = stage.server.output.length
    delete stage.hostile.person['realm']
    refreshes(stage.hostile, told)
    await untilAsked(stage.hostile, 2)
    expect(await rolesOf(browser)).toEqual(['admin', 'user'])
    expect(await logged(before, 'provider_roles_unknown')).toContain('"claim":"realm.roles"')
  })

  test('stay when user-info does not answer, and follow once it does', async () => {
    const browser = await arrived(stage.hostile, { realm: { roles: ['boss'] } })
    stage.hostile.change.instead = {
      ...stage.hostile.change.instead,
      '/userinfo': (_, response) => json(response, 503, {}),
    }
    stage.hostile.person['realm'] = { roles: [] }
    await untilAsked(stage.hostile, 2)
    expect(await rolesOf(browser)).toEqual(['admin', 'user'])
    refreshes(stage.hostile)
    await untilRoles(browser, 'user')
  })

  test('that an administrator changed here stay until the provider says something else than before', async () => {
    const browser = await arrived(stage.hostile, { realm: { roles: ['cook'] } })
    const { id } = (await browser.session()).user ?? {}
    expect(
      (
        await stage.admin.ask({
          method: 'PATCH',
          path: `/auth/people/${id}`,
          body: JSON.stringify({ roles: ['admin', 'user'] }),
          headers: { 'content-type': 'application/json' },
        })
      ).status,
    ).toBe(200)
    await untilAsked(stage.hostile, 2)
    expect(await rolesOf(browser)).toEqual(['admin', 'user'])
  })
})

test.each<[string, Record<string, unknown>, string]>([
  ['is missing', {}, 'there is no such claim in what identifies people'],
  [
    'was left out for being too long (Entra)',
    { _claim_names: { 'realm.roles': 'src1' }, _claim_sources: { src1: {} } },
    'overage',
  ],
])('a claim that %s at a sign-in is named in the log', async (_title, claims, why) => {
  const before = stage.server.output.length
  await arrived(stage.hostile, claims)
  const line = await logged(before, 'provider_roles_missing')
  expect(line).toContain('"claim":"realm.roles"')
  expect(line).toContain(why)
})

describe('standing of a living session', () => {
  test('who is disabled at the provider is out, and told so', async () => {
    const browser = await arrived(stage.hostile, {})
    refreshes(stage.hostile, { refusal: { error: 'invalid_grant', error_description: 'User disabled' } })
    await waitUntil(async () => (await browser.session()).user === null, 'the end of the session')
    expect(await browser.session()).toEqual({ user: null, session: null, ended: 'provider_revoked' })
  })

  test('who is not one of those any more that may come in is out', async () => {
    const browser = await arrived(others.strict, { groups: ['staff'] }, 'strict')
    await untilAsked(others.strict, 1)
    expect(await rolesOf(browser)).toEqual(['user'])
    others.strict.person['groups'] = []
    await waitUntil(async () => (await browser.session()).user === null, 'the end of the session')
    await logged(0, 'provider_not_admitted')
  })

  test('trouble at the provider ends nothing', async () => {
    const browser = await arrived(stage.hostile, {})
    stage.hostile.change.instead = { '/token': (_, response) => json(response, 503, {}) }
    const before = stage.hostile.requests.length
    await waitUntil(() => stage.hostile.requests.length > before, 'the provider to be asked')
    expect(await rolesOf(browser)).toEqual(['user'])
    refreshes(stage.hostile)
    await untilAsked(stage.hostile, 1)
  })

  test('a provider whose people are to be looked at only when they sign in is not asked', async () => {
    const browser = await arrived(others.never, { groups: ['boss'] }, 'never')
    await sleep(3000)
    expect(asked.get(others.never) ?? 0).toBe(0)
    expect(await rolesOf(browser)).toEqual(['admin', 'user'])
  })
})

test('BBA-3 no token of it is in the log', () => {
  expect(stage.server.output).not.toMatch(/fresh-\d|next-\d|eyJ[\w-]{20,}\./)
})
