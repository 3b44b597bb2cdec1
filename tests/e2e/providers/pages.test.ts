import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InviteAnswer, LinksAnswer, MethodsAnswer } from '../../../server/contract/wire.ts'
import { hydrated, launchChromium, newContext } from '../../support/chromium.ts'
import { Visitor } from '../../support/client.ts'
import { formTo, send } from '../../support/forms.ts'
import { LANGUAGES, look, violations } from '../../support/look.ts'
import { type Person, signIn, signUp, somebody } from '../../support/people.ts'
import { ALMA, BRUNO } from '../../support/provider.ts'
import type { ProviderPerson } from '../../support/provider-pages.ts'
import { type ProviderStage, providerStage } from '../../support/provider-stage.ts'
import { comeBack, walkThroughProvider } from '../../support/provider-visit.ts'
import { freePort, startServer, stopAll, waitUntil } from '../../support/server.ts'

/** Somebody of whom the provider says next to nothing: no address, and a name in another script. */
const NEMO: ProviderPerson = { login: 'nemo', password: 'nemo at the provider', claims: { name: '無名氏' } }
const LONG = 'Zentrale Anmeldestelle der Volkshochschulen in Niederbayern'

type Who = 'guest' | 'linked' | 'without' | 'admin'
let stage: ProviderStage
let only: { origin: string }
let chromium: Browser
let invite: string
let grace: Person
const people = new Map<Who, Visitor>()
const windows = new Map<string, Awaited<ReturnType<typeof visitor>>>()

/** How each state of a page that knows providers is come by. */
const STATES: { route: string; who: Who; path?: () => string; lastWay?: string }[] = [
  { route: '/sign-in with three', who: 'guest', path: () => '/sign-in' },
  { route: '/sign-in used before', who: 'guest', path: () => '/sign-in', lastWay: 'long' },
  { route: '/sign-in password before', who: 'guest', path: () => '/sign-in', lastWay: '.password' },
  { route: '/sign-in?problem=provider_refused&provider=work', who: 'guest' },
  { route: '/sign-in?problem=provider_misconfigured&provider=long', who: 'guest' },
  { route: '/sign-in?problem=link_required&provider=long', who: 'guest' },
  { route: '/sign-in?problem=provider_unavailable&provider=away', who: 'guest' },
  { route: '/sign-up by provider', who: 'guest', path: () => invite },
  { route: '/signed-out?provider=long', who: 'guest' },
  { route: '/signed-out?from=work', who: 'guest' },
  { route: '/account', who: 'linked' },
  { route: '/account?problem=identity_taken&provider=work', who: 'linked' },
  { route: '/account/security', who: 'linked' },
  { route: '/', who: 'without' },
  { route: '/account', who: 'without' },
  { route: '/people', who: 'admin' },
]

beforeAll(async () => {
  ;[stage, chromium] = await Promise.all([
    providerStage(
      {
        work: { options: { people: [ALMA, NEMO] }, setting: { name: 'Google', icon: 'google' } },
        long: { setting: { name: LONG, icon: 'building', logout: 'always' } },
        away: {
          setting: { name: '统一身份认证', icon: 'none-of-ours', issuer: `http://127.0.0.1:${await freePort()}` },
        },
      },
      { REGISTRATION: 'invite' },
    ),
    launchChromium(),
  ])
  only = await startServer({
    settings: {
      PROVIDERS: JSON.stringify([
        { id: 'work', kind: 'oidc', name: 'Google', icon: 'google', issuer: stage.at('work').issuer, clientId: 'x' },
      ]),
    },
  })
  const signedUp = await signUp(stage.admin, somebody('Grace Lantern'))
  grace = signedUp.person
  await link(signedUp.browser, 'work', ALMA)
  people
    .set('linked', signedUp.browser)
    .set('without', await join(NEMO))
    .set('admin', stage.admin)
    .set('guest', new Visitor(stage.origin))
  invite = await inviteLink()
  await waitUntil(
    async () =>
      (await new Visitor(stage.origin).get('/auth/methods'))
        .json<MethodsAnswer>()
        .providers.find(one => one.id === 'away')?.available === false,
    'the one that is down to be noticed',
  )
})
afterAll(async () => {
  await chromium?.close()
  await stage?.stop()
  await stopAll()
})

