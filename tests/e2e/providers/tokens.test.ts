import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Visitor } from '../../support/client.ts'
import { somebody } from '../../support/people.ts'
import { ALMA, BRUNO } from '../../support/provider.ts'
import { type ProviderStage, providerStage } from '../../support/provider-stage.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../../support/recording-upstream.ts'
import { stopAll, waitUntil } from '../../support/server.ts'

// The whole way with a real provider: its tokens are kept, refreshed, exchanged, bound and given back by our server,
// and an API behind it sees them.
/** Without an address, which at several providers would be taken. */
const NAMELESS = { ...ALMA, claims: { name: 'Alma Quist' } }
const LIFE_SECONDS = 4
let upstream: RecordingUpstream
let stage: ProviderStage

beforeAll(async () => {
  upstream = await startRecordingUpstream()
  const at = { target: upstream.origin }
  stage = await providerStage(
    {
      main: { options: { accessSeconds: LIFE_SECONDS, audiences: ['stock-api'] } },
      still: { options: { accessSeconds: LIFE_SECONDS, rotates: false, people: [NAMELESS] } },
      bound: {
        options: { accessSeconds: LIFE_SECONDS, dpopNonce: true, people: [NAMELESS] },
        client: { metadata: { dpop_bound_access_tokens: true } },
        setting: { dpop: true },
      },
    },
    {
      UPSTREAMS: JSON.stringify([
        { name: 'orders', ...at, token: 'provider', provider: 'main', websocket: true },
        { name: 'stock', ...at, token: 'exchange', provider: 'main', audience: 'stock-api' },
        { name: 'vault', ...at, token: 'exchange', provider: 'main', audience: 'nobody-knows' },
        { name: 'still', ...at, token: 'provider', provider: 'still' },
        { name: 'bound', ...at, token: 'provider', provider: 'bound' },
        { name: 'own', ...at },
        { name: 'personal', ...at, claims: ['name', 'email', 'email_verified', 'locale'] },
      ]),
    },
  )
})
afterAll(async () => {
  await Promise.all([stage?.stop(), upstream?.stop()])
  await stopAll()
})

async function arrived(as: string, person: typeof ALMA = ALMA): Promise<Visitor> {
  const browser = new Visitor(stage.origin)
  const answer = await stage.signIn(browser, as, person)
  expect([answer.status, answer.headers.location], stage.server.output).toEqual([303, '/'])
  return browser
}

/**
 * Calls the upstream once.
 * @returns what it was shown
 */
async function shown(
  browser: Visitor,
  path: string,
): Promise<{ status: number; authorization: string; proof: string | null }> {
  const mark = `${path}?n=${Math.random()}`
  const answer = await browser.get(mark)
  const request = upstream.requests.findLast(one => one.path.includes(mark.split('?')[1] ?? ''))
  return {
    status: answer.status,
    authorization: request?.headers.authorization ?? '',
    proof: (request?.headers['dpop'] as string | undefined) ?? null,
  }
}

const tokenIn = (authorization: string) => authorization.split(' ')[1] ?? ''
const untilItEnds = (as: string, token: string) =>
  waitUntil(async () => !(await stage.at(as).isAlive(token)), 'the token to end')
const refreshes = (as: string) => stage.at(as).granted.filter(grant => grant === 'refresh_token').length

