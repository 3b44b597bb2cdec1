import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import en from '../../../web/i18n/locales/en.json' with { type: 'json' }
import type { LinksAnswer } from '../../../server/contract/wire.ts'
import { hydrated, launchChromium, newContext } from '../../support/chromium.ts'
import { Visitor } from '../../support/client.ts'
import { type HostileStage, hostileStage } from '../../support/hostile-stage.ts'
import { setUp, signUp } from '../../support/people.ts'
import type { ProviderPerson } from '../../support/provider-pages.ts'
import { type ProviderStage, providerStage } from '../../support/provider-stage.ts'
import { ALMA, BRUNO, startProvider } from '../../support/provider.ts'
import { providerSetting } from '../../support/provider-visit.ts'
import { EVERYTHING_REACHABLE } from '../../support/reachable.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../../support/recording-upstream.ts'
import { freePort, startServer, stopAll } from '../../support/server.ts'

let chromium: Browser
let upstream: RecordingUpstream
let stage: ProviderStage

beforeAll(async () => {
  ;[chromium, upstream] = await Promise.all([launchChromium(), startRecordingUpstream()])
  stage = await providerStage(
    { first: {}, second: { options: { people: [BRUNO] } } },
    { UPSTREAMS: JSON.stringify([{ name: 'orders', target: upstream.origin }]) },
  )
})
afterAll(async () => {
  await chromium?.close()
  await Promise.all([stage?.stop(), upstream?.stop()])
  await stopAll()
})

/** From our page to the provider's form. */
async function goToProvider(page: Page, id: string, from = '/sign-in'): Promise<void> {
  await page.goto(from)
  await page.locator(`a[href^="/auth/login/${id}"]`).click()
  await page.waitForURL(`${stage.at(id).issuer}/**`)
}

async function signInThere(page: Page, { login, password }: ProviderPerson): Promise<void> {
  await page.locator('[name=login]').fill(login)
  await page.locator('[name=password]').fill(password)
  await page.locator('[name=go]').click()
}

/**
 * Signs in there with this browser's cookies, and stops before the way back is gone.
 * @returns the address of our callback
 */
async function signInThereOnly(
  { page, context }: { page: Page; context: BrowserContext },
  { login, password }: ProviderPerson,
): Promise<string> {
  const there = new URL(page.url()).origin
  const form = (await page.locator('form').getAttribute('action')) ?? ''
  let answer = await context.request.post(new URL(form, there).href, { form: { login, password }, maxRedirects: 0 })
  for (;;) {
    const next = new URL(answer.headers()['location'] ?? '', there)
    if (next.origin !== there) return next.href
    answer = await context.request.get(next.href, { maxRedirects: 0 })
  }
}

const open = async (): Promise<{ context: BrowserContext; page: Page }> =>
  newContext(chromium, { baseURL: stage.origin })
const nameIn = async (page: Page) =>
  String(await page.evaluate('fetch("/auth/session").then(answer => answer.json()).then(({ user }) => user?.name)'))

