import { randomInt } from 'node:crypto'
import http from 'node:http'
import { afterAll, describe, expect, test } from 'vitest'
import type { Visitor } from '../support/client.ts'
import { type Person, setUp, signUp, somebody } from '../support/people.ts'
import { freePort, sleep, startServer, stopAll } from '../support/server.ts'
import { noteOf, startCapriciousApi } from '../support/faults/capricious-api.ts'
import { inLanes } from '../support/faults/crowd.ts'
import { percentiles, report } from '../support/faults/figures.ts'
import { nginx, testWith } from '../support/faults/machine.ts'
import { startSharedCache } from '../support/faults/nginx.ts'

const PAGES = 500
const LANES = 25
/** How long a page may wait for its API while it is rendered. */
const SLOWEST_MS = 150
/** Pages that show who is signed in, one that only administrators may see, and one that nobody has. */
const PATHS = ['/', '/account', '/account/sessions', '/account/security', '/notes', '/people', '/no-such-page']

afterAll(stopAll)

/** Somebody, and everything by which a page could give them away. */
interface Known {
  person: Person
  userId: string
  browser: Visitor
  marks: string[]
}

async function know(person: Person, browser: Visitor): Promise<Known> {
  const { user, session } = await browser.session()
  if (user === null || session === null) throw new Error(`${person.email} is not signed in`)
  return { person, userId: user.id, browser, marks: [person.email, person.name, user.id, session.id] }
}

/** Both were invited by somebody else: one's log names who did something for them. */
async function twoPeople(origin: string): Promise<[Known, Known]> {
  const { browser: admin } = await setUp(origin)
  const [one, other] = [
    await signUp(admin, somebody('Ottoline Quarrier')),
    await signUp(admin, somebody('Persephone Zuckermandel')),
  ]
  return [await know(one.person, one.browser), await know(other.person, other.browser)]
}

/** What of somebody else's a text holds. */
const leaked = (text: string, other: Known) => other.marks.filter(mark => text.includes(mark))

describe('two people', () => {
  test(`who load ${PAGES} pages each at once, with delays, errors and aborts among them, never see each other`, async () => {
    const api = await startCapriciousApi(SLOWEST_MS)
    const server = await startServer({
      settings: { LOG_LEVEL: 'warn', UPSTREAMS: JSON.stringify([{ name: 'notes', target: api.target }]) },
    })
    const people = await twoPeople(server.origin)
    const outcomes = { whole: 0, refused: 0, aborted: 0, slow: 0, ownNotes: 0 }
    const milliseconds: number[] = []

    await Promise.all(
      people
        .map(async ({ browser, person, userId }, at) => {
          const other = people[1 - at] as Known
          await inLanes(
            LANES,
            Array.from({ length: PAGES }, (_, n) => n),
            async n => {
              const path = PATHS[n % PATHS.length] ?? '/'
              const manner = n % 10 === 7 ? 'abort' : n % 10 === 3 ? 'slow' : 'plain'
              const started = performance.now()
              const { status, text, whole } = await load(browser, path, manner)
              expect(leaked(text, other), `${path} for ${person.name}`).toEqual([])
              if (text.includes(noteOf(userId))) outcomes.ownNotes += 1
              if (manner === 'slow') outcomes.slow += 1
              if (!whole) outcomes.aborted += 1
              else {
                milliseconds.push(performance.now() - started)
                if (status === 200) expect(text, path).toContain(person.name)
                outcomes[status === 200 ? 'whole' : 'refused'] += 1
              }
            },
          )
        })
        .concat(strangers(server.origin, people)),
    )

    expect(outcomes.whole).toBeGreaterThan(PAGES)
    for (const happened of [...Object.values(outcomes), ...Object.values(api.outcomes)])
      expect(happened).toBeGreaterThan(0)
    report('two-people', { pages: 2 * PAGES, ...outcomes, ...api.outcomes, mixedUp: 0, ...percentiles(milliseconds) })
    api.stop()
    await server.stop('SIGKILL')
  })

  testWith(nginx)(
    "behind a cache that they share, each get their own pages and none of the other's; what is the same for all is kept",
    async () => {
      const [port, behind] = [await freePort(), await freePort()]
      const server = await startServer({
        port: behind,
        publicUrl: `http://localhost:${port}`,
        settings: { LOG_LEVEL: 'warn' },
      })
      const cache = await startSharedCache(port, behind)
      const people = await twoPeople(server.origin)
      for (const { browser, userId } of people) await browser.post('/api/notes', { text: noteOf(userId) })
      const stranger = people[0].browser.stranger()

      for (let round = 0; round < 5; round++) {
        for (const path of [...PATHS, '/auth/session', '/auth/sessions', '/auth/events', '/api/notes']) {
          for (const [at, { browser, person }] of people.entries()) {
            const answer = await browser.page(path)
            expect(answer.headers['x-cache'], path).not.toBe('HIT')
            expect(leaked(answer.text, people[1 - at] as Known), `${path} for ${person.name}`).toEqual([])
            if (answer.status === 200 && !path.startsWith('/a')) expect(answer.text, path).toContain(person.name)
          }
          const answer = await stranger.page(path)
          expect(
            people.flatMap(person => leaked(answer.text, person)),
            `${path} for a stranger`,
          ).toEqual([])
        }
      }

      // A cache that keeps nothing would prove nothing.
      const script = /\/_porchlight\/[\w./-]+\.js/.exec((await stranger.page('/sign-in')).text)?.[0] ?? ''
      await stranger.get(script)
      expect((await stranger.get(script)).headers['x-cache']).toBe('HIT')
      await cache.stop()
      await server.stop('SIGKILL')
    },
  )
})

/** Somebody who is not signed in looks in meanwhile, and sees neither. */
async function strangers(origin: string, people: readonly Known[]): Promise<void> {
  const stranger = (people[0] as Known).browser.stranger()
  for (let n = 0; n < 50; n++) {
    const { text } = await load(stranger, PATHS[n % PATHS.length] ?? '/', 'plain')
    expect(
      people.flatMap(person => leaked(text, person)),
      `a stranger at ${origin}`,
    ).toEqual([])
  }
}

/**
 * Loads a page: at once, slowly, or leaving in the middle of it.
 * @returns all that arrived
 */
function load(
  { origin, jar }: Visitor,
  path: string,
  manner: 'plain' | 'slow' | 'abort',
): Promise<{ status: number; text: string; whole: boolean }> {
  const { host, port } = new URL(origin)
  return new Promise(resolve => {
    let status = 0
    let text = ''
    const request = http.get({
      host: '127.0.0.1',
      port,
      path,
      agent: false,
      headers: {
        host,
        cookie: jar.header() ?? '',
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'accept-language': 'en',
      },
    })
    request.on('error', () => resolve({ status, text, whole: false }))
    request.on('response', response => {
      status = response.statusCode ?? 0
      response.on('data', chunk => (text += String(chunk)))
      response.on('error', () => resolve({ status, text, whole: false }))
      response.on('end', () => resolve({ status, text, whole: true }))
      if (manner === 'slow') {
        response.pause()
        void sleep(randomInt(200)).then(() => response.resume())
      }
      // Some leave when it has begun, the others before anything came.
      if (manner === 'abort') request.destroy(new Error('left'))
    })
    if (manner === 'abort') setTimeout(() => request.destroy(new Error('left')), randomInt(40))
  })
}
