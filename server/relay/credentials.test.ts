import type { IncomingHttpHeaders } from 'node:http'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { ANNA, testUpstream, ask, front, listen, type RelayVault } from './relay.testing.ts'

const open: { close: () => Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

let key: JWK
beforeAll(async () => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  key = await exportJWK(privateKey)
})

interface Heard {
  url: string
  method: string
  headers: IncomingHttpHeaders
  body: string
}
type Judge = (heard: Heard, count: number) => { status: number; headers?: Record<string, string> }

/** An upstream that decides about each call, behind a relay with the tokens of `vault`. */
async function stage(
  vault: Partial<RelayVault>,
  judge: Judge = () => ({ status: 200 }),
  token: 'provider' | 'exchange' = 'provider',
) {
  const heard: Heard[] = []
  const behind = await listen((request, response) => {
    let body = ''
    request
      .on('data', chunk => (body += String(chunk)))
      .on('end', () => {
        const one = { url: request.url ?? '', method: request.method ?? '', headers: request.headers, body }
        heard.push(one)
        const { status, headers = {} } = judge(one, heard.length)
        response.writeHead(status, headers).end(`answer ${heard.length}`)
      })
  })
  const refuse = async () => Promise.reject(new Problem('provider_sign_in_required', { provider: 'main' }))
  const site = await front(
    [testUpstream(behind.origin, { token, provider: 'main', audience: 'notes-api' })],
    undefined,
    {
      tokenFor: refuse,
      exchange: refuse,
      ...vault,
    },
  )
  open.push(behind, site)
  return {
    heard,
    behind: behind.origin,
    call: (path = '/api/notes/list?page=2', options: Parameters<typeof ask>[2] = {}) => ask(site.origin, path, options),
  }
}

const tokens = (accessToken: string, dpopKey: JWK | null = null) => ({
  accessToken,
  refreshToken: 'never to leave',
  idToken: null,
  tokenType: dpopKey === null ? ('Bearer' as const) : ('DPoP' as const),
  scope: null,
  accessEndsAt: null,
  dpopKey,
})

describe("an upstream that takes a provider's token", () => {
  test("JW-20 gets it as Bearer, from the caller's session, and nothing that the browser sent instead", async () => {
    const asked: unknown[] = []
    const { heard, call } = await stage({
      tokenFor: async (...all) => {
        asked.push(all)
        return tokens('of-anna')
      },
    })
    await call(undefined, { headers: { authorization: 'Bearer forged', dpop: 'forged', 'x-test-caller': 'anna' } })
    expect(heard[0]?.headers).toMatchObject({ authorization: 'Bearer of-anna' })
    expect(heard[0]?.headers['dpop']).toBeUndefined()
    expect(asked).toEqual([[ANNA.session, 'main', null]])
  })

  test('is not called for a session without one: 401 names the provider to sign in with', async () => {
    const { heard, call } = await stage({})
    const answer = await call()
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      401,
      { code: 'provider_sign_in_required', provider: 'main' },
    ])
    expect(heard).toEqual([])
  })

  test('BBA-20 that refuses it is called once more, with a refreshed one', async () => {
    const refusals: (string | null)[] = []
    const { heard, call } = await stage(
      {
        tokenFor: async (_session, _provider, refused) => {
          refusals.push(refused)
          return tokens(refused === null ? 'old' : 'fresh')
        },
      },
      ({ headers }) => ({ status: headers.authorization === 'Bearer fresh' ? 200 : 401 }),
    )
    expect((await call()).status).toBe(200)
    expect(heard.map(one => one.headers.authorization)).toEqual(['Bearer old', 'Bearer fresh'])
    expect(refusals).toEqual([null, 'old'])
  })

  test('that refuses every token is called twice and no more, and its 401 is passed on', async () => {
    const { heard, call } = await stage({ tokenFor: async () => tokens('same') }, () => ({
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    }))
    expect((await call()).status).toBe(401)
    expect(heard).toHaveLength(2)
  })

  test('is not called twice if the request had a body, which has been consumed', async () => {
    const { heard, call } = await stage({ tokenFor: async () => tokens('old') }, () => ({ status: 401 }))
    expect((await call(undefined, { method: 'POST', send: 'a note', headers: { 'content-length': '6' } })).status).toBe(
      401,
    )
    expect(heard.map(one => one.body)).toEqual(['a note'])
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'after refusing the token of a %s with a body, gets another one with the next such call',
    async method => {
      const { heard, call } = await stage(
        {
          tokenFor: async (_session, _provider, refused) => tokens(refused === 'old' ? 'fresh' : 'old'),
        },
        ({ headers }) => ({ status: headers.authorization === 'Bearer fresh' ? 200 : 401 }),
      )
      const send = async () =>
        (await call(undefined, { method, send: 'a note', headers: { 'content-length': '6' } })).status
      expect([await send(), await send()]).toEqual([401, 200])
      expect(heard.map(one => one.headers.authorization)).toEqual(['Bearer old', 'Bearer fresh'])
    },
  )

  test('a refusal is remembered until the token is replaced, and only for that session and upstream', async () => {
    const asked: (string | null)[] = []
    let current = 'old'
    const { call } = await stage(
      {
        tokenFor: async (_session, _provider, refused) => {
          asked.push(refused)
          return tokens(current)
        },
      },
      ({ headers }) => ({ status: headers.authorization === 'Bearer fresh' ? 200 : 401 }),
    )
    const send = async () =>
      (await call(undefined, { method: 'POST', send: 'a note', headers: { 'content-length': '6' } })).status
    // For a while, no newer token is available.
    expect([await send(), await send()]).toEqual([401, 401])
    current = 'fresh'
    expect([await send(), await send()]).toEqual([200, 200])
    expect(asked).toEqual([null, 'old', 'old', null])
  })

  test("a session ended by the refresh is reported as such, instead of passing on the upstream's 401", async () => {
    const { call } = await stage(
      {
        tokenFor: async (_session, _provider, refused) => {
          if (refused !== null) throw new Problem('not_signed_in')
          return tokens('old')
        },
      },
      () => ({ status: 401 }),
    )
    expect(JSON.parse((await call()).body)).toMatchObject({ code: 'not_signed_in' })
  })

  test('a token that contains a line break is never sent', async () => {
    const { heard, call } = await stage({ tokenFor: async () => tokens('a\r\nx-user: root') })
    expect(JSON.parse((await call()).body)).toMatchObject({ code: 'provider_answer_invalid' })
    expect(heard).toEqual([])
  })
})

