import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AppsAnswer } from '../../server/contract/app-list.ts'
import { MAX_NOTE_LENGTH, MAX_NOTES, type NotesAnswer } from '../../server/contract/demo/notes.ts'
import { MAX_NOTE, MAX_NOTES as MAX_SHOWN } from '../../web/layers/demo/app/utils/notes-limits.ts'
import { hydrated, launchChromium, newContext } from '../support/chromium.ts'
import type { Visitor } from '../support/client.ts'
import { signInByForm, signOutByForm } from '../support/forms.ts'
import { setUp, signIn, signUp } from '../support/people.ts'
import { type Server, startServer, stopAll, temporaryFolder } from '../support/server.ts'

let server: Server
let chromium: Browser
let admin: Visitor

beforeAll(async () => {
  ;[server, chromium] = await Promise.all([startServer(), launchChromium()])
  admin = (await setUp(server.origin)).browser
})
// A page that is left open goes on asking and drawing.
afterEach(async () => void (await Promise.all(chromium.contexts().map(context => context.close()))))
afterAll(async () => {
  await chromium?.close()
  await stopAll()
})

const patient = { timeout: 15_000 }
const listed = async (who: Visitor) => (await who.get('/api/notes')).json<NotesAnswer>().notes.map(note => note.text)
const line = (page: Page, text: string) => page.locator('li', { has: page.getByText(text, { exact: true }) })
const noted = (page: Page) => page.locator('article .text').allInnerTexts()
const field = (page: Page) => page.getByLabel('New note')

/** As many notes as somebody may have, written on other days: in one go the rate of changes would forbid it. */
function fillBook(newest: string): void {
  const db = new Sqlite(join(server.dataDir, 'sample.db'), { timeout: 5000 })
  const { owner, at } = db
    .prepare<[string], { owner: string; at: number }>('SELECT owner, created_at AS at FROM notes WHERE text = ?')
    .get(newest) ?? { owner: '', at: 0 }
  const insert = db.prepare(
    'INSERT INTO notes (owner, id, text, created_at, changed_at, change) VALUES (?, ?, ?, ?, ?, ?)',
  )
  db.transaction(() => {
    for (let n = 0; n < MAX_NOTES - 1; n++)
      insert.run(owner, randomUUID(), `note ${n}`, at - MAX_NOTES + n, at - MAX_NOTES + n, n + 2)
    db.prepare('UPDATE owners SET change = ? WHERE sub = ?').run(MAX_NOTES, owner)
  }).immediate()
  db.close()
}

/** Somebody new, with a browser that holds their session. */
async function newcomer(options: { javaScriptEnabled?: boolean } = {}) {
  const { browser: visitor, person } = await signUp(admin)
  const made = await newContext(chromium, { baseURL: server.origin, locale: 'en', ...options })
  await made.context.addCookies(
    visitor.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: server.origin })),
  )
  return { visitor, person, ...made }
}

async function open(page: Page): Promise<Page> {
  await page.goto('/notes')
  await hydrated(page)
  await expect.poll(() => page.locator('.status').innerText(), patient).toContain('Live')
  return page
}
const another = async (context: BrowserContext) => open(await context.newPage())

async function write(page: Page, text: string): Promise<void> {
  await field(page).fill(text)
  await field(page).press('Control+Enter')
}

describe('the list', () => {
  const texts = [
    'A lamp for the porch',
    'خبز وزيتون',
    '👩‍👩‍👧‍👦 come on Saturday',
    '</script><img src=x onerror="window.broken = true">',
  ]

  test('is in the first byte, with JavaScript off', async () => {
    const { visitor, page } = await newcomer({ javaScriptEnabled: false })
    for (const text of texts) expect((await visitor.post('/api/notes', { text })).status).toBe(201)
    await page.goto('/notes')
    expect(await noted(page)).toEqual([...texts].reverse())
    expect(await page.getByText('JavaScript is turned off').isVisible()).toBe(true)
    expect(await page.locator('main').getByRole('button').count()).toBe(0)
  })

  test('is taken over by the script as it is, and its texts stay texts', async () => {
    const { visitor, page, trouble } = await newcomer()
    for (const text of texts) await visitor.post('/api/notes', { text })
    let asked = 0
    page.on('request', request => (asked += new URL(request.url()).pathname === '/api/notes' ? 1 : 0))
    await open(page)
    expect(await noted(page)).toEqual([...texts].reverse())
    expect(asked).toBe(0)
    expect(await page.evaluate('window.broken')).toBeUndefined()
    expect(trouble).toEqual({ console: [], errors: [], csp: [], failed: [] })
  })

  test('belongs to one person', async () => {
    const [one, other] = [await newcomer(), await newcomer()]
    await one.visitor.post('/api/notes', { text: 'mine alone' })
    expect((await other.visitor.page('/notes')).text).not.toContain('mine alone')
    await open(one.page)
    await open(other.page)
    await write(other.page, 'of the other')
    await expect.poll(() => listed(other.visitor), patient).toEqual(['of the other'])
    expect(await noted(one.page)).toEqual(['mine alone'])
    expect(await one.page.locator('.status').innerText()).not.toContain('windows')
  })
})