/** Links an account at a provider, as the account page does. */
async function link(browser: Visitor, as: string, person: ProviderPerson): Promise<void> {
  const { href } = (await browser.post(`/auth/links/${as}`)).json<{ href: string }>()
  const answer = await comeBack(browser, await walkThroughProvider(new Visitor(stage.at(as).issuer), href, person))
  expect(answer.headers.location).toBe('/account')
}

/** Comes in by an invitation and a provider. */
async function join(person: ProviderPerson, as = 'work'): Promise<Visitor> {
  const browser = new Visitor(stage.origin)
  const code = new URL(await inviteLink(), stage.origin).hash.slice('#code='.length)
  const { href } = (await browser.post(`/auth/login/${as}`, { invite: decodeURIComponent(code) })).json<{
    href: string
  }>()
  const answer = await comeBack(browser, await walkThroughProvider(new Visitor(stage.at(as).issuer), href, person))
  expect(answer.headers.location).toBe('/')
  return browser
}

async function inviteLink(): Promise<string> {
  const { href } = (await stage.admin.post('/auth/invites', {})).json<InviteAnswer>()
  return (href ?? '').slice(stage.origin.length)
}

async function visitor(who: Who, language = 'en') {
  const made = await newContext(chromium, {
    baseURL: stage.origin,
    locale: language,
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  })
  await made.context.addCookies(
    (people.get(who)?.jar.all() ?? []).map(({ name, value, httpOnly }) => ({
      name,
      value,
      httpOnly,
      url: stage.origin,
    })),
  )
  return made
}

/** The window in which all pages of somebody are looked at. */
async function windowOf(who: Who, language: string) {
  const its = windows.get(`${who} ${language}`) ?? (await visitor(who, language))
  windows.set(`${who} ${language}`, its)
  return its
}

/** Types into the test provider's own form. */
async function signInThere(page: Page, { login, password }: ProviderPerson): Promise<void> {
  await page.locator('[name=login]').fill(login)
  await page.locator('[name=password]').fill(password)
  await page.locator('[name=go]').click()
}

describe.each(LANGUAGES)('in %s', language => {
  test.each(STATES)(
    'HD-4, axe: $route for $who has no violation and no error, and fits its window',
    async ({ route, who, path, lastWay }) => {
      const { page, trouble, context } = await windowOf(who, language)
      if (lastWay !== undefined)
        await context.addCookies([{ name: 'porchlight-way', value: lastWay, url: stage.origin }])
      await page.goto(path?.() ?? route, { waitUntil: 'load' })
      await look(page, { route, who, language, trouble })
      await context.clearCookies({ name: 'porchlight-way' })
    },
  )

  test('one provider alone beside the password looks right, too', async () => {
    const { page, trouble, context } = await newContext(chromium, {
      baseURL: only.origin,
      locale: language,
      reducedMotion: 'reduce',
    })
    await page.goto('/sign-in')
    await look(page, { route: '/sign-in with one', who: 'guest', language, trouble })
    await context.close()
  })

  afterAll(async () => {
    for (const { context } of windows.values()) await context.close()
    windows.clear()
  })
})

