import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as v from 'valibot'
import type { Clock } from '../../base/clock.ts'
import { createRate } from '../../base/rate.ts'
import { AddNoteRequest, ChangeNoteRequest, MAX_NOTES, NoteId, type NotesAnswer } from '../../contract/demo/notes.ts'
import type { Caller } from './bearer.ts'
import type { Book, Outcome } from './book.ts'
import type { Feed } from './feed.ts'
import { readJson } from './json-body.ts'
import { Refused } from './refused.ts'

/** How often one account may change its notes. */
const CHANGES = { burst: 100, perSecond: 2 }

export interface RouteDeps {
  clock: Clock
  book: Book
  feed: Feed
}

type Answer = { status: number; body?: unknown; location?: string } | 'streaming'
type Handler = (
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => Answer | Promise<Answer>

/**
 * The plain HTTP routes:
 * `/notes` GET POST · `/notes/feed` GET · `/notes/:id` PATCH DELETE · `/notes/:id/restore` POST.
 * @throws Refused by the returned function: `not_found`, `method_not_allowed`
 */
export function createRoutes({ clock, book, feed }: RouteDeps) {
  const now = () => clock.now().wall

  const rate = createRate(clock, CHANGES)

  /** Rate-limits changes: each is a disk write. */
  const slowed =
    (handler: Handler): Handler =>
    (caller, request, response, query) => {
      const wait = Math.ceil(rate.take(caller.sub))
      if (wait > 0) throw new Refused('slow_down', { headers: { 'retry-after': String(wait) } })
      return handler(caller, request, response, query)
    }

  /** Turns an outcome into an answer, and tells the account's other pages. */
  function settle(owner: string, outcome: Outcome): Outcome & { state: 'changed' | 'unchanged' | 'deleted' } {
    switch (outcome.state) {
      case 'changed':
        feed.tell(owner, outcome.change)
        return outcome
      case 'unchanged':
      case 'deleted':
        return outcome
      case 'missing':
        throw new Refused('not_found')
      case 'full':
        throw new Refused('notes_full', { detail: `The limit is ${MAX_NOTES} notes. Delete one first.` })
      default:
        return outcome satisfies never
    }
  }

  function noteOf(owner: string, outcome: Outcome) {
    const settled = settle(owner, outcome)
    if (settled.state === 'deleted') throw new Refused('not_found', { detail: 'It was deleted. It can be restored.' })
    return settled
  }

  const list: Handler = ({ sub }) => ({ status: 200, body: book.list(sub) satisfies NotesAnswer })

  const add: Handler = async ({ sub }, request) => {
    const { id = randomUUID(), text } = await readJson(request, AddNoteRequest)
    const { state, note } = noteOf(sub, book.add(sub, id, text, now()))
    // Relative, because a proxy may expose it under another path.
    return { status: state === 'changed' ? 201 : 200, body: note, location: `notes/${note.id}` }
  }

  const edit =
    (id: string): Handler =>
    async ({ sub }, request) => {
      const { text } = await readJson(request, ChangeNoteRequest)
      return { status: 200, body: noteOf(sub, book.edit(sub, id, text, now())).note }
    }

  const remove =
    (id: string): Handler =>
    ({ sub }) => {
      settle(sub, book.remove(sub, id, now()))
      return { status: 204 }
    }

  const restore =
    (id: string): Handler =>
    ({ sub }) => ({ status: 200, body: noteOf(sub, book.restore(sub, id)).note })

  const follow: Handler = ({ sub }, request, response, query) => {
    feed.open(sub, request, response, query)
    return 'streaming'
  }

  function methodsOf(path: string): Record<string, Handler> | null {
    const [, notes, first, second, ...more] = path.split('/')
    if (notes !== 'notes' || more.length > 0) return null
    if (first === undefined) return { GET: list, POST: add }
    if (first === 'feed' && second === undefined) return { GET: follow }
    if (!v.is(NoteId, first)) return null
    if (second === undefined) return { PATCH: edit(first), DELETE: remove(first) }
    return second === 'restore' ? { POST: restore(first) } : null
  }

  return (method: string, path: string): Handler => {
    const methods = methodsOf(path)
    if (methods === null) throw new Refused('not_found')
    const handler = Object.hasOwn(methods, method) ? methods[method] : undefined
    if (handler === undefined)
      throw new Refused('method_not_allowed', { headers: { allow: Object.keys(methods).join(', ') } })
    return method === 'GET' ? handler : slowed(handler)
  }
}