describe("an upstream that takes the provider's token", () => {
  test('gets the one of whoever asks, which is good at the provider', async () => {
    const [alma, bruno] = [await arrived('main', ALMA), await arrived('main', BRUNO)]
    const tokens = (await Promise.all([shown(alma, '/api/orders/a'), shown(bruno, '/api/orders/b')])).map(one =>
      tokenIn(one.authorization),
    )
    expect(new Set(tokens).size).toBe(2)
    for (const token of tokens) expect(await stage.at('main').isAlive(token)).toBe(true)
  })

  test('BBA-20 at its end 200 parallel requests make one token call, and each reaches the upstream once', async () => {
    const browser = await arrived('main')
    const first = tokenIn((await shown(browser, '/api/orders/first')).authorization)
    await untilItEnds('main', first)
    const before = { refreshes: refreshes('main'), requests: upstream.requests.length }
    // The next one outlives the burst, however long that takes.
    stage.at('main').accessSeconds = 300
    const answers = await Promise.all(Array.from({ length: 200 }, () => browser.get('/api/orders/burst')))
    stage.at('main').accessSeconds = LIFE_SECONDS
    expect(answers.filter(answer => answer.status !== 200)).toEqual([])
    expect(refreshes('main') - before.refreshes).toBe(1)
    const seen = upstream.requests.slice(before.requests)
    expect(seen).toHaveLength(200)
    expect(new Set(seen.map(request => request.headers.authorization)).size).toBe(1)
    expect(tokenIn(seen[0]?.headers.authorization ?? '')).not.toBe(first)
  })

  test('BBA-18 a page that renders calls it by the same way, and holds no token', async () => {
    const browser = await arrived('main')
    const page = await browser.page('/account')
    expect(page.status).toBe(200)
    const { authorization } = await shown(browser, '/api/orders/x')
    expect(page.text.includes(tokenIn(authorization))).toBe(false)
  })

  test('of a provider that does not rotate is refreshed again and again', async () => {
    const browser = await arrived('still')
    const seen = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const { status, authorization } = await shown(browser, '/api/still/x')
      expect(status).toBe(200)
      seen.add(authorization)
      await untilItEnds('still', tokenIn(authorization))
    }
    expect(seen.size).toBe(3)
  })

  test("is not called for somebody who signed in otherwise: 401 with the provider's name, and still signed in", async () => {
    const before = upstream.requests.length
    const answer = await stage.admin.get('/api/orders/x')
    expect([answer.status, answer.json()]).toMatchObject([401, { code: 'provider_sign_in_required', provider: 'main' }])
    expect(upstream.requests.length).toBe(before)
    expect((await stage.admin.session()).user).not.toBeNull()
    expect((await shown(stage.admin, '/api/own/x')).status).toBe(200)
  })
})

describe('OIDC Core §5.1 an upstream that wants to know the person by claims', () => {
  const claims = async (browser: Visitor, path = '/api/personal/x') => {
    const { name, email, email_verified, locale } = decodeJwt(tokenIn((await shown(browser, path)).authorization))
    return { name, email, email_verified, locale }
  }

  test('gets them as the account is at that time, verified where a provider vouches, and no other upstream does', async () => {
    const alma = await arrived('main')
    expect(await claims(alma)).toEqual({ name: 'Alma Quist', email: 'alma@provider.example', email_verified: true })
    expect(await claims(alma, '/api/own/x')).toEqual({})
    expect(await claims(stage.admin)).toMatchObject({ email: expect.any(String), email_verified: false })
    await stage.admin.ask({ method: 'PATCH', path: '/auth/user', body: { name: '新名字' } })
    expect(await claims(stage.admin)).toMatchObject({ name: '新名字', email_verified: false })
  })

  test('gets the language that the person has chosen here, not what anybody else put into the cookie', async () => {
    const alma = await arrived('main')
    const locale = async (value: string) => {
      const mark = `/api/personal/${Math.random()}`
      const cookie = `${alma.jar.header()}; porchlight-language=${value}`
      expect((await alma.get(mark, { cookie })).status).toBe(200)
      const request = upstream.requests.findLast(one => mark.endsWith(one.path.slice(1)))
      return decodeJwt(tokenIn(request?.headers.authorization ?? ''))['locale']
    }
    expect(await locale('zh-CN')).toBe('zh-CN')
    expect(await locale('en')).toBe('en')
    expect(await locale('tlh')).toBeUndefined()
  })
})