describe('with the keyboard alone', () => {
  test('notes are added, changed, deleted and brought back, and the focus is never lost', async () => {
    const { visitor, page } = await newcomer()
    await open(page)
    expect(await page.getByText('No notes yet').isVisible()).toBe(true)
    await write(page, 'first')
    await expect.poll(() => noted(page), patient).toEqual(['first'])
    expect(await field(page).inputValue()).toBe('')
    const focused = () =>
      page.evaluate('document.activeElement.innerText || document.activeElement.tagName') as Promise<string>

    await page.getByRole('button', { name: /Edit\s*: first/ }).press('Enter')
    await expect.poll(focused).toBe('TEXTAREA')
    await page.keyboard.type(' and more')
    await page.keyboard.press('Control+Enter')
    await expect.poll(() => listed(visitor), patient).toEqual(['first and more'])
    expect(await focused()).toContain('Edit')

    await page.keyboard.press('Enter')
    await page.keyboard.type(' never kept')
    await page.keyboard.press('Escape')
    expect(await noted(page)).toEqual(['first and more'])
    expect(await focused()).toContain('Edit')

    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await expect.poll(() => listed(visitor), patient).toEqual([])
    expect(await focused()).toContain('Undo')
    await page.keyboard.press('Enter')
    await expect.poll(() => listed(visitor), patient).toEqual(['first and more'])
    expect(await noted(page)).toEqual(['first and more'])
    expect(await focused()).toContain('Edit')
  })

  test('a screen reader is told', async () => {
    const { page } = await newcomer()
    await open(page)
    await write(page, 'said aloud')
    await expect.poll(() => page.getByRole('status').allInnerTexts(), patient).toContain('Note added.')
  })
})

describe('two windows', () => {
  test('know of each other, and each shows what the other does', async () => {
    const { context, page: first, trouble } = await newcomer()
    await open(first)
    const second = await another(context)
    for (const page of [first, second])
      await expect.poll(() => page.locator('.status').innerText(), patient).toContain('open in 2 windows')
    await write(first, 'from the first')
    await expect.poll(() => noted(second), patient).toEqual(['from the first'])
    await second.getByRole('button', { name: 'Edit' }).click()
    await second.keyboard.type(', changed in the second')
    await second.keyboard.press('Control+Enter')
    await expect.poll(() => noted(first), patient).toEqual(['from the first, changed in the second'])
    await first.getByRole('button', { name: 'Delete' }).click()
    await expect.poll(() => noted(second), patient).toEqual([])
    await first.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => noted(second), patient).toEqual(['from the first, changed in the second'])
    await first.mouse.move(400, 300)
    await first.mouse.move(420, 310)
    await expect.poll(() => second.locator('.pointer').count(), patient).toBe(1)
    await second.close()
    await expect.poll(() => first.locator('.status').innerText(), patient).not.toContain('windows')
    expect(trouble).toEqual({ console: [], errors: [], csp: [], failed: [] })
  })

  test('a text that is being written outlives its note', async () => {
    const { context, page: first } = await newcomer()
    await open(first)
    const second = await another(context)
    await write(first, 'short-lived')
    await expect.poll(() => noted(second), patient).toEqual(['short-lived'])
    await second.getByRole('button', { name: 'Edit' }).click()
    await second.keyboard.type(' and much thought')
    await first.getByRole('button', { name: 'Delete' }).click()
    await expect.poll(() => field(second).inputValue(), patient).toBe('short-lived and much thought')
    expect(await second.getByRole('alert').innerText()).toContain('deleted in another window')
  })
})

