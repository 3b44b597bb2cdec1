import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest'
import type { SessionAnswer, SessionListAnswer } from '../../../server/contract/wire.ts'
import { type Ability, testWith } from '../faults/machine.ts'
import type { Visitor } from '../client.ts'
import { type Person, setUp, signUp, somebody } from '../people.ts'
import { type Server, sleep, startServer, stopAll, waitUntil } from '../server.ts'
import { SHORT_LIVES } from '../short-lives.ts'
import { type BrowserUnderTest, ENTER, type Tab } from './driver.ts'

const PATIENT_MS = 30_000

interface Launched {
  browser: BrowserUnderTest
  server: Server
}

/** What people do, in a browser that is not Chromium. No page may cause an error or breach its policy on the way. */
export function journeys(name: string, ability: Ability, launch: () => Promise<Launched>): void {
  const journey = testWith(ability)
  describe(name, () => {
    let server: Server
    let browser: BrowserUnderTest
    let admin: Visitor
    let one: Tab
    let other: Tab
    let told = 0

    beforeAll(async () => {
      if (!ability.there) return
      ;({ server, browser } = await launch())
      ;({ browser: admin } = await setUp(server.origin))
      one = await browser.newTab()
      other = await browser.newTab()
    })
    beforeEach(async () => {
      if (!ability.there) return
      // What a page of the test before still does, is not this one's.
      for (const tab of [other, one]) await tab.goto('about:blank')
      await one.goto(at('/signed-out'))
      await one.evaluate('fetch("/auth/logout", { method: "POST" }).then(answer => answer.status)')
      told = browser.trouble.length
    })
    afterAll(async () => {
      await browser?.close()
      await stopAll()
    })

    const at = (path: string) => server.origin + path
    const noTrouble = () => expect(browser.trouble.slice(told)).toEqual([])

    journey('signs somebody in by keyboard, and the page that was wanted comes', async () => {
      const person = await somebodyNew()
      await one.goto(at('/account/sessions?from=mail'))
      await signIn(one, person)
      expect(await one.evaluate('location.pathname + location.search')).toBe('/account/sessions?from=mail')
      expect(await one.evaluate('document.cookie')).not.toContain('porchlight-access')
      noTrouble()
    })

    journey("renews in two tabs past the access token's life: one session, nobody asked to sign in", async () => {
      const person = await somebodyNew()
      await one.goto(at('/sign-in'))
      await signIn(one, person)
      await open(other, '/account')
      const before = await session(one)
      for (let life = 0; life < 2; life++) {
        await sleep(Number(SHORT_LIVES.ACCESS_SECONDS) * 1000 + 300)
        const answers = await Promise.all(
          [one, other].map(tab =>
            tab.evaluate<SessionAnswer[]>(
              'Promise.all(Array.from({ length: 5 }, () => fetch("/auth/session").then(answer => answer.json())))',
            ),
          ),
        )
        expect(answers.flat().map(answer => answer.session?.id)).toEqual(
          Array<string | undefined>(10).fill(before.session?.id),
        )
      }
      const { sessions } = await one.evaluate<SessionListAnswer>(
        'fetch("/auth/sessions").then(answer => answer.json())',
      )
      expect(sessions).toHaveLength(1)
      await open(other, '/account')
      expect(await other.evaluate('document.body.innerText')).toContain(person.name)
      noTrouble()
    })

    journey('signs out in one tab, and the other notices', async () => {
      const person = await somebodyNew()
      await one.goto(at('/sign-in'))
      await signIn(one, person)
      await open(other, '/account')
      await one.bringToFront()
      await press(one, 'form[action="/auth/logout"] button')
      await until(one, 'location.pathname === "/signed-out"')
      await other.bringToFront()
      await until(other, 'document.querySelector(\'form[action="/auth/logout"]\') === null')
      expect(await other.evaluate('document.body.innerText')).not.toContain(person.email)
      expect((await session(other)).user).toBeNull()
      noTrouble()
    })

    journey('shows a note in both windows at once, and how many windows there are', async () => {
      await one.goto(at('/sign-in'))
      await signIn(one, await somebodyNew())
      await open(one, '/notes')
      await open(other, '/notes')
      for (const tab of [one, other])
        await until(
          tab,
          'document.querySelector(".status .lit") !== null && /2/.test(document.querySelector(".status").innerText)',
        )
      for (const [from, to, text] of [
        [one, other, 'a lamp for the porch'],
        [other, one, 'bread & olives'],
      ] as const) {
        await from.bringToFront()
        await from.evaluate('document.querySelector("form.compose textarea").focus()')
        await from.type(text)
        await press(from, 'form.compose button[type=submit]')
        for (const tab of [from, to])
          await until(tab, `document.querySelector("main").innerText.includes(${JSON.stringify(text)})`)
      }
      noTrouble()
    })

    journey('proves on /proof what it says: nothing found, and every demonstration passed', async () => {
      await one.goto(at('/sign-in'))
      await signIn(one, await somebodyNew())
      await open(one, '/proof')
      const sections = await one.evaluate<number>('document.querySelectorAll("section .verdict").length')
      expect(sections).toBe(4)
      for (let which = 0; which < sections; which++) {
        const verdict = `document.querySelectorAll("section .verdict")[${which}]`
        await one.evaluate(`${verdict}.closest("section").querySelector("button").focus()`)
        await one.type(ENTER)
        await until(one, `!${verdict}.classList.contains("sr-only")`)
        expect(
          await one.evaluate<boolean>(`${verdict}.classList.contains("wrong")`),
          await one.evaluate(`${verdict}.closest("section").innerText`),
        ).toBe(false)
      }
      noTrouble()
    })

    journey('shows nothing of anybody after sign-out, by Back either', async () => {
      const person = await somebodyNew()
      await one.goto(at('/sign-in'))
      await signIn(one, person)
      await open(one, '/account')
      await until(one, `document.body.innerHTML.includes(${JSON.stringify(person.email)})`)
      await press(one, 'form[action="/auth/logout"] button')
      await until(one, 'location.pathname === "/signed-out"')
      for (let steps = 0; steps < 2; steps++) {
        await one.back()
        await sleep(1000)
        const shown = await one.evaluate<string>(
          'document.body.innerText + Array.from(document.querySelectorAll("input"), field => field.value).join()',
        )
        expect(shown).not.toContain(person.email)
      }
      expect((await session(one)).user).toBeNull()
      noTrouble()
    })

    async function somebodyNew(): Promise<Person> {
      const { browser: elsewhere, person } = await signUp(admin, somebody())
      await elsewhere.post('/auth/logout')
      return person
    }

    async function open(tab: Tab, path: string): Promise<void> {
      await tab.goto(at(path))
      await hydrated(tab)
    }
  })
}

