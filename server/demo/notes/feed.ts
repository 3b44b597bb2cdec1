import type { IncomingMessage, ServerResponse } from 'node:http'
import { SECOND, type Timers } from '../../base/clock.ts'
import type { Change } from './book.ts'
import { Refused } from './refused.ts'

interface Deps {
  timers: Timers
  since(owner: string, change: number): Change[]
}

/** Proxies and browsers treat a silent connection as dead. */
const HEARTBEAT_MS = 15 * SECOND
/** How long a browser waits before it reconnects. */
const RETRY_MS = 2 * SECOND
const MAX_STREAMS_EACH = 20
/** A reader this far behind is disconnected; it reconnects and says where it was. */
const MAX_BEHIND_BYTES = 256 * 1024

/**
 * Sends changes to every open page of an account as Server-Sent Events. Changes are numbered in the database, so a page
 * that reconnects misses nothing, even across a restart.
 */
export function createFeed({ timers, since }: Deps) {
  const streams = new Map<string, Set<ServerResponse>>()

  function send(response: ServerResponse, text: string): void {
    response.write(text)
    if (response.writableLength > MAX_BEHIND_BYTES) response.destroy()
  }

  const stopHeartbeat = timers.every(HEARTBEAT_MS, () => {
    for (const each of streams.values()) for (const response of each) send(response, ': still here\n\n')
  })

  return {
    /** @throws Refused `bad_request`, `too_many_streams` */
    open(owner: string, request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
      // The client may have left while its token was verified.
      if (response.destroyed) return
      const from = startOf(request, query)
      const mine = streams.get(owner) ?? new Set()
      if (mine.size >= MAX_STREAMS_EACH) throw new Refused('too_many_streams', { headers: { 'retry-after': '10' } })
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
      response.write(`retry: ${RETRY_MS}\n\n`)
      if (from !== null) for (const change of since(owner, from)) send(response, asText(change))
      streams.set(owner, mine.add(response))
      response.on('close', () => {
        mine.delete(response)
        if (mine.size === 0) streams.delete(owner)
      })
    },

    tell(owner: string, change: Change): void {
      const text = asText(change)
      for (const response of streams.get(owner) ?? []) send(response, text)
    },

    close(): void {
      stopHeartbeat()
      for (const each of streams.values()) for (const response of each) response.end()
    },
  }
}

export type Feed = ReturnType<typeof createFeed>

/**
 * A browser that reconnects sends Last-Event-ID. On the first connection it cannot, hence `since`.
 * @returns the number of the last change that the client has; null: only future changes are sent
 */
function startOf({ headers }: IncomingMessage, query: URLSearchParams): number | null {
  const last = headers['last-event-id'] ?? query.get('since')
  if (last === null || last === '') return null
  if (typeof last === 'string' && /^\d{1,15}$/.test(last)) return Number(last)
  throw new Refused('bad_request', { detail: 'Last-Event-ID and since are numbers of changes.' })
}

function asText({ number, event }: Change): string {
  return `id: ${number}\ndata: ${JSON.stringify(event)}\n\n`
}