describe('what fails', () => {
  test('is taken back and said, and no text is lost', async () => {
    const { visitor, page } = await newcomer()
    await visitor.post('/api/notes', { text: 'stays' })
    await open(page)
    await page.route(
      url => url.pathname.startsWith('/api/notes'),
      route => (route.request().method() === 'GET' ? route.fallback() : route.abort()),
    )
    const alert = () =>
      page
        .getByRole('alert')
        .allInnerTexts()
        .then(all => all.join())

    await write(page, 'lost on the way')
    await expect.poll(alert, patient).toContain('was not added')
    expect(await field(page).inputValue()).toBe('lost on the way')
    await expect.poll(() => noted(page), patient).toEqual(['stays'])

    await line(page, 'stays').getByRole('button', { name: 'Delete' }).click()
    await expect.poll(alert, patient).toContain('was not deleted')
    await expect.poll(() => noted(page), patient).toEqual(['stays'])

    await line(page, 'stays').getByRole('button', { name: 'Edit' }).click()
    await page.keyboard.type(' changed')
    await page.keyboard.press('Control+Enter')
    await expect.poll(alert, patient).toContain('was not saved')
    expect(await page.getByLabel('Note text').inputValue()).toBe('stays changed')
    expect(await listed(visitor)).toEqual(['stays'])
  })

  test('a page without a connection says so, and catches up when it is back', async () => {
    const { visitor, page, context } = await newcomer()
    await open(page)
    await context.setOffline(true)
    await expect.poll(() => page.locator('.status').innerText(), patient).toContain('You are offline')
    await visitor.post('/api/notes', { text: 'written meanwhile' })
    await context.setOffline(false)
    await expect.poll(() => noted(page), patient).toEqual(['written meanwhile'])
    expect(await page.locator('.status').innerText()).toContain('Live')
  })

  test('a server that stops and comes back is found again, and nothing is missed', async () => {
    const first = await startServer()
    const { browser } = await setUp(first.origin)
    const { context, page } = await newContext(chromium, { baseURL: first.origin, locale: 'en' })
    await context.addCookies(
      browser.jar.all().map(({ name, value, httpOnly }) => ({ name, value, httpOnly, url: first.origin })),
    )
    await open(page)
    await first.stop()
    await expect.poll(() => page.locator('.status').innerText(), patient).toContain('Disconnected')
    await startServer({ port: first.port, dataDir: first.dataDir })
    expect((await browser.post('/api/notes', { text: 'after the restart' })).status).toBe(201)
    await expect.poll(() => noted(page), { timeout: 40_000 }).toEqual(['after the restart'])
    expect(await page.locator('.status').innerText()).toContain('Live')
  })

  test('a full book says so before another note is written', async () => {
    expect([MAX_NOTE, MAX_SHOWN]).toEqual([MAX_NOTE_LENGTH, MAX_NOTES])
    const { visitor, page } = await newcomer()
    await visitor.post('/api/notes', { text: 'note 499' })
    fillBook('note 499')
    await open(page)
    expect(await page.getByText('You have reached the limit of 500 notes').isVisible()).toBe(true)
    await write(page, 'one too many')
    expect(await field(page).inputValue()).toBe('one too many')
    await page.getByRole('button', { name: /Delete\s*: note 499/ }).click()
    await page.getByRole('button', { name: 'Add note' }).click()
    await expect.poll(async () => (await listed(visitor))[0], patient).toBe('one too many')
  })
})

test(
  'ASVS 7.2.4 at a re-authentication live connections end, and the pages connect again with the new cookies',
  { timeout: 60_000 },
  async () => {
    const { context, page, person } = await newcomer()
    const [one, two] = [await open(page), await another(context)]
    const closed = one.waitForEvent('requestfinished', {
      predicate: request => request.url().includes('/api/notes/feed'),
      ...patient,
    })
    const again = two.waitForRequest(request => request.url().includes('/api/notes/feed'), patient)
    const answered = await one.evaluate(async password => {
      const response = await fetch('/auth/reauthenticate', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ password }),
      })
      return response.status
    }, person.password)
    expect(answered).toBe(200)
    await Promise.all([closed, again])
    await Promise.all(
      [one, two].map(each => expect.poll(() => each.locator('.status').innerText(), patient).toContain('Live')),
    )
    await write(one, 'Still here')
    await expect.poll(() => noted(two), patient).toContain('Still here')
    await two.goto('/account/sessions')
    await expect.poll(() => two.locator('main').innerText(), patient).toContain('live connection')
  },
)

