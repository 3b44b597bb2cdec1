import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NoteEvent, WireNote } from '../../contract/demo/notes.ts'
import { openBook } from './book.ts'
import { createFeed } from './feed.ts'
import { Refused } from './refused.ts'
import { type NotesUser, type Stage, startStage } from './notes.testing.ts'

interface Told {
  id: number
  event: NoteEvent
}

/** A reader of an event stream: each block as it came, comments too. */
async function listen(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) throw new Error('no body')
  let buffer = ''
  async function block(): Promise<string | null> {
    for (;;) {
      const end = buffer.indexOf('\n\n')
      if (end !== -1) {
        const text = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        return text
      }
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true }
      if (done) return null
      buffer += value
    }
  }
  return {
    block,
    async next(): Promise<Told> {
      for (;;) {
        const text = await block()
        if (text === null) throw new Error('the stream ended')
        const [, id, data] = /^id: (\d+)\ndata: (.+)$/.exec(text) ?? []
        if (id !== undefined && data !== undefined) return { id: Number(id), event: JSON.parse(data) as NoteEvent }
      }
    },
    cancel: () => reader.cancel(),
  }
}

describe('the live feed', () => {
  let stage: Stage
  let ada: NotesUser
  let bob: NotesUser
  beforeEach(async () => {
    stage = await startStage()
    ada = await stage.person('ada')
    bob = await stage.person('bob')
  })
  afterEach(() => stage.close())

  const add = async (person: NotesUser, text: string) =>
    (await (await person('POST', '/notes', { text })).json()) as WireNote

  test('tells every open page of a person what any of them did', async () => {
    const [one, two] = await Promise.all([0, 1].map(async () => listen(await ada('GET', '/notes/feed'))))
    const note = await add(ada, 'milk')
    await ada('PATCH', `/notes/${note.id}`, { text: 'oat milk' })
    await ada('DELETE', `/notes/${note.id}`)
    await ada('POST', `/notes/${note.id}/restore`)
    for (const page of [one, two]) {
      expect(await page?.next()).toEqual({ id: 1, event: { type: 'saved', note } })
      expect(await page?.next()).toMatchObject({ id: 2, event: { type: 'saved', note: { text: 'oat milk' } } })
      expect(await page?.next()).toEqual({ id: 3, event: { type: 'deleted', id: note.id } })
      expect(await page?.next()).toMatchObject({ id: 4, event: { type: 'saved', note: { text: 'oat milk' } } })
    }
  })

  test('is an event stream that nobody stores', async () => {
    const answer = await ada('GET', '/notes/feed')
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      'no-store',
    ])
    expect(await (await listen(answer)).block()).toBe('retry: 2000')
  })

  test("tells nobody of somebody else's notes, not even by its numbers", async () => {
    const page = await listen(await bob('GET', '/notes/feed'))
    await add(ada, 'private to Ada')
    const note = await add(bob, "Bob's")
    const fromTheStart = await listen(await bob('GET', '/notes/feed?since=0'))
    for (const each of [page, fromTheStart])
      expect(await each.next()).toEqual({ id: 1, event: { type: 'saved', note } })
  })

  test('goes on where a page left off, across a restart, with one event for each note', async () => {
    const a = await add(ada, 'a')
    const first = await listen(await ada('GET', '/notes/feed?since=0'))
    expect(await first.next()).toEqual({ id: 1, event: { type: 'saved', note: a } })
    await first.cancel()

    const b = await add(ada, 'b')
    await ada('PATCH', `/notes/${b.id}`, { text: 'b2' })
    await ada('DELETE', `/notes/${a.id}`)
    await stage.restart()
    const again = await listen(await ada('GET', '/notes/feed', undefined, { 'last-event-id': '1' }))
    expect(await again.next()).toMatchObject({ id: 3, event: { type: 'saved', note: { id: b.id, text: 'b2' } } })
    expect(await again.next()).toEqual({ id: 4, event: { type: 'deleted', id: a.id } })
  })

  test('believes Last-Event-ID before the address, which a browser never changes', async () => {
    await add(ada, 'a')
    const b = await add(ada, 'b')
    const page = await listen(await ada('GET', '/notes/feed?since=0', undefined, { 'last-event-id': '1' }))
    expect(await page.next()).toEqual({ id: 2, event: { type: 'saved', note: b } })
  })

  test('starts where the list ends: nothing is lost or told twice in between', async () => {
    await add(ada, 'listed')
    const { change } = (await (await ada('GET', '/notes')).json()) as { change: number }
    const between = await add(ada, 'between')
    const page = await listen(await ada('GET', `/notes/feed?since=${change}`))
    expect(await page.next()).toEqual({ id: 2, event: { type: 'saved', note: between } })
  })

  test('asks to list again what cannot be told: of a database that began anew, or long gone', async () => {
    const { id } = await add(ada, 'a')
    await ada('DELETE', `/notes/${id}`)
    const ahead = await listen(await ada('GET', '/notes/feed?since=99'))
    expect(await ahead.next()).toEqual({ id: 2, event: { type: 'reload' } })

    const b = await add(ada, 'b')
    const book = openBook(join(stage.dataDir, 'sample.db'))
    book.remove('ada', b.id, Date.now() + 1e10)
    book.close()
    const behind = await listen(await ada('GET', '/notes/feed?since=1'))
    expect(await behind.next()).toEqual({ id: 4, event: { type: 'reload' } })
    const upToDate = await listen(await ada('GET', '/notes/feed?since=2'))
    expect(await upToDate.next()).toMatchObject({ id: 4, event: { type: 'deleted', id: b.id } })
  })

  test.each(['-1', 'x', '1e3', '99999999999999999999', '0x10'])('refuses %s as a number', async since => {
    expect((await ada('GET', `/notes/feed?since=${since}`)).status).toBe(400)
  })

  test('is open at most twenty times for one person, and others have their own', async () => {
    const pages = await Promise.all(Array.from({ length: 20 }, () => ada('GET', '/notes/feed')))
    expect(pages.every(page => page.status === 200)).toBe(true)
    expect((await ada('GET', '/notes/feed')).status).toBe(429)
    expect((await bob('GET', '/notes/feed')).status).toBe(200)
    await pages[0]?.body?.cancel()
    await expect.poll(async () => (await ada('GET', '/notes/feed')).status, { timeout: 5000 }).toBe(200)
  })

  test('ends when the service stops', async () => {
    const page = await listen(await ada('GET', '/notes/feed'))
    await page.block()
    await stage.restart()
    expect(await page.block()).toBeNull()
  })
})

describe('a stream by itself', () => {
  let server: Server
  let beat: () => void
  let feed: ReturnType<typeof createFeed>
  let origin: string
  beforeEach(async () => {
    feed = createFeed({ since: () => [], timers: { every: (_ms, work) => ((beat = work), () => {}) } })
    server = createServer((request, response) => {
      try {
        feed.open('ada', request, response, new URLSearchParams())
      } catch (error) {
        response.writeHead(error instanceof Refused ? error.status : 500).end()
      }
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    feed.close()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  test('is kept alive by comments', async () => {
    const page = await listen(await fetch(origin))
    await page.block()
    beat()
    expect(await page.block()).toBe(': still here')
  })

  test('whose reader stands still is cut instead of filling memory', async () => {
    const page = await fetch(origin)
    const note = { id: 'n', text: 'x'.repeat(100_000), createdAt: 0, changedAt: 0 }
    for (let number = 0; number < 400; number++) {
      feed.tell('ada', { number, event: { type: 'saved', note } })
      if (number % 20 === 0) await new Promise(setImmediate)
    }
    await expect(
      (async () => {
        for await (const _chunk of page.body ?? []) {
          /* reading at last */
        }
      })(),
    ).rejects.toThrow()
  })
})
