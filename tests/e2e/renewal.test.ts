import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SessionAnswer } from '../../server/contract/wire.ts'
import account from '../../web/i18n/locales/account/en.json' with { type: 'json' }
import english from '../../web/i18n/locales/en.json' with { type: 'json' }
import type { Visitor } from '../support/client.ts'
import { setUp, signIn, signUp, somebody } from '../support/people.ts'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'
import { SHORT_LIVES, untilAccessEnds } from '../support/short-lives.ts'

let server: Server
let admin: Visitor

beforeAll(async () => {
  server = await startServer({ settings: SHORT_LIVES })
  admin = (await setUp(server.origin)).browser
})
afterAll(stopAll)

async function liveSessions(browser: Visitor): Promise<number> {
  return (await browser.get('/auth/sessions')).json<{ sessions: unknown[] }>().sessions.length
}

// At once: each test has a browser of its own and mostly waits for a token to run out.
describe.concurrent('renewal, over the wire', () => {
  test.each([20, 100])(
    'CK-13 %i parallel calls at the end of the access token leave one live session, all answered',
    async calls => {
      const { browser, person } = await signUp(admin)
      const { session } = await browser.session()
      const before = browser.jar.value('refresh')
      await untilAccessEnds(browser)

      const answers = await Promise.all(Array.from({ length: calls }, () => browser.get('/auth/session')))

      expect(answers.map(answer => answer.status)).toEqual(Array<number>(calls).fill(200))
      for (const answer of answers) {
        expect(answer.json<SessionAnswer>().user?.email).toBe(person.email)
        expect(answer.json<SessionAnswer>().session?.id).toBe(session?.id)
      }
      const sent = new Set(
        answers.flatMap(answer =>
          answer.setCookies.filter(line => line.includes('porchlight-refresh=')).map(line => line.split(';')[0]),
        ),
      )
      expect(sent.size).toBe(1)
      expect(browser.jar.value('refresh')).not.toBe(before)
      expect(await liveSessions(browser)).toBe(1)
      expect((await browser.session()).user?.email).toBe(person.email)
    },
  )

  test('OA-14 an old refresh token after the new one was used ends the session for both holders', async () => {
    const { browser, person } = await signUp(admin)
    const thief = browser.thief()
    for (let rotation = 0; rotation < 2; rotation++) {
      await untilAccessEnds(browser)
      await browser.session()
      await sleep(1100 * Number(SHORT_LIVES.REFRESH_CONFIRM_SECONDS))
      await browser.session()
    }
    thief.jar.drop('access')

    const caught = await thief.session()
    expect(caught).toMatchObject({ user: null, session: null, ended: 'refresh_reuse' })
    const owner = await browser.session()
    expect(owner).toMatchObject({ user: null, ended: 'refresh_reuse' })
    expect((await browser.page('/sign-in')).text).toContain(english.ended.refresh_reuse)

    const again = await signIn(server.origin, person)
    const { events } = (await again.get('/auth/events')).json<{ events: { kind: string; reason: string | null }[] }>()
    expect(events).toContainEqual(expect.objectContaining({ kind: 'session_ended', reason: 'refresh_reuse' }))
    // Told wherever they sign in next, until they have had time to see it.
    expect((await again.page('/')).text).toContain(account.home.reuse)
    expect((await browser.stranger().page('/')).text).not.toContain(account.home.reuse)
  })

  test('a renewal whose answer is lost is given again', async () => {
    const { browser, person } = await signUp(admin)
    await untilAccessEnds(browser)
    const lost = browser.thief()
    expect((await lost.session()).user?.email).toBe(person.email)

    // The jar never saw that answer: it still holds the token of before.
    const answer = await browser.get('/auth/session')
    expect(answer.json<SessionAnswer>().user?.email).toBe(person.email)
    expect(browser.jar.value('refresh')).toBe(lost.jar.value('refresh'))
    expect((await browser.session()).user?.email).toBe(person.email)
  })

  test('HEAD is answered and renews nothing', async () => {
    const { browser } = await signUp(admin)
    await untilAccessEnds(browser)
    const answer = await browser.ask({ method: 'HEAD', path: '/auth/session' })
    expect(answer.status).toBe(200)
    expect(answer.setCookies).toEqual([])
    expect((await browser.get('/auth/session')).setCookies).not.toEqual([])
  })

  test('CK-8 no answer sets one cookie twice', async () => {
    const { browser } = await signUp(admin)
    await untilAccessEnds(browser)
    for (const answer of [
      await browser.get('/auth/session'),
      await browser.page('/'),
      await browser.post('/auth/logout'),
    ]) {
      const names = answer.setCookies.map(line => line.split('=')[0])
      expect(names).toEqual([...new Set(names)])
    }
  })

  test('ASVS 7.4.1 NI-21 an ended session is unusable at once, whatever its access token says, and the relay refuses though an upstream token lives', async () => {
    const { browser, person } = await signUp(admin)
    const other = await signIn(server.origin, person)
    expect((await browser.get('/api/notes')).status).toBe(200)
    const id = (await browser.session()).session?.id ?? ''
    expect((await other.ask({ method: 'DELETE', path: `/auth/sessions/${id}` })).status).toBeLessThan(300)
    expect(await browser.session()).toMatchObject({ user: null, ended: 'signed_out_elsewhere' })
    expect((await browser.get('/auth/sessions')).status).toBe(401)
    expect((await browser.get('/api/notes')).status).toBe(401)
  })

  test('BBA-24 renewal never moves the absolute end', async () => {
    const browser = (await signUp(admin, somebody())).browser
    const before = (await browser.session()).session
    await untilAccessEnds(browser)
    const after = (await browser.session()).session
    expect(after?.absoluteEndsAt).toBe(before?.absoluteEndsAt)
    expect(after?.accessEndsAt).toBeGreaterThan(before?.accessEndsAt ?? 0)
  })
})