test('when the session ends, the page goes where one signs in, says why, and asks no more', async () => {
  const { person, page } = await newcomer()
  await open(page)
  await field(page).fill('half a thought')
  const elsewhere = await signIn(server.origin, person)
  expect((await elsewhere.ask({ method: 'DELETE', path: '/auth/sessions' })).status).toBeLessThan(300)
  await page.waitForURL('**/sign-in?returnTo=/notes', patient)
  await expect
    .poll(() => page.locator('main').innerText(), patient)
    .toContain('You signed out of this device from another one.')
  let asked = 0
  page.on('request', request => (asked += new URL(request.url()).pathname.startsWith('/api') ? 1 : 0))
  await page.waitForTimeout(4000)
  expect(asked).toBe(0)

  await signInByForm(page, person)
  await page.waitForURL('**/notes')
  expect(await field(page).inputValue()).toBe('half a thought')
})

describe('after a sign-out in another tab', () => {
  /** Counts what a page tries to open from here on. */
  function attempts(page: Page): string[] {
    const opened: string[] = []
    page.on('websocket', socket => opened.push(socket.url()))
    page.on('request', request =>
      new URL(request.url()).pathname === '/api/notes/feed' ? opened.push(request.url()) : undefined,
    )
    return opened
  }

  test('no connection is tried again, whatever wakes the page, while the session is asked for', async () => {
    const { context, page } = await newcomer()
    await open(page)
    const other = await context.newPage()
    await other.goto('/')
    await hydrated(other)
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    await page.route('**/auth/session', async route => {
      await held
      await route.continue()
    })
    const opened = attempts(page)
    await signOutByForm(other)
    await expect.poll(() => page.locator('.status').innerText(), patient).toContain('Disconnected')
    for (const event of ['online', 'pageshow']) await page.evaluate(`window.dispatchEvent(new Event('${event}'))`)
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))')
    await page.waitForTimeout(2500)
    release()
    await page.waitForURL('**/sign-in?returnTo=/notes', patient)
    await page.waitForTimeout(2500)
    expect(opened).toEqual([])
  })

  test('a page that was waiting to connect again, or was offline, asks first and leaves', async () => {
    const { context, page, visitor } = await newcomer()
    await open(page)
    await context.setOffline(true)
    await expect.poll(() => page.locator('.status').innerText(), patient).toContain('offline')
    const opened = attempts(page)
    expect((await visitor.post('/auth/logout', {})).status).toBeLessThan(400)
    await context.setOffline(false)
    await page.waitForURL('**/sign-in?returnTo=/notes', patient)
    expect(opened).toEqual([])
  })
})

describe('the home page', () => {
  test('lists the sample, and leads to it', async () => {
    const { page } = await newcomer()
    await page.goto('/')
    await hydrated(page)
    const apps = page.getByRole('region', { name: 'Apps', exact: true })
    expect(await apps.innerText()).toContain('Reachable')
    await apps.getByRole('link', { name: /Open\s*: Notes/ }).click()
    await page.waitForURL('**/notes')
    await expect.poll(() => page.locator('.status').innerText(), patient).toContain('Live')
  })

  test("lists other upstreams in the sample's place, those only that I may use, says which cannot be reached, and no page leads to the notes", async () => {
    const config = join(temporaryFolder(), 'porchlight.json')
    writeFileSync(
      config,
      JSON.stringify({
        upstreams: [
          {
            name: 'orders',
            target: 'http://127.0.0.1:9',
            title: 'Orders',
            description: 'What people want',
            icon: 'shopping-cart',
          },
          {
            name: 'secrets',
            target: 'http://127.0.0.1:9',
            title: 'For administrators',
            requires: { roles: ['admin'] },
          },
        ],
      }),
    )
    const other = await startServer({ settings: { CONFIG: config } })
    const { browser: keeper } = await setUp(other.origin)
    const { browser } = await signUp(keeper)
    const home = (await browser.page('/')).text
    expect(home).toContain('What people want')
    expect(home).toContain('Unreachable')
    expect(home).not.toContain('For administrators')
    expect(home).not.toContain('"/notes"')
    expect((await browser.page('/notes')).status).toBe(404)

    // Who may not use an app learns neither from the page nor from a call that there is one; who may, does.
    const apps = async (who: Visitor) => (await who.get('/auth/apps')).json<AppsAnswer>().apps.map(app => app.name)
    expect(home).not.toContain('/api/secrets')
    expect(await apps(browser)).toEqual(['orders'])
    expect((await browser.get('/api/secrets/all')).status).toBe(403)
    expect(await apps(keeper)).toEqual(['orders', 'secrets'])
    expect((await keeper.page('/')).text).toContain('For administrators')
    expect((await keeper.stranger().get('/auth/apps')).status).toBe(401)
    expect((await keeper.stranger().page('/')).text).not.toMatch(/What people want|For administrators/)
  })
})