describe('signing in by a provider', () => {
  test('HD-3 works by keyboard alone, keeps the wanted page and the wish to be remembered, and stands first the next time', async () => {
    const { page, trouble, context } = await visitor('guest')
    await page.goto('/account/sessions')
    await hydrated(page)
    await page.locator('[name=remember]').check()
    await page.locator('a[href^="/auth/login/work"]').focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`${stage.at('work').issuer}/**`)
    await signInThere(page, ALMA)
    await page.waitForURL('**/account/sessions')
    await hydrated(page)
    expect(
      await page.evaluate(
        'fetch("/auth/session").then(answer => answer.json()).then(({ session }) => session.remember)',
      ),
    ).toBe(true)
    await context.clearCookies({ name: /access|refresh/ })
    await page.goto('/sign-in')
    const first = page.locator('a[href^="/auth/login/"]').first()
    expect(await first.getAttribute('href')).toContain('/auth/login/work')
    expect(await first.innerText()).toContain('Last used')
    expect(trouble.csp).toEqual([])
    await context.close()
  })

  test('the ways in come in the order in which they are seen, and one that cannot be reached is no link', async () => {
    const { page, context } = await visitor('guest')
    await page.goto('/sign-in')
    await hydrated(page)
    await page.locator('h1').click()
    const walked: string[] = []
    for (let step = 0; step < 7; step++) {
      await page.keyboard.press('Tab')
      walked.push(
        String(
          await page.evaluate('document.activeElement.getAttribute("href") ?? document.activeElement.name ?? ""'),
        ).split('?')[0] ?? '',
      )
    }
    expect(walked.slice(0, 5)).toEqual(['/auth/login/work', '/auth/login/long', 'remember', 'email', 'password'])
    expect(await page.locator('[href^="/auth/login/away"]').count()).toBe(0)
    expect(await page.locator('main').innerText()).toContain('Unavailable right now')
    await context.close()
  })

  test('UX-18 without JavaScript the links work, and the choice to be remembered goes with the password', async () => {
    const context = await chromium.newContext({ javaScriptEnabled: false, baseURL: stage.origin })
    const page = await context.newPage()
    await page.goto('/sign-in?returnTo=%2Faccount%2Fsecurity')
    await page.locator('a[href^="/auth/login/work"]').click()
    await signInThere(page, ALMA)
    await page.waitForURL('**/account/security')
    await context.clearCookies()
    await page.goto('/sign-in')
    await page.locator('[name=remember]').check()
    await send(page, '/auth/login', { email: grace.email, password: grace.password })
    await page.waitForURL(`${stage.origin}/`)
    expect((await context.cookies()).find(cookie => cookie.name === 'porchlight-refresh')?.expires).toBeGreaterThan(0)
    await context.close()
  })

  test('a person who says no there is told so here, in words, and may try again', async () => {
    const { page, context } = await visitor('guest')
    await page.goto('/sign-in')
    await page.locator('a[href^="/auth/login/work"]').click()
    await page.locator('[name=cancel]').click()
    await page.waitForURL('**/sign-in?problem=provider_refused&provider=work')
    expect(await page.locator('[role=alert]').first().innerText()).toMatch(
      /You were not signed in: you cancelled, or .?Google.? refused/,
    )
    await page.locator('a[href^="/auth/login/work"]').click()
    await signInThere(page, ALMA)
    await page.waitForURL(`${stage.origin}/`)
    await context.close()
  })

  test('an invitation is used with a provider, and its code is in no address', async () => {
    const { page, context } = await visitor('guest')
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    const path = await inviteLink()
    const code = decodeURIComponent(path.split('#code=')[1] ?? '')
    await page.goto(path)
    await hydrated(page)
    await page.getByRole('button', { name: /Volkshochschulen/ }).click()
    await signInThere(page, BRUNO)
    await page.waitForURL(`${stage.origin}/`)
    await hydrated(page)
    expect(await page.locator('h1').innerText()).toContain('Bruno Vale')
    expect(asked.filter(url => url.includes(code))).toEqual([])
    await context.close()
  })
})

