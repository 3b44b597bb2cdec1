import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { ADA, GRANT, PUBLIC_URL, type Running, setCookies, SIGNED_IN, startApp } from '../../tests/support/app.ts'
import { Problem } from '../base/problem.ts'
import { OWN_SITE } from '../config/site-settings.ts'
import { SITE_CONTEXT, type SiteContext } from '../contract/site-context.ts'

let app: Running
afterEach(() => app.close())

describe('the site', () => {
  const seen: { incoming: IncomingMessage; context: SiteContext }[] = []
  const withListener = (act: (context: SiteContext) => Promise<string>) =>
    startApp({
      site: {
        built: null,
        development: null,
        listener: async () => async (incoming, outgoing) => {
          const context = (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)] as SiteContext
          seen.push({ incoming, context })
          const body = await act(context)
          outgoing.end(body)
        },
      },
    })

  test('ASVS 3.4.3 HD-1 HD-2 gets a new nonce for each page, which the policy contains', async () => {
    app = await withListener(async ({ nonce }) => nonce)
    const [one, two] = await Promise.all([app.ask('/'), app.ask('/')])
    expect(one.body).not.toBe(two.body)
    expect(one.headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'nonce-${one.body}' 'strict-dynamic'; style-src-elem 'self' 'nonce-${one.body}'; style-src-attr 'unsafe-inline'; connect-src 'self'; img-src 'self'; manifest-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    )
  })

  test('ASVS 4.1.3 BBA-16 sees neither our cookies nor identity headers that a client forges', async () => {
    seen.length = 0
    app = await withListener(async () => '')
    await app.ask('/', {
      headers: {
        cookie: `${SIGNED_IN}; theme=dark; porchlight-refresh=r`,
        authorization: 'Bearer x',
        forwarded: 'for=1.2.3.4',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-real-ip': '1.2.3.4',
        'x-porchlight-dev': '{}',
        'accept-language': 'zh',
      },
    })
    const { headers, rawHeaders } = seen[0]?.incoming as IncomingMessage
    expect(headers).toMatchObject({ cookie: 'theme=dark', 'accept-language': 'zh' })
    expect(Object.keys(headers).filter(name => /forwarded|authorization|real-ip|porchlight/.test(name))).toEqual([])
    expect(rawHeaders.join()).not.toMatch(/evil|Bearer|good/)
  })

  test('calls our routes in-process as its caller: the session is judged once', async () => {
    app = await withListener(async context =>
      (await context.fetch('/auth/session', { headers: { cookie: 'porchlight-access=ended' } })).text(),
    )
    const answered = await app.ask('/', { headers: { cookie: 'porchlight-access=due' } })
    expect(JSON.parse(answered.body)).toMatchObject({ user: ADA })
    expect(app.sessions.asked.length).toBe(1)
    expect(setCookies(answered)).toEqual(GRANT.cookies)
  })

  test('has server routes below /api if configured, with the same-origin rule for every change', async () => {
    const listener = async () => async (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const { session, answered } = (incoming as unknown as Record<symbol, SiteContext>)[
        Symbol.for(SITE_CONTEXT)
      ] as SiteContext
      const { rawBody } = incoming as { rawBody?: Buffer }
      outgoing.end(
        JSON.stringify({
          method: incoming.method,
          url: incoming.url,
          user: session.user,
          answered,
          got: rawBody?.toString() ?? null,
        }),
      )
    }
    const site = { built: null, development: null, listener }
    app = await startApp({ site, frontEnd: { ...OWN_SITE, serverRoutes: true } })
    const own = { origin: PUBLIC_URL, cookie: SIGNED_IN }
    const answered = ['/auth']
    expect((await app.ask('/api/weather?in=Lund', { headers: own })).json()).toEqual({
      method: 'GET',
      url: '/api/weather?in=Lund',
      user: ADA,
      answered,
      got: null,
    })
    expect((await app.ask('/api/weather', { method: 'POST', headers: own, body: 'rain' })).json()).toEqual({
      method: 'POST',
      url: '/api/weather',
      user: ADA,
      answered,
      got: 'rain',
    })
    expect(
      (await app.ask('/api/weather', { headers: { cookie: 'porchlight-access=due' } })).headers['cache-control'],
    ).toBe('private, no-store')
    expect(
      (
        await app.ask('/api/weather', {
          method: 'POST',
          headers: { ...own, origin: 'https://evil.example' },
          body: 'x',
        })
      ).status,
    ).toBe(403)
    expect(
      (await app.ask('/api/weather', { method: 'POST', headers: own, body: 'x'.repeat(1024 * 1024 + 1) })).status,
    ).toBe(413)
    expect((await app.ask('/api/a//b', { headers: own })).status).toBe(400)
    expect((await app.ask('/auth/weather', { headers: own })).status, 'what is ours stays ours').toBe(404)
    await app.close()

    app = await startApp({ site })
    expect((await app.ask('/api/weather', { headers: own })).json()).toMatchObject({ code: 'not_found' })
    expect((await app.ask('/account', { headers: own })).json()).toMatchObject({ answered: ['/auth', '/api'] })
  })

  test('HD-15 pages of two users that render concurrently are never mixed up', async () => {
    app = await withListener(async context => {
      await new Promise(resolve => setTimeout(resolve, 5))
      return (await context.fetch('/auth/session')).text()
    })
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const { body } = await app.ask('/', i % 2 === 0 ? { headers: { cookie: SIGNED_IN } } : {})
        return (JSON.parse(body) as { user: unknown }).user !== null
      }),
    )
    expect(answers).toEqual(answers.map((_, i) => i % 2 === 0))
  })

  test('CS-6 a page loaded with GET changes nothing, and reaches only our routes', async () => {
    app = await withListener(async context => {
      const post = await context.fetch('/auth/echo', { method: 'POST', body: 'x' })
      const page = await context.fetch('/account')
      const odd = await context.fetch('/auth/%2e%2e/x')
      return [post.status, page.status, odd.status].join()
    })
    expect((await app.ask('/', { headers: { cookie: SIGNED_IN } })).body).toBe('403,404,404')
  })

  test('shows once what a failed form kept, and HEAD leaves it alone', async () => {
    const kept = {
      page: '/sign-in',
      problem: new Problem('invalid_credentials').body('r'),
      fields: { email: 'ada@example.org' },
    }
    app = await startApp({
      openForm: async () => kept,
      site: {
        built: null,
        development: null,
        listener: async () => (incoming, outgoing) => {
          const { form } = (incoming as unknown as Record<symbol, SiteContext>)[Symbol.for(SITE_CONTEXT)] as SiteContext
          outgoing.end(form?.fields.email ?? 'nothing')
        },
      },
    })
    const headers = { cookie: 'porchlight-form=sealed' }
    expect(setCookies(await app.ask('/sign-in', { method: 'HEAD', headers }))).toEqual([])
    const shown = await app.ask('/sign-in', { headers })
    expect([shown.body, setCookies(shown)]).toEqual([
      'ada@example.org',
      [expect.stringMatching(/^porchlight-form=; Max-Age=0;/)],
    ])
    expect(setCookies(await app.ask('/account', { headers }))).toEqual([])
  })

  test('sets preferences, and none of our cookies', async () => {
    app = await withListener(async context => {
      context.setCookie('language=zh-CN; Path=/')
      try {
        context.setCookie('porchlight-refresh=x')
        return 'set'
      } catch {
        return 'refused'
      }
    })
    const answered = await app.ask('/')
    expect(answered.body).toBe('refused')
    expect(setCookies(answered)).toEqual(['language=zh-CN; Path=/'])
  })
})