describe('an upstream that takes an exchanged token', () => {
  test('JW-21 gets the one for its audience', async () => {
    const asked: unknown[] = []
    const { heard, call } = await stage(
      {
        tokenFor: async () => tokens('the broad one'),
        exchange: async (_session, provider, upstream) => {
          asked.push([provider, upstream.audience])
          return { accessToken: 'for-notes', tokenType: 'Bearer', endsAt: null, dpopKey: null }
        },
      },
      undefined,
      'exchange',
    )
    await call()
    expect(heard[0]?.headers.authorization).toBe('Bearer for-notes')
    expect(asked).toEqual([['main', 'notes-api']])
  })

  test('JW-22 never gets the broader one instead, whatever the exchange returns', async () => {
    const { heard, call } = await stage(
      {
        tokenFor: async () => tokens('the broad one'),
        exchange: async () => Promise.reject(new Problem('provider_refused')),
      },
      undefined,
      'exchange',
    )
    expect((await call()).status).toBe(403)
    expect(heard).toEqual([])
  })
})

describe('an upstream that takes a DPoP-bound token', () => {
  const vault = { tokenFor: async () => tokens('bound', key) }
  const proofOf = async (headers: IncomingHttpHeaders) => {
    const { payload, protectedHeader } = await jwtVerify(
      String(headers['dpop']),
      await import('jose').then(jose => jose.importJWK(jwkOf(headers), 'ES256')),
      { typ: 'dpop+jwt' },
    )
    return { payload, protectedHeader }
  }
  const jwkOf = (headers: IncomingHttpHeaders) =>
    (JSON.parse(Buffer.from(String(headers['dpop']).split('.')[0] ?? '', 'base64url').toString()) as { jwk: JWK }).jwk

  test('JW-18 gets a new proof with each call: method, URL without the query, token hash, and no private part of the key', async () => {
    const { heard, behind, call } = await stage(vault)
    await call()
    await call('/api/notes/one', { method: 'DELETE' })
    const [first, second] = await Promise.all(heard.map(one => proofOf(one.headers)))
    expect(heard[0]?.headers.authorization).toBe('DPoP bound')
    expect(first?.payload).toMatchObject({ htm: 'GET', htu: `${behind}/list`, ath: sha256('bound') })
    expect(second?.payload).toMatchObject({ htm: 'DELETE', htu: `${behind}/one` })
    expect(first?.payload.jti).not.toBe(second?.payload.jti)
    expect(Object.keys(jwkOf(heard[0]?.headers ?? {})).toSorted()).toEqual(['crv', 'kty', 'x', 'y'])
    expect(await calculateJwkThumbprint(jwkOf(heard[0]?.headers ?? {}))).toBe(await calculateJwkThumbprint(key))
  })

  const nonceWanted: Judge = ({ headers }) => {
    const claims = JSON.parse(Buffer.from(String(headers['dpop']).split('.')[1] ?? '', 'base64url').toString()) as {
      nonce?: string
    }
    return claims.nonce === 'n-1'
      ? { status: 200 }
      : { status: 401, headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-1' } }
  }

  test('JW-19 that asks for a nonce is called once more with it, and every later call includes it', async () => {
    const { heard, call } = await stage(vault, nonceWanted)
    expect((await call()).status).toBe(200)
    expect((await call()).status).toBe(200)
    expect(heard).toHaveLength(3)
    // A nonce also serves the next call if the first could not be repeated.
    expect((await call(undefined, { method: 'POST', send: 'x', headers: { 'content-length': '1' } })).status).toBe(200)
    expect(heard).toHaveLength(4)
  })

  test('JW-19 that keeps asking for a nonce is called once more, then its 401 is passed on', async () => {
    const { heard, call } = await stage(vault, (_heard, count) => ({
      status: 401,
      headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': `n-${count}` },
    }))
    const answer = await call()
    expect(answer.status).toBe(401)
    expect(heard).toHaveLength(2)
    expect(answer.headers['dpop-nonce']).toBeUndefined()
  })

  test('JW-19 a nonce sent with any response is used from then on', async () => {
    const { heard, call } = await stage(vault, (_heard, count) => ({
      status: 200,
      headers: { 'dpop-nonce': `n-${count}` },
    }))
    await call()
    await call()
    await call()
    const nonces = await Promise.all(heard.map(async one => (await proofOf(one.headers)).payload['nonce']))
    expect(nonces).toEqual([undefined, 'n-1', 'n-2'])
  })
})
