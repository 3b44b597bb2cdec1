import { statSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR } from '../../base/clock.ts'
import { MAX_NOTE_LENGTH, MAX_NOTES, type NotesAnswer, type WireNote } from '../../contract/demo/notes.ts'
import { openBook } from './book.ts'
import { type NotesUser, type Stage, startStage } from './notes.testing.ts'

let stage: Stage
let ada: NotesUser
let bob: NotesUser
/** Added to the real time, of which tokens are judged by as well. */
let ahead = 0
const clock = { now: () => ({ wall: Date.now() + ahead, steady: performance.now() }) }

beforeEach(async () => {
  ahead = 0
  stage = await startStage({ clock })
  ada = await stage.person('ada')
  bob = await stage.person('bob')
})
afterEach(() => stage.close())

const add = async (person: NotesUser, text: string): Promise<WireNote> =>
  (await (await person('POST', '/notes', { text })).json()) as WireNote
const list = async (person: NotesUser): Promise<NotesAnswer> =>
  (await (await person('GET', '/notes')).json()) as NotesAnswer
const texts = async (person: NotesUser) => (await list(person)).notes.map(note => note.text)

describe('notes', () => {
  test('are added, listed newest first, edited and deleted', async () => {
    expect(await list(ada)).toEqual({ notes: [], change: 0 })
    const milk = await add(ada, 'milk')
    ahead = 10
    const bread = await add(ada, 'bread')
    expect((await list(ada)).notes).toEqual([bread, milk])

    ahead = 20
    const edited = (await (await ada('PATCH', `/notes/${milk.id}`, { text: 'oat milk' })).json()) as WireNote
    expect(edited).toMatchObject({ id: milk.id, text: 'oat milk', createdAt: milk.createdAt })
    expect(edited.changedAt).toBeGreaterThan(milk.changedAt)

    expect((await ada('DELETE', `/notes/${bread.id}`)).status).toBe(204)
    expect((await list(ada)).notes).toEqual([edited])
  })

  test('that were deleted come back as they were', async () => {
    const note = await add(ada, 'keep me')
    await ada('DELETE', `/notes/${note.id}`)
    const answer = await ada('POST', `/notes/${note.id}/restore`)
    expect([answer.status, await answer.json()]).toEqual([200, note])
    expect((await list(ada)).notes).toEqual([note])
  })

  test('deleted twice, restored twice: the second time changes nothing', async () => {
    const note = await add(ada, 'x')
    expect([
      (await ada('DELETE', `/notes/${note.id}`)).status,
      (await ada('DELETE', `/notes/${note.id}`)).status,
    ]).toEqual([204, 204])
    expect((await list(ada)).change).toBe(2)
    await ada('POST', `/notes/${note.id}/restore`)
    expect((await ada('POST', `/notes/${note.id}/restore`)).status).toBe(200)
    expect((await list(ada)).change).toBe(3)
  })

  test('a deleted one is not there until it is restored', async () => {
    const { id } = await add(ada, 'x')
    await ada('DELETE', `/notes/${id}`)
    expect((await ada('PATCH', `/notes/${id}`, { text: 'y' })).status).toBe(404)
    expect((await ada('POST', '/notes', { id, text: 'y' })).status).toBe(404)
    expect(await texts(ada)).toEqual([])
  })

  test('can be restored for a day; then they are let go', async () => {
    const old = await add(ada, 'old')
    await ada('DELETE', `/notes/${old.id}`)
    // By the book itself: a token would have expired on the way.
    await stage.restart()
    const book = openBook(join(stage.dataDir, 'sample.db'))
    book.add('ada', 'later', 'later', Date.now())
    book.remove('ada', 'later', Date.now() + DAY - HOUR)
    expect((await ada('POST', `/notes/${old.id}/restore`)).status).toBe(200)
    await ada('DELETE', `/notes/${old.id}`)
    book.add('ada', 'last', 'last', Date.now())
    book.remove('ada', 'last', Date.now() + DAY + HOUR)
    expect(book.restore('ada', old.id)).toEqual({ state: 'missing' })
    book.close()
  })

  test('sent again under the same id are added once', async () => {
    const id = crypto.randomUUID()
    const first = await ada('POST', '/notes', { id, text: 'once' })
    const again = await ada('POST', '/notes', { id, text: 'once' })
    expect([first.status, again.status]).toEqual([201, 200])
    expect(await again.json()).toEqual(await first.json())
    expect(new URL(first.headers.get('location') ?? '', `${stage.origin}/notes`).pathname).toBe(`/notes/${id}`)
    expect(await texts(ada)).toEqual(['once'])
  })

  test('stay, with every change counted, when the service starts anew', async () => {
    const note = await add(ada, 'durable')
    await stage.restart()
    expect(await list(ada)).toEqual({ notes: [note], change: 1 })
  })

  test.each(['👋🏽 emoji, 中文, ‮right to left', '<script>alert(1)</script>', "'; DROP TABLE notes; --", 'two\nlines'])(
    'keep their text: %s',
    async text => {
      await add(ada, text)
      expect(await texts(ada)).toEqual([text])
    },
  )
})

