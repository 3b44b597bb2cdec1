import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CLIENT, json } from '../../tests/support/hostile-provider.ts'
import { testProviders, type TestProviders } from './providers.testing.ts'

let at: TestProviders
beforeEach(async () => {
  at = await testProviders()
})
afterEach(() => at.close())

type Respond = (request: IncomingMessage, response: ServerResponse) => void
const refuse =
  (status: number, error: string, description?: string): Respond =>
  (_, response) =>
    json(response, status, { error, ...(description === undefined ? {} : { error_description: description }) })
const calls = () => at.events('provider_call_failed')
const PAR = {
  metadata: (metadata: Record<string, unknown>) =>
    void (metadata['pushed_authorization_request_endpoint'] = `${String(metadata['issuer'])}/par`),
}

describe("ASVS 16.3.3 a failed call is logged as one line with the provider's own words", () => {
  test.each<[string, string, string]>([
    ['POST', '/par', 'provider_misconfigured'],
    ['POST', '/token', 'provider_misconfigured'],
    ['GET', '/jwks', 'provider_answer_invalid'],
    ['GET', '/userinfo', 'provider_misconfigured'],
    ['GET', '/.well-known/openid-configuration', 'provider_misconfigured'],
  ])('%s %s', async (method, path, code) => {
    at.hostile.change = { ...PAR, instead: { [path]: refuse(400, 'invalid_client', 'The client is not known here.') } }
    expect(await at.open({ roles: { claim: 'groups' } }).outcome()).toBe(code)
    expect(calls()[0]).toMatchObject({
      provider: 'hostile',
      method,
      url: at.hostile.issuer + path,
      providerStatus: 400,
      error: 'invalid_client',
      errorDescription: 'The client is not known here.',
      code: null,
    })
  })

  test('the challenge is read if there is no body, and a form is read like JSON', async () => {
    at.hostile.change = {
      instead: {
        '/userinfo': (_, response) =>
          response
            .writeHead(401, {
              'www-authenticate': 'Bearer realm="x", error="invalid_token", error_description="for another API"',
            })
            .end(),
      },
    }
    const { outcome } = at.open()
    expect(await outcome()).toBe('signed_in')
    at.hostile.change = {
      instead: {
        '/token': (_, response) =>
          response
            .writeHead(200, { 'content-type': 'text/plain' })
            .end('error=incorrect_client_credentials&error_description=Wrong+secret.'),
      },
    }
    expect(await outcome()).toBe('provider_misconfigured')
    expect(calls()).toMatchObject([
      { providerStatus: 401, error: 'invalid_token', errorDescription: 'for another API' },
      { providerStatus: 200, error: 'incorrect_client_credentials', errorDescription: 'Wrong secret.' },
    ])
  })

  test("a call without a response is logged with the network's error code", async () => {
    const { begin, finish } = at.open()
    const { href, sealed } = await begin()
    at.hostile.change = { instead: { '/token': request => request.socket.destroy() } }
    await expect(finish(href, sealed)).rejects.toMatchObject({ code: 'provider_unavailable' })
    expect(calls()).toMatchObject([
      {
        method: 'POST',
        url: `${at.hostile.issuer}/token`,
        providerStatus: null,
        error: null,
        code: expect.stringMatching(/^(?:UND_ERR_SOCKET|ECONNRESET)$/) as string,
      },
    ])
  })

  test('ASVS 16.4.1 text of providers is bounded, printable, and contains none of our secrets, quoted whole or in part', async () => {
    const sent: string[] = []
    at.hostile.change = {
      instead: {
        '/token': async (request, response) => {
          let body = ''
          for await (const chunk of request) body += String(chunk)
          const fields = new URLSearchParams(body)
          const [code, verifier] = [fields.get('code') ?? '', fields.get('code_verifier') ?? '']
          sent.push(code, verifier, CLIENT.clientSecret, code.slice(0, 12), verifier.slice(3, 30))
          const words = `first\nline\u001b[31m ${code} "${verifier}" (${CLIENT.clientSecret}) code=${code.slice(0, 12)}... ${verifier.slice(3, 30)} ${request.headers.authorization} redirect_uri ${fields.get('redirect_uri')} ${'x '.repeat(2000)}`
          json(response, 400, { error: `e${'!'.repeat(5000)}`, error_description: words })
        },
      },
    }
    expect(await at.open().outcome()).toBe('provider_misconfigured')
    const [line] = calls()
    expect(String(line?.['error']).length).toBeLessThanOrEqual(101)
    expect(String(line?.['errorDescription']).length).toBeLessThanOrEqual(301)
    expect(line?.['errorDescription']).toMatch(/^first\?line\?\[31m \[secret\]/)
    expect(sent.length).toBe(5)
    expect(sent.filter(secret => at.lines.join('').includes(secret))).toEqual([])
    // Everything else stays, because the operator needs it.
    expect(line?.['errorDescription']).toContain('redirect_uri https://porch.example/auth/callback/hostile')
  })

  const ADDRESSES = [
    'ann.b@example.org',
    'ann.b%40example.org',
    'mailto:ann.b@example.org',
    'jürg@exämple.org',
    '"ann b"@example.org',
    'Ann.B@EXAMPLE.org',
    'ann.b&#64;example.org',
  ]

  test.each(ADDRESSES)(
    'ASVS 16.2.5 no log line repeats %s, whichever response of the provider contains it',
    async address => {
      const words = `AADSTS50020: account ${address} in tenant https://op.example/x is unknown. Trace ID: 1f1c2b3a-4d5e-6f70-8192-a3b4c5d6e7f8`
      const refused = refuse(400, `no ${address}`, words)
      const challenge = {
        'www-authenticate':
          `Bearer error="invalid_token", error_description="${words.replaceAll('"', '\\"')}"`.replaceAll(
            /[^\x20-\x7e]/g,
            'x',
          ),
      }
      for (const path of ['/par', '/token', '/jwks', '/.well-known/openid-configuration']) {
        at.hostile.change = { ...PAR, instead: { [path]: refused } }
        await at.open({ roles: { claim: 'groups' } }).outcome()
      }
      at.hostile.change = { instead: { '/userinfo': (_, response) => response.writeHead(401, challenge).end() } }
      await at.open({ roles: { claim: 'groups' } }).outcome()
      at.hostile.change = {
        response: query => {
          query.delete('code')
          query.set('error', 'invalid_scope')
          query.set('error_description', words)
        },
      }
      await at.open().outcome()
      expect(calls().length).toBeGreaterThan(4)
      expect(at.lines.join('')).not.toMatch(/ann[ .]b|j.rg|ex[aä?]mple\.org/i)
      expect(
        calls()
          .filter(line => line['errorDescription'] !== null)
          .every(line =>
            /^AADSTS50020: .*https:\/\/op\.example\/x .*Trace ID: 1f1c2b3a-4d5e-6f70-8192-a3b4c5d6e7f8$/.test(
              String(line['errorDescription']),
            ),
          ),
      ).toBe(true)
      expect(at.events('provider_sign_in_failed').at(-1)).toMatchObject({
        why: expect.stringContaining('AADSTS50020') as string,
      })
    },
  )

  test('a successful call is not logged', async () => {
    expect(await at.open().outcome()).toBe('signed_in')
    expect(at.lines).toEqual([])
  })
})

describe('a mismatch of issuer or audience is logged with both values', () => {
  test.each<[string, TestProviders['hostile']['change'], RegExp]>([
    [
      'of the discovery document',
      { metadata: metadata => (metadata['issuer'] = 'https://other.example') },
      /expected http:\/\/127\.0\.0\.1:\d+\/?, got https:\/\/other\.example/,
    ],
    [
      'of the discovery document, by a slash',
      { metadata: metadata => (metadata['issuer'] = `${String(metadata['issuer'])}/`) },
      /expected http:\/\/127\.0\.0\.1:\d+, got http:\/\/127\.0\.0\.1:\d+\/"/,
    ],
    [
      'of the ID token',
      { claims: claims => (claims.iss = 'https://other.example') },
      /iss: expected http:\/\/127\.0\.0\.1:\d+, got https:\/\/other\.example/,
    ],
    [
      'of the ID token (audience)',
      { claims: claims => (claims.aud = 'another-site') },
      /aud: expected thesite, got another-site/,
    ],
    [
      'of the response',
      { response: query => query.set('iss', 'https://other.example') },
      /iss: expected http:\/\/127\.0\.0\.1:\d+, got https:\/\/other\.example/,
    ],
  ])('%s', async (_what, change, words) => {
    at.hostile.change = change
    expect(['provider_answer_invalid', 'provider_misconfigured']).toContain(await at.open().outcome())
    expect(at.lines.join('\n')).toMatch(words)
  })
})

describe('the error tells users whose fault it is:', () => {
  const says = (error: string) => ({
    response: (query: URLSearchParams) => {
      query.delete('code')
      query.set('error', error)
      query.set('error_description', `about ${query.get('state')}`)
    },
  })

  test.each<[string, string, TestProviders['hostile']['change']]>([
    ['theirs', 'provider_refused', says('access_denied')],
    ['theirs, or that of a rule about them', 'provider_refused', says('interaction_required')],
    ['that of the set-up: a scope', 'provider_misconfigured', says('invalid_scope')],
    [
      'that of the set-up: a secret',
      'provider_misconfigured',
      { instead: { '/token': refuse(401, 'invalid_client') } },
    ],
    [
      'that of the set-up: a grant',
      'provider_misconfigured',
      { instead: { '/token': refuse(400, 'unauthorized_client') } },
    ],
    [
      'that of the set-up: no such page',
      'provider_misconfigured',
      {
        instead: {
          '/token': (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>not found'),
        },
      },
    ],
    [
      'that of the set-up: a redirect address, told at once',
      'provider_misconfigured',
      { ...PAR, instead: { '/par': refuse(400, 'invalid_redirect_uri') } },
    ],
    [
      'that of the set-up: no discovery document',
      'provider_misconfigured',
      { instead: { '/.well-known/openid-configuration': (_, response) => response.writeHead(404).end() } },
    ],
    ["the provider's: an error", 'provider_unavailable', says('server_error')],
    [
      "the provider's: an answer of 500",
      'provider_unavailable',
      { instead: { '/token': refuse(500, 'server_error') } },
    ],
    [
      "the provider's: too many calls",
      'provider_unavailable',
      { ...PAR, instead: { '/par': refuse(429, 'too_many_requests') } },
    ],
    [
      "the provider's: no discovery document just now",
      'provider_unavailable',
      { instead: { '/.well-known/openid-configuration': (_, response) => response.writeHead(503).end() } },
    ],
    ["nobody's: a code that ran out", 'login_expired', { instead: { '/token': refuse(400, 'invalid_grant') } }],
  ])('%s', async (_whose, code, change) => {
    at.hostile.change = change
    const { begin, finish, providers } = at.open()
    const { outcome, state } = await begin().then(
      async ({ href, sealed }) => ({
        state: new URL(href).searchParams.get('state') ?? 'pushed',
        outcome: await finish(href, sealed).then(
          () => 'signed_in',
          (error: { code: string }) => error.code,
        ),
      }),
      (error: { code: string }) => ({ outcome: error.code, state: 'none' }),
    )
    expect(outcome).toBe(code)
    expect(providers.all()).toHaveLength(1)
    expect(at.lines.join('')).not.toContain(state)
  })
})