describe('a real browser and real providers', () => {
  test('two tabs that sign in at once both arrive where they were going', async () => {
    const { context, page: one } = await open()
    const two = await context.newPage()
    await goToProvider(one, 'first', '/sign-in?returnTo=/account')
    await goToProvider(two, 'first', '/sign-in?returnTo=/account/sessions')
    await signInThere(one, ALMA)
    await one.waitForURL(`${stage.origin}/account`)
    await signInThere(two, ALMA)
    await two.waitForURL(`${stage.origin}/account/sessions`)
    expect([await nameIn(one), await nameIn(two)]).toEqual(['Alma Quist', 'Alma Quist'])
    await one.goto('/auth/login/first?returnTo=/account/security')
    expect(one.url()).toBe(`${stage.origin}/account/security`)
    await context.close()
  })

  test('OA-5 what one browser began, another profile cannot finish, and the first still can', async () => {
    const [mine, other] = [await open(), await open()]
    await goToProvider(mine.page, 'first')
    const back = await signInThereOnly(mine, ALMA)
    await other.page.goto(back)
    expect(other.page.url()).toBe(`${stage.origin}/sign-in?problem=login_expired&provider=first`)
    expect(await other.page.locator('[role=alert]').first().innerText()).toContain(en.problem.login_expired)
    expect(await nameIn(other.page)).toBe('undefined')
    await mine.page.goto(back)
    expect(mine.page.url()).toBe(`${stage.origin}/`)
    // Gone back to, or pressed twice: they go on.
    await mine.page.goto(back)
    expect(mine.page.url()).toBe(`${stage.origin}/`)
    expect(await nameIn(mine.page)).toBe('Alma Quist')
    await Promise.all([mine.context.close(), other.context.close()])
  })

  test("OA-20 a link that a stranger began ends at nobody's account in a victim's browser", async () => {
    const attacker = await signUp(stage.admin)
    const { href } = (await attacker.browser.post('/auth/links/second')).json<{ href: string }>()
    const { context, page } = await open()
    await goToProvider(page, 'first')
    await signInThere(page, ALMA)
    await page.waitForURL(`${stage.origin}/`)
    await page.goto(href)
    await signInThere(page, BRUNO)
    await page.waitForURL(`${stage.origin}/**`)
    const linksOf = async (browser: Visitor) => (await browser.get('/auth/links')).json<LinksAnswer>().links
    expect(
      await page.evaluate(
        'fetch("/auth/links").then(answer => answer.json()).then(({ links }) => links.map(each => each.provider))',
      ),
    ).toEqual(['first'])
    expect(await linksOf(attacker.browser)).toEqual([])
    expect(await nameIn(page)).toBe('Alma Quist')
    await context.close()
  })

  test('HD-15 two people at two providers are never mixed', async () => {
    const who = [
      { id: 'first', person: ALMA, name: 'Alma Quist' },
      { id: 'second', person: BRUNO, name: 'Bruno Vale' },
    ]
    const both = await Promise.all(
      who.map(async ({ id, person, name }) => {
        const { context, page } = await open()
        await goToProvider(page, id, '/sign-in?returnTo=/account')
        await signInThere(page, person)
        await page.waitForURL(`${stage.origin}/account`)
        return { context, page, name }
      }),
    )
    for (const { page, name } of both) {
      const other = both.find(each => each.name !== name)?.name ?? '-'
      for (const path of ['/account', '/account/sessions', '/account/security']) {
        await page.goto(path)
        const html = await page.content()
        expect(html).toContain(name)
        expect(html).not.toContain(other)
      }
    }
    await Promise.all(both.map(({ context }) => context.close()))
  })

  test('LO-6 a sign-out at the provider reaches an open page at once: its stream ends, and it says why', async () => {
    const { context, page } = await open()
    await goToProvider(page, 'first')
    await signInThere(page, ALMA)
    await page.waitForURL(`${stage.origin}/`)
    await page.evaluate(
      'window.source = new EventSource("/api/orders/stream"); source.onmessage = () => (window.heard = true); source.onerror = () => { window.over = true; source.close() }',
    )
    await expect.poll(() => page.evaluate('window.heard === true')).toBe(true)
    await stage.at('first').signOut('alma')
    await expect.poll(() => page.evaluate('window.over === true')).toBe(true)
    await expect.poll(() => upstream.streams()).toBe(0)
    await page.goto('/account')
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    expect(await page.locator('main').innerText()).toContain(en.ended.provider_logout)
    await context.close()
  })
})

test('a provider that is down keeps no server from starting; once it is back, people come in by it', async () => {
  const provider = await startProvider()
  const port = await freePort()
  const client = await provider.addClient({ site: `http://localhost:${port}`, as: 'late' })
  await provider.goDown()
  const server = await startServer({
    port,
    settings: {
      REGISTRATION: 'open',
      PROVIDERS: JSON.stringify([providerSetting('late', provider.issuer, client, { name: 'Late riser' })]),
    },
  })
  await setUp(server.origin)
  const { context, page } = await newContext(chromium, { baseURL: server.origin })
  await page.goto('/sign-in')
  expect(await page.locator('a[href^="/auth/login/late"]').count()).toBe(0)
  expect(await page.locator('main').innerText()).toContain('Late riser')
  await page.goto('/auth/login/late')
  expect(page.url()).toBe(`${server.origin}/sign-in?problem=provider_unavailable&provider=late`)

  await provider.comeBack()
  await expect
    .poll(
      async () => {
        await page.goto('/sign-in')
        return page.locator('a[href^="/auth/login/late"]').count()
      },
      { timeout: 90_000, interval: 500 },
    )
    .toBe(1)
  await page.locator('a[href^="/auth/login/late"]').click()
  await signInThere(page, ALMA)
  await page.waitForURL(`${server.origin}/`)
  expect(await nameIn(page)).toBe('Alma Quist')
  await context.close()
  await provider.goDown()
}, 150_000)