describe('an upstream that takes an exchanged token', () => {
  test('JW-21, JW-23, OA-16 gets one that is for it alone, made once', async () => {
    const browser = await arrived('main')
    const exchanges = () => stage.at('main').granted.filter(grant => grant.includes('token-exchange')).length
    const before = exchanges()
    const all = await Promise.all(Array.from({ length: 20 }, () => shown(browser, '/api/stock/x')))
    expect(all.every(one => one.status === 200)).toBe(true)
    expect(exchanges() - before).toBe(1)
    const { aud, sub } = decodeJwt(tokenIn(all[0]?.authorization ?? ''))
    expect([aud, sub]).toEqual(['stock-api', 'alma'])
  })

  test('JW-22 invalid_target never falls back to the broad token: 403, and the upstream hears nothing', async () => {
    const browser = await arrived('main')
    const before = upstream.requests.length
    const answer = await browser.get('/api/vault/x')
    expect([answer.status, answer.json()]).toMatchObject([403, { code: 'provider_refused', provider: 'main' }])
    expect(upstream.requests.length).toBe(before)
    expect((await browser.session()).user).not.toBeNull()
  })
})

describe('an upstream that takes a DPoP-bound token', () => {
  test('JW-18, JW-20 gets a proof by our key for this very call, and it stays so through a refresh', async () => {
    const browser = await arrived('bound')
    const keys = new Set<string>()
    for (let round = 0; round < 2; round++) {
      const { status, authorization, proof } = await shown(browser, '/api/bound/x')
      expect([status, authorization.split(' ')[0]]).toEqual([200, 'DPoP'])
      const { jwk } = decodeProtectedHeader(proof ?? '') as { jwk: JWK }
      const { payload } = await jwtVerify(proof ?? '', await importJWK(jwk, 'ES256'), { typ: 'dpop+jwt' })
      expect(payload).toMatchObject({ htm: 'GET', htu: `${upstream.origin}/x` })
      keys.add(JSON.stringify(jwk))
      await untilItEnds('bound', tokenIn(authorization))
    }
    expect(keys.size).toBe(1)
    expect([...keys][0]).not.toContain('"d"')
  })
})

describe('when it is over', () => {
  test('a sign-out here gives the tokens back there', async () => {
    const browser = await arrived('main', BRUNO)
    const { authorization } = await shown(browser, '/api/orders/x')
    const provider = stage.at('main')
    const revocations = () => provider.requests.filter(request => request === 'POST /token/revocation').length
    const before = revocations()
    expect((await browser.post('/auth/logout')).status).toBe(200)
    await waitUntil(() => revocations() > before, 'the tokens to be given back')
    await waitUntil(async () => !(await provider.isAlive(tokenIn(authorization))), 'the token to be dead')
    expect((await browser.get('/api/orders/x')).status).toBe(401)
  })

  test('BBA-21 a grant that was taken back there ends the session here, which says so once and does not ask again', async () => {
    const browser = await arrived('main')
    const { authorization } = await shown(browser, '/api/orders/x')
    await untilItEnds('main', tokenIn(authorization))
    stage.at('main').revoke('alma')
    const refused = stage.at('main').refused.length
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.get('/api/orders/x')))
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([401]))
    expect(await browser.session()).toMatchObject({ user: null, ended: 'provider_revoked' })
    for (let i = 0; i < 5; i++) await browser.get('/api/orders/x')
    expect(stage.at('main').refused.length - refused).toBe(1)
    // The way in is open: the account is what it was.
    const again = await arrived('main')
    expect((await shown(again, '/api/orders/x')).status).toBe(200)
  })
})

test('who signs in by a password in the same browser afterwards gets none of the tokens before', async () => {
  const browser = await arrived('main', BRUNO)
  expect((await shown(browser, '/api/orders/x')).status).toBe(200)
  const otto = somebody('Otto Other')
  await browser.stranger().post('/auth/register', otto)
  expect((await browser.post('/auth/login', { email: otto.email, password: otto.password })).status).toBe(200)
  expect((await browser.get('/api/orders/x')).json()).toMatchObject({ code: 'provider_sign_in_required' })
})
