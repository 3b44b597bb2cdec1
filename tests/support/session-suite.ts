import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SessionListAnswer } from '../../server/contract/wire.ts'
import { hydrated, launchChromium, newContext, NO_TROUBLE } from './chromium.ts'
import { parseSetCookie } from './jar.ts'
import { EVERYTHING_REACHABLE } from './reachable.ts'
import { formTo, signInByForm, signOutByForm } from './forms.ts'
import { type Person, signIn, signUp } from './people.ts'
import { sleep, stopAll } from './server.ts'
import { SHORT_LIVES } from './short-lives.ts'
import { httpsStage, httpStage, type Stage } from './stage.ts'
import { VISITOR_ADDRESS } from './terminator.ts'

const ACCESS_MS = Number(SHORT_LIVES.ACCESS_SECONDS) * 1000

/** The session as a browser lives it, the same over plain http on localhost and over https behind a proxy. */
export function sessionSuite(scheme: 'http' | 'https'): void {
  const secure = scheme === 'https'
  const names = secure
    ? { access: '__Host-porchlight-access', refresh: '__Host-Http-porchlight-refresh' }
    : { access: 'porchlight-access', refresh: 'porchlight-refresh' }
  let stage: Stage
  let chromium: Browser
  let person: Person

  beforeAll(async () => {
    stage = await (secure ? httpsStage(SHORT_LIVES) : httpStage({ ...SHORT_LIVES, TRUSTED_PROXIES: null }))
    ;({ person } = await signUp(stage.admin))
    chromium = await launchChromium(stage.flags)
  })
  afterAll(async () => {
    await chromium?.close()
    await stage?.close()
    await stopAll()
  })

  describe(`cookies over ${scheme}`, () => {
    test('ASVS 3.3.1-5, BBA-4, BBA-6, BBA-7, CK-6, CK-7 names, prefixes and attributes are exactly these', async () => {
      for (const remember of [true, false]) {
        const browser = await signIn(stage.origin, person, { remember })
        const cookies = Object.fromEntries(
          browser.jar.received
            .filter(cookie => cookie.name === names.access || cookie.name === names.refresh)
            .map(cookie => [cookie.name, cookie]),
        )
        expect(Object.keys(cookies).sort()).toEqual([names.access, names.refresh].sort())
        for (const cookie of Object.values(cookies))
          expect(cookie).toMatchObject({ httpOnly: true, secure, sameSite: 'Lax', path: '/', domain: null })
        expect(browser.jar.refused).toEqual([])
        for (const { maxAge } of browser.jar.received) expect(maxAge ?? 0).toBeLessThanOrEqual(400 * 86_400)
        if (remember) {
          expect(cookies[names.access]?.maxAge).toBeLessThanOrEqual(ACCESS_MS / 1000)
          expect(cookies[names.refresh]?.maxAge).toBeGreaterThan(30 * 86_400)
          expect(cookies[names.refresh]?.maxAge).toBeLessThanOrEqual(400 * 86_400)
        } else {
          expect(cookies[names.access]?.maxAge).toBeNull()
          expect(cookies[names.refresh]?.maxAge).toBeNull()
        }
      }
    })

    test('BBA-8, CK-4, CK-5 a token tells its holder nothing, and is small', async () => {
      const browser = await signIn(stage.origin, person)
      const answer = await browser.session()
      const known = [person.email, person.name, answer.user?.id ?? '-', answer.session?.id ?? '-', 'amr', 'sub"']
      for (const { name, value } of browser.jar.all()) {
        const readable =
          value
            .split('.')
            .map(part => Buffer.from(part, 'base64url').toString('latin1'))
            .join('\n') + value
        for (const word of known) expect(readable).not.toContain(word)
        expect(name.length + value.length).toBeLessThan(1024)
      }
      expect(browser.jar.header()?.length).toBeLessThan(2048)
    })

    test('CK-9, HD-11 sign-out empties the jar and spares the cookies of other hosts', async () => {
      const browser = await signIn(stage.origin, person)
      const answer = await browser.post('/auth/logout')
      expect(answer.status).toBe(200)
      const cleared = answer.setCookies
        .map(line => parseSetCookie(line))
        .filter(cookie => Object.values(names).includes(cookie.name))
      expect(cleared.map(cookie => cookie.name).sort()).toEqual(Object.values(names).sort())
      for (const cookie of cleared)
        expect(cookie).toMatchObject({ maxAge: 0, value: '', secure, httpOnly: true, path: '/', sameSite: 'Lax' })
      expect(browser.jar.value('access')).toBeNull()
      expect(browser.jar.value('refresh')).toBeNull()
      expect(answer.headers['clear-site-data']).toBe('"storage"')
    })

    test('ASVS 7.4.1 cookies kept from before a sign-out are worth nothing', async () => {
      const browser = await signIn(stage.origin, person)
      const thief = browser.thief()
      await browser.post('/auth/logout')
      expect(await thief.session()).toMatchObject({ user: null, session: null })
    })

    test('ASVS 3.4.1 https is for good where there is https, and only there', async () => {
      const { headers } = await stage.admin.get('/auth/session')
      if (secure)
        expect(Number(/max-age=(\d+)/.exec(headers['strict-transport-security'] ?? '')?.[1])).toBeGreaterThanOrEqual(
          31_536_000,
        )
      else expect(headers['strict-transport-security']).toBeUndefined()
    })

    test("ASVS 4.1.3 a visitor's own X-Forwarded-For convinces nobody", async () => {
      const browser = stage.admin.stranger()
      await browser.post(
        '/auth/login',
        { email: person.email, password: person.password },
        { 'x-forwarded-for': '203.0.113.77', 'x-real-ip': '203.0.113.77', forwarded: 'for=203.0.113.77' },
      )
      const { sessions } = (await browser.get('/auth/sessions')).json<SessionListAnswer>()
      const { network } = sessions.find(session => session.current) ?? {}
      if (secure) expect(network).toBe(VISITOR_ADDRESS)
      else expect(network).toMatch(/^(127\.0\.0\.1|::1)$/)
    })
  })

  describe(`a real browser over ${scheme}`, () => {
    test("a tab left open past the access token's life stays signed in, and never shows itself signed out", async () => {
      const { page, context, trouble } = await newContext(chromium, { baseURL: stage.origin })
      await signInByForm(page, person)
      await context.addInitScript({ content: WATCH_FOR_FLASH })
      await page.goto('/account')
      await hydrated(page)
      const before = await cookie(names.access)

      await sleep(ACCESS_MS + 500)
      await page.evaluate('document.querySelector(\'a[href="/account/sessions"]\').click()')
      await page.waitForURL('**/account/sessions')
      await expect.poll(() => page.locator('main').innerText()).toMatch(/Chrome|Chromium/)
      expect((await cookie(names.access))?.value).not.toBe(before?.value)

      await sleep(ACCESS_MS + 500)
      const answer = await page.reload()
      const html = (await answer?.text()) ?? ''
      expect(html).toContain(person.name)
      expect(html).not.toContain('action="/auth/login"')
      await hydrated(page)
      expect(await page.evaluate('window.sawSignedOut')).toBe(false)
      expect(trouble).toEqual(NO_TROUBLE)

      async function cookie(name: string) {
        return (await context.cookies()).find(each => each.name === name)
      }
    })

    test('BBA-3 scripts of the page find no token anywhere', async () => {
      const { page, context } = await newContext(chromium, { baseURL: stage.origin })
      await signInByForm(page, person)
      await hydrated(page)
      const tokens = (await context.cookies())
        .filter(each => Object.values(names).includes(each.name))
        .map(each => each.value)
      expect(tokens.length).toBe(2)
      const reachable = String(await page.evaluate(EVERYTHING_REACHABLE))
      for (const token of tokens) expect(reachable).not.toContain(token)
      // The router keeps how far each page was scrolled; nothing else keeps anything.
      expect(
        await page.evaluate(
          'Object.keys({ ...localStorage, ...sessionStorage }).filter(key => key !== "vue-router:scroll")',
        ),
      ).toEqual([])
    })

    test('after signing out the browser holds nothing of the session, and Back shows nothing', async () => {
      const { page, context } = await newContext(chromium, { baseURL: stage.origin })
      await signInByForm(page, person)
      await page.goto('/account')
      await hydrated(page)
      await signOutByForm(page)
      expect((await context.cookies()).filter(each => Object.values(names).includes(each.name))).toEqual([])
      await page.goBack()
      await expect.poll(() => page.locator('body').innerText()).not.toContain(person.email)
    })

    test('BBA-9, CS-1 a page of a sibling host can neither sign somebody out nor change anything', async () => {
      const { page } = await newContext(chromium, { baseURL: stage.origin })
      await signInByForm(page, person)
      const attack = `<form method=post action="${stage.origin}/auth/logout" enctype="text/plain"><input name=x><button>go</button></form>`
      await page.goto(`${stage.siblingOrigin}/?html=${encodeURIComponent(attack)}`)
      await page.evaluate(`Promise.allSettled([
        fetch('${stage.origin}/auth/logout', { method: 'POST', mode: 'no-cors', credentials: 'include' }),
        fetch('${stage.origin}/auth/logout', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}', headers: { 'content-type': 'text/plain' } }),
        fetch('${stage.origin}/auth/sessions', { method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams({ a: 'b' }) }),
      ])`)
      await page.getByRole('button').click()
      await page.waitForURL(`${stage.origin}/**`)
      // The page cannot read the answers, nor can its debugger; the log tells of them. Nothing else here is refused.
      const refused = () =>
        stage.server.output
          .split('\n')
          .filter(line => line.includes('"POST"') && (JSON.parse(line) as { status: number }).status === 403)
      await expect.poll(() => refused().length).toBe(4)

      await page.goto('/account')
      expect(new URL(page.url()).pathname).toBe('/account')
    })

    test('BBA-12 no other site may read an answer', async () => {
      for (const origin of [stage.siblingOrigin, stage.foreignOrigin, 'null']) {
        const answer = await stage.admin.get('/auth/session', { origin, 'sec-fetch-site': 'cross-site' })
        expect(answer.headers['access-control-allow-origin']).toBeUndefined()
        expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
        expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin')
      }
    })

    test('CS-5 a link on another site arrives signed in', async () => {
      const { page } = await newContext(chromium, { baseURL: stage.origin })
      await signInByForm(page, person)
      await page.goto(
        `${stage.foreignOrigin}/?html=${encodeURIComponent(`<a href="${stage.origin}/account">there</a>`)}`,
      )
      await page.getByRole('link').click()
      await page.waitForURL('**/account')
      expect(await page.content()).toContain(person.email)
    })

    test('OA-22, ASVS 3.4.6 no page of ours can be framed', async () => {
      const { page } = await newContext(chromium, { baseURL: stage.origin })
      await page.goto(
        `${stage.siblingOrigin}/?html=${encodeURIComponent(`<iframe src="${stage.origin}/sign-in"></iframe>`)}`,
      )
      const frame = page.frames()[1]
      expect(await frame?.locator('form').count()).toBe(0)
    })

    test('the sign-in form is there, whole, before any script has run', async () => {
      const { text } = await stage.admin.stranger().page('/sign-in')
      expect(text).toContain('action="/auth/login"')
      const { page } = await newContext(chromium, { baseURL: stage.origin })
      await page.goto('/sign-in')
      expect(await formTo(page, '/auth/login').locator('[name=email]').getAttribute('autocomplete')).toContain(
        'username',
      )
      expect(await formTo(page, '/auth/login').locator('[name=password]').getAttribute('autocomplete')).toContain(
        'current-password',
      )
    })
  })
}

/** Notes whether a way in ever was on a page of somebody signed in. */
const WATCH_FOR_FLASH = `window.sawSignedOut = false
const look = () => { if (document.querySelector('a[href^="/sign-in"], form[action="/auth/login"]')) window.sawSignedOut = true }
new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true })
document.addEventListener('DOMContentLoaded', look)`