describe('people', () => {
  test("never see or touch each other's notes", async () => {
    const note = await add(ada, 'private to Ada')
    expect(await list(bob)).toEqual({ notes: [], change: 0 })
    for (const [method, path, body] of [
      ['PATCH', `/notes/${note.id}`, { text: 'mine now' }],
      ['DELETE', `/notes/${note.id}`],
      ['POST', `/notes/${note.id}/restore`],
    ] as const) {
      expect((await bob(method, path, body)).status, `${method} ${path}`).toBe(404)
    }
    expect((await list(ada)).notes).toEqual([note])
  })

  test('may use the same id without meeting', async () => {
    const { id } = await add(ada, "Ada's")
    expect((await bob('POST', '/notes', { id, text: "Bob's" })).status).toBe(201)
    await bob('DELETE', `/notes/${id}`)
    expect(await texts(ada)).toEqual(["Ada's"])
    expect((await bob('POST', `/notes/${id}/restore`)).status).toBe(200)
    expect(await texts(bob)).toEqual(["Bob's"])
  })

  test('BBA-17 who call interleaved, many times at once, get their own', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? add(ada, "Ada's") : add(bob, "Bob's"))))
    expect(new Set(await texts(ada))).toEqual(new Set(["Ada's"]))
    expect(new Set(await texts(bob))).toEqual(new Set(["Bob's"]))
    expect([(await texts(ada)).length, (await texts(bob)).length]).toEqual([20, 20])
  })
})

