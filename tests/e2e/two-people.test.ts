import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Visitor } from '../support/client.ts'
import { type Person, setUp, signUp, somebody } from '../support/people.ts'
import { type Server, startServer, stopAll } from '../support/server.ts'
import { SHORT_LIVES } from '../support/short-lives.ts'

let server: Server
let people: { browser: Visitor; person: Person }[]

beforeAll(async () => {
  server = await startServer({ settings: SHORT_LIVES })
  const admin = (await setUp(server.origin)).browser
  people = await Promise.all(['Alma Quist', 'Bruno Vale', 'Chiara Oss'].map(name => signUp(admin, somebody(name))))
})
afterAll(stopAll)

describe('HD-15 several people at once', () => {
  test('never see each other in a rendered page, while tokens run out and are renewed', async () => {
    const paths = ['/', '/account', '/account/sessions', '/account/security', '/auth/session']
    const until = Date.now() + Number(SHORT_LIVES.ACCESS_SECONDS) * 1000 + 2000
    let asked = 0
    const visit = async ({ browser, person }: (typeof people)[number], offset: number): Promise<void> => {
      for (let i = offset; Date.now() < until; i++) {
        const path = paths[i % paths.length] ?? '/'
        const answer = path.startsWith('/auth') ? await browser.get(path) : await browser.page(path)
        asked += 1
        expect(answer.status).toBe(200)
        expect(answer.text).toContain(person.name)
        for (const other of people.filter(each => each.person !== person)) {
          expect(answer.text).not.toContain(other.person.name)
          expect(answer.text).not.toContain(other.person.email)
        }
      }
    }
    const strangerAtTheDoor = async (): Promise<void> => {
      const stranger = people[0]?.browser.stranger()
      while (stranger && Date.now() < until) {
        const { text } = await stranger.page('/sign-in')
        for (const { person } of people) expect(text).not.toContain(person.name)
      }
    }
    await Promise.all([...people.flatMap(each => [0, 1, 2, 3].map(offset => visit(each, offset))), strangerAtTheDoor()])
    expect(asked).toBeGreaterThan(20)
  })

  test('HD-10 ASVS 14.3.2 what was made for somebody is kept by no cache', async () => {
    const { browser } =
      people[0] ??
      (() => {
        throw new Error('nobody')
      })()
    for (const path of ['/', '/account', '/account/sessions', '/sign-in']) {
      expect((await browser.page(path)).headers['cache-control'], path).toContain('no-store')
    }
    for (const path of ['/auth/session', '/auth/sessions', '/auth/events']) {
      expect((await browser.get(path)).headers['cache-control'], path).toContain('no-store')
    }
  })

  test('HD-1 no two answers carry the same nonce', async () => {
    const { browser } =
      people[0] ??
      (() => {
        throw new Error('nobody')
      })()
    const nonces = await Promise.all(
      Array.from(
        { length: 20 },
        async () =>
          /'nonce-([^']+)'/.exec(String((await browser.page('/account')).headers['content-security-policy']))?.[1],
      ),
    )
    expect(new Set(nonces).size).toBe(20)
    expect(Math.min(...nonces.map(nonce => nonce?.length ?? 0))).toBeGreaterThanOrEqual(22)
  })

  test("one person cannot see, change or end what is another's", async () => {
    const [alma, bruno] = people
    if (!alma || !bruno) throw new Error('nobody')
    const session = (await bruno.browser.session()).session
    await alma.browser.ask({ method: 'DELETE', path: `/auth/sessions/${session?.id ?? ''}` })
    expect((await bruno.browser.session()).user?.email).toBe(bruno.person.email)
    for (const [method, path] of [
      ['GET', '/auth/people'],
      ['GET', '/auth/invites'],
      ['POST', '/auth/invites'],
      ['PATCH', `/auth/people/${(await bruno.browser.session()).user?.id ?? ''}`],
      ['DELETE', '/auth/people/x/sessions'],
    ] as const) {
      const answer = await alma.browser.ask({ method, path, ...(method === 'GET' ? {} : { body: {} }) })
      expect(answer.status, `${method} ${path}`).toBe(403)
    }
    expect((await alma.browser.page('/people')).status).toBe(404)
  })
})
