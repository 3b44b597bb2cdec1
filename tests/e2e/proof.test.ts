import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventsAnswer, SessionListAnswer } from '../../server/contract/wire.ts'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import { setUp } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'
import type { Visitor } from '../support/client.ts'

let server: Server
let chromium: Browser
let person: Visitor

beforeAll(async () => {
  ;[server, chromium] = await Promise.all([startServer(), launchChromium()])
  person = (await setUp(server.origin)).browser
})
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

async function proofPage() {
  const made = await newContext(chromium, { baseURL: server.origin, locale: 'en' })
  await made.context.addCookies(
    person.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin })),
  )
  await made.page.goto('/proof')
  await hydrated(made.page)
  return made
}
const section = (page: Page, title: RegExp) =>
  page.locator('section', { has: page.getByRole('heading', { name: title }) })

describe('/proof', () => {
  test('BBA-3 the page searches everything and finds nothing; what is planted anywhere, it finds', async () => {
    const { page, trouble } = await proofPage()
    const search = section(page, /Find the token/)
    const look = async () => {
      await search.getByRole('button').click()
      await expect.poll(() => search.getByRole('status').innerText()).toMatch(/found/i)
      return await search.locator('tr.wrong th').allInnerTexts()
    }
    expect(await look()).toEqual([])
    expect(Number((await search.locator('tbody td').nth(8).innerText()).replaceAll(',', ''))).toBeGreaterThan(10_000)

    const token = `${'x'.repeat(22)}.7.${'y'.repeat(43)}`
    for (const [plant, place] of [
      [`document.cookie = 'left=${token}'`, /Cookies/],
      [`sessionStorage.setItem('left', '${token}')`, /storage/],
      [`caches.open('left').then(cache => cache.put('/left', new Response('${token}')))`, /Caches/],
      [`document.querySelector('#__nuxt').__vue_app__.config.globalProperties.left = { deep: ['${token}'] }`, /global/],
      [`window.left = () => 0, window.left.behind = new Map([['a', '${token}']])`, /global/],
      [`document.body.dataset.left = '${token}'`, /page itself/],
    ] as const) {
      const before = await look()
      await page.evaluate(plant)
      const after = await look()
      expect(
        after.filter(one => place.test(one)),
        plant,
      ).toHaveLength(1)
      expect(after.length, plant).toBeGreaterThanOrEqual(before.length)
      await page.evaluate(
        "document.cookie = 'left=; Max-Age=0', sessionStorage.clear(), caches.delete('left'), delete window.left, delete document.body.dataset.left, delete document.querySelector('#__nuxt').__vue_app__.config.globalProperties.left",
      )
    }

    await search.getByRole('checkbox').check()
    expect((await look()).filter(one => /global/.test(one))).toHaveLength(1)
    expect(trouble.errors).toEqual([])
    expect(trouble.csp).toEqual([])
    await page.context().close()
  })

  test('the other three are played, told in figures, a drawing and words, and leave the visitor as they were', async () => {
    const { page, trouble } = await proofPage()
    const before = (await person.get('/auth/events')).json<EventsAnswer>().events.length
    for (const [title, figures] of [
      [/A hundred requests/, ['100', '1', '2', '1']],
      [/Lose the response/, ['1', '2', '2', '1', '1']],
      [/Be the thief/, ['2', '0', '0', '2']],
    ] as const) {
      const here = section(page, title)
      await here.getByRole('button').click()
      await expect.poll(() => here.locator('dd strong').allInnerTexts(), { timeout: 30_000 }).toEqual([...figures])
      expect(await here.getByRole('img').count()).toBe(1)
      expect(await here.locator('ol > li').count()).toBeGreaterThan(4)
      expect(await here.locator('.wrong').count()).toBe(0)
    }
    expect((await person.get('/auth/events')).json<EventsAnswer>().events.length).toBe(before)
    expect((await person.get('/auth/sessions')).json<SessionListAnswer>().sessions).toHaveLength(1)
    expect(trouble).toEqual({ console: [], errors: [], csp: [], failed: [] })
    await page.context().close()
  })

  test('another site cannot start one, nor can a stranger', async () => {
    expect(
      (
        await person.post('/auth/proof/storm', undefined, {
          origin: 'https://elsewhere.test',
          'sec-fetch-site': 'cross-site',
        })
      ).status,
    ).toBe(403)
    expect((await person.stranger().post('/auth/proof/storm')).status).toBe(401)
  })
})