describe('what is refused', () => {
  const id = crypto.randomUUID()

  test.each([
    ['an empty note', { text: '' }, 'text'],
    ['one of spaces', { text: ' \n ' }, 'text'],
    ['one that is too long', { text: 'x'.repeat(MAX_NOTE_LENGTH + 1) }, 'text'],
    ['one that is no text', { text: 7 }, 'text'],
    ['no note', {}, 'text'],
    ['an id that is no UUID', { id: '../etc/passwd', text: 'x' }, 'id'],
    ['a field that nobody knows', { text: 'x', owner: 'bob' }, 'owner'],
  ])('%s, naming the field', async (_what, body, field) => {
    const answer = await ada('POST', '/notes', body)
    expect(answer.status).toBe(400)
    expect(Object.keys(((await answer.json()) as { fields: object }).fields)).toContain(field)
    expect(await texts(ada)).toEqual([])
  })

  test('a body that is not JSON, not declared as JSON, not UTF-8, or far too large', async () => {
    const authorization = `Bearer ${await stage.issuer.tokenFor('ada')}`
    const send = async (type: string, body: string | Buffer<ArrayBuffer>) =>
      (await fetch(`${stage.origin}/notes`, { method: 'POST', headers: { authorization, 'content-type': type }, body }))
        .status
    expect(await send('application/json', '{"text":')).toBe(400)
    expect(await send('application/json', 'null')).toBe(400)
    expect(await send('application/json', Buffer.from([0x22, 0xff, 0x22]))).toBe(400)
    expect(await send('text/plain', '{"text":"x"}')).toBe(415)
    expect(await send('application/x-www-form-urlencoded', 'text=x')).toBe(415)
    expect(await send('application/json', JSON.stringify({ text: 'x'.repeat(100_000) }))).toBe(413)
  })

  test('a chunked body that turns out too large', async () => {
    const authorization = `Bearer ${await stage.issuer.tokenFor('ada')}`
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 100; i++) controller.enqueue(new Uint8Array(1024).fill(0x20))
        controller.close()
      },
    })
    const answer = await fetch(`${stage.origin}/notes`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit)
    expect(answer.status).toBe(413)
  })

  test.each([
    ['GET', '/'],
    ['GET', '/note'],
    ['GET', '/notes/'],
    ['PATCH', '/notes/x'],
    ['DELETE', `/notes/${id}`],
    ['POST', `/notes/${id}/restore`],
    ['POST', `/notes/${id}/restore/x`],
    ['GET', '/notes/feed/x'],
    ['PATCH', `/notes/${id.toUpperCase()}`],
    ['GET', '/notes//feed'],
    ['DELETE', '/notes/%2e%2e'],
  ])('%s %s: there is nothing', async (method, path) => {
    expect((await ada(method, path, method === 'PATCH' ? { text: 'x' } : undefined)).status).toBe(404)
  })

  test.each([
    ['DELETE', '/notes', 'GET, POST'],
    ['PUT', `/notes/${id}`, 'PATCH, DELETE'],
    ['POST', '/notes/feed', 'GET'],
    ['GET', `/notes/${id}/restore`, 'POST'],
  ])('%s %s, saying what is allowed', async (method, path, allowed) => {
    const answer = await ada(method, path)
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allowed])
  })

  test(`more than ${MAX_NOTES} notes, also by way of restoring`, async () => {
    const { id } = await add(ada, 'first')
    await ada('DELETE', `/notes/${id}`)
    const book = openBook(join(stage.dataDir, 'sample.db'))
    for (let i = 0; i < MAX_NOTES; i++) book.add('ada', `n${i}`, 'x', 1)
    book.close()
    const answer = await ada('POST', '/notes', { text: 'one more' })
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([409, 'notes_full'])
    expect((await ada('POST', `/notes/${id}/restore`)).status).toBe(409)
    expect((await bob('POST', '/notes', { text: 'room for others' })).status).toBe(201)
  })
})

test("one person's changes have a rate, others' do not wait for it, and what was deleted is kept for five hundred notes at most", async () => {
  const { id } = await add(ada, 'first')
  const started = performance.now()
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, n) => ada('PATCH', `/notes/${id}`, { text: `text ${n}` })),
  )
  // A hundred at once, and two more for each second that the machine took over it.
  const seconds = (performance.now() - started) / 1000
  expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(101 + 2 * seconds)
  const refused = answers.find(({ status }) => status === 429)
  expect([refused?.headers.get('retry-after'), ((await refused?.json()) as { code: string }).code]).toEqual([
    '1',
    'slow_down',
  ])
  expect((await ada('GET', '/notes')).status).toBe(200)
  expect((await bob('POST', '/notes', { text: 'no wait for others' })).status).toBe(201)

  const book = openBook(join(stage.dataDir, 'sample.db'))
  for (let n = 0; n < MAX_NOTES + 20; n++) {
    book.add('eve', `n${n}`, 'x', 1)
    book.remove('eve', `n${n}`, 1)
  }
  expect(book.since('eve', 0)).toEqual([expect.objectContaining({ event: { type: 'reload' } })])
  expect([book.restore('eve', 'n0').state, book.restore('eve', `n${MAX_NOTES}`).state]).toEqual(['missing', 'changed'])
  book.close()
})

describe('the file', () => {
  test('can be read by its owner alone', () => {
    expect(statSync(join(stage.dataDir, 'sample.db')).mode & 0o077).toBe(0)
    expect(statSync(join(stage.dataDir, 'sample.db-wal')).mode & 0o077).toBe(0)
  })

  test('of a newer version is left alone', () => {
    const file = join(stage.dataDir, 'newer.db')
    const db = new Sqlite(file)
    db.pragma('user_version = 9')
    db.close()
    expect(() => openBook(file)).toThrow(/newer version/)
  })
})

test('HD-10 no answer may be kept by a cache', async () => {
  for (const [method, path] of [
    ['GET', '/notes'],
    ['GET', '/nothing'],
    ['DELETE', '/notes'],
  ] as const) {
    expect((await ada(method, path)).headers.get('cache-control')).toBe('no-store')
  }
})