const session = (tab: Tab) => tab.evaluate<SessionAnswer>('fetch("/auth/session").then(answer => answer.json())')

async function until(tab: Tab, condition: string): Promise<void> {
  // While a page is being left, it answers nothing.
  await waitUntil(
    () => tab.evaluate<boolean>(condition).catch(() => false),
    `${condition}`,
    () => '',
    PATIENT_MS,
  )
}

/**
 * Come to life, and with everything that it fetches of itself: leaving a page cancels what it is still loading, which
 * is no fault, and a console tells it as one.
 */
async function hydrated(tab: Tab): Promise<void> {
  await until(tab, 'window.useNuxtApp?.().isHydrating === false')
  let before = -1
  for (let now = 0; now !== before; await sleep(500)) {
    before = now
    now = await tab.evaluate<number>('performance.getEntriesByType("resource").length')
  }
}

async function press(tab: Tab, selector: string): Promise<void> {
  await tab.evaluate(`document.querySelector(${JSON.stringify(selector)}).focus()`)
  await tab.type(ENTER)
}

async function signIn(tab: Tab, person: Person): Promise<void> {
  await hydrated(tab)
  for (const [name, value] of [
    ['email', person.email],
    ['password', person.password],
  ]) {
    await tab.evaluate(`document.querySelector('form[action="/auth/login"] [name=${name}]').focus()`)
    await tab.type(value ?? '')
  }
  await tab.type(ENTER)
  await until(tab, 'location.pathname !== "/sign-in"')
  await hydrated(tab)
}

/** A server for a browser that comes through somebody else's port. */
export const serverAt = (publicUrl?: string): Promise<Server> =>
  startServer({ settings: SHORT_LIVES, ...(publicUrl === undefined ? {} : { publicUrl }) })