describe('what a browser gets to see of it', () => {
  let hostile: HostileStage
  const bodies: string[] = []
  const addresses: string[] = []

  beforeAll(async () => {
    hostile = await hostileStage({ settings: { LOG_LEVEL: 'debug' } })
  })
  afterAll(() => hostile?.stop())

  test('BBA-1, BBA-2, BBA-3, OA-21 no secret, token, code or state is in scripts, pages, addresses, storage or anything a script can reach', async () => {
    const { context, page } = await newContext(chromium, { baseURL: hostile.server.origin })
    const reading: Promise<unknown>[] = []
    page.on('response', response => {
      if (response.url().startsWith(hostile.server.origin))
        reading.push(
          response.text().then(
            text => bodies.push(text),
            () => {},
          ),
        )
    })
    context.on('page', each => each.on('framenavigated', frame => addresses.push(frame.url())))
    page.on('framenavigated', frame => addresses.push(frame.url()))
    await page.goto('/sign-in?returnTo=/account')
    await hydrated(page)
    await page.locator('a[href^="/auth/login/hostile"]').click()
    await page.waitForURL(`${hostile.server.origin}/account`)
    await hydrated(page)
    expect(await page.evaluate('fetch("/api/orders/1").then(answer => answer.status)')).toBe(200)
    const reachable = [
      String(await page.evaluate(EVERYTHING_REACHABLE)),
      String(await page.evaluate('document.referrer + " " + history.length')),
    ]
    for (const path of ['/', '/account/sessions', '/account/security', '/no-such-page']) {
      await page.goto(path)
      await hydrated(page)
    }
    await Promise.all(reading)

    const asked = hostile.hostile.authorizations.flatMap(query =>
      ['state', 'nonce', 'code_challenge'].map(name => query.get(name) ?? '-'),
    )
    const verifiers = hostile.hostile.tokenCalls.map(({ fields }) => fields.get('code_verifier') ?? '-')
    const secrets = [...hostile.hostile.secrets, ...asked, ...verifiers]
    expect(secrets.length).toBeGreaterThan(10)
    // The token did go where it belongs.
    expect(
      hostile.upstream.requests
        .map(({ headers }) => headers.authorization?.slice('Bearer '.length))
        .filter(token => hostile.hostile.secrets.includes(token ?? '')),
    ).not.toEqual([])
    expect(bodies.some(text => text.includes('createApp') || text.includes('hydrat'))).toBe(true)
    const everything = {
      bodies: bodies.join('\n'),
      addresses: addresses.join('\n'),
      reachable: reachable.join('\n'),
      log: hostile.server.output,
    }
    for (const [where, text] of Object.entries(everything))
      expect(
        secrets.filter(secret => text.includes(secret)),
        where,
      ).toEqual([])
    expect(addresses.filter(address => /[?&#](code|state|access_token|id_token)=/.test(address))).toEqual([])
    await context.close()
  })

  test('BBA-8 no cookie that it keeps is readable', async () => {
    const browser = new Visitor(hostile.server.origin)
    await browser.page('/auth/login/hostile?returnTo=/account/very-private-page')
    for (const { value } of browser.jar.all()) {
      const readable =
        value
          .split('.')
          .map(part => Buffer.from(part, 'base64url').toString('latin1'))
          .join('\n') + value
      for (const word of ['very-private-page', 'verifier', 'nonce', 'hostile', hostile.hostile.issuer])
        expect(readable).not.toContain(word)
    }
  })
})