describe('ways in, on the account page', () => {
  test('linking goes to the provider and back; removing asks first; the last way in stays', async () => {
    const { browser, person } = await signUp(stage.admin, somebody('Linus Door'))
    people.set('guest', browser)
    const { page, context } = await visitor('guest')
    people.set('guest', new Visitor(stage.origin))
    await page.goto('/account')
    await hydrated(page)
    await page.getByRole('button', { name: /^Link .*Volkshochschulen/ }).click()
    await signInThere(page, ALMA)
    await page.waitForURL('**/account')
    await hydrated(page)
    expect(await page.locator('section[aria-labelledby=links]').innerText()).toContain('alma@provider.example')
    await page.locator('section[aria-labelledby=links] .lines').getByRole('button').click()
    await page.locator('dialog[open] .danger').click()
    await expect
      .poll(async () => (await (await signIn(stage.origin, person)).get('/auth/links')).json<LinksAnswer>().links)
      .toEqual([])
    await context.close()

    const without = await visitor('without')
    await without.page.goto('/account')
    await hydrated(without.page)
    expect(await without.page.locator('main').innerText()).toContain('No e-mail address')
    expect(await without.page.locator('input[type=password]').count()).toBe(0)
    await without.page.locator('section[aria-labelledby=links] .lines').getByRole('button').click()
    await without.page.locator('dialog[open] .danger').click()
    await expect.poll(() => without.page.locator('[role=alert] .toast').innerText()).toContain('only sign-in method')
    await without.context.close()
  })

  test('who has no password confirms at the provider, and comes back to the page', async () => {
    const { page, context } = await visitor('without')
    await page.goto('/account')
    await hydrated(page)
    await page.route('**/auth/links/long', route =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        body: JSON.stringify({ type: 'about:blank', title: 'Confirm', status: 401, code: 'reauthentication_required' }),
      }),
    )
    await page.getByRole('button', { name: /^Link .*Volkshochschulen/ }).click()
    const dialog = page.locator('dialog[open]')
    expect(await dialog.locator('input').count()).toBe(0)
    expect(await violations(page)).toEqual([])
    const before = await page.evaluate(
      'fetch("/auth/session").then(answer => answer.json()).then(({ session }) => session.id)',
    )
    await dialog.getByRole('link', { name: /Google/ }).click()
    await signInThere(page, NEMO)
    await page.waitForURL('**/account')
    await hydrated(page)
    expect(
      await page.evaluate('fetch("/auth/session").then(answer => answer.json()).then(({ session }) => session.id)'),
    ).not.toBe(before)
    await context.close()
  })

  test('who confirms as somebody else is told so, and is still who they were', async () => {
    // The session of before has just been replaced, in another browser.
    const again = new Visitor(stage.origin)
    await stage.signIn(again, 'work', NEMO)
    people.set('without', again)
    const { page, context } = await visitor('without')
    const who = 'fetch("/auth/session").then(answer => answer.json()).then(({ session }) => session.id)'
    await page.goto('/account')
    const before = await page.evaluate(who)
    await page.goto('/auth/login/work?reauthenticate=1&returnTo=%2Faccount')
    await signInThere(page, ALMA)
    await page.waitForURL('**/account?problem=forbidden&provider=work')
    expect(await page.locator('[role=alert]').first().innerText()).toMatch(/signed in at .?Google.? as someone else/)
    expect(await page.evaluate(who)).toBe(before)
    await context.close()
  })
})

test('LO-9 after a sign-out the page leads on to the provider, and says so when both are over', async () => {
  const { page, trouble, context } = await visitor('guest')
  await page.goto('/sign-in')
  await page.locator('a[href^="/auth/login/work"]').click()
  await signInThere(page, ALMA)
  await page.waitForURL(`${stage.origin}/`)
  await hydrated(page)
  await formTo(page, '/auth/logout').first().locator('button').click()
  await page.waitForURL('**/signed-out?provider=work')
  await page.getByRole('link', { name: /Sign out of/ }).click()
  await page.locator('[name=logout]').click()
  await page.waitForURL('**/signed-out?from=work')
  expect(await page.locator('main').innerText()).toMatch(/signed out here and at .?Google/)
  expect(trouble.csp).toEqual([])
  await context.close()
})

test.each([true, false])(
  'LO-9 HD-3 where a sign-out always goes on to the provider it does, with JavaScript: %s',
  async javaScriptEnabled => {
    const person = javaScriptEnabled ? ALMA : BRUNO
    await join(person, 'long')
    const context = await chromium.newContext({ javaScriptEnabled, baseURL: stage.origin })
    const page = await context.newPage()
    await page.goto('/sign-in')
    await page.locator('a[href^="/auth/login/long"]').click()
    await signInThere(page, person)
    await page.waitForURL(`${stage.origin}/`)
    if (javaScriptEnabled) await hydrated(page)
    await formTo(page, '/auth/logout').first().locator('button').click()
    await page.waitForURL(`${stage.at('long').issuer}/**`)
    await page.locator('[name=logout]').click()
    await page.waitForURL('**/signed-out?from=long')
    expect((await context.cookies()).filter(cookie => /access|refresh/.test(cookie.name))).toEqual([])
    await context.close()
  },
)
