import * as v from 'valibot'
import { randomId } from '../../base/ids.ts'
import { type Cursor, type PresenceEvent, PresenceRequest, type WirePeer } from '../../contract/demo/notes.ts'
import type { Caller } from './bearer.ts'

/** A connection to an open page: a WebSocket, or a fake in tests. */
export interface Line {
  send(text: string): void
  /** @param code RFC 6455 §7.4.1 */
  close(code: number, why: string): void
}

interface Peer {
  id: string
  caller: Caller
  line: Line
  cursor: Cursor | null
  budget: number
}

/** Messages that one page may send between two ticks; browsers that throttle send a few at once. */
const MAX_MESSAGES_PER_TICK = 20

/**
 * Who has the notes open, and where their pointers are. The notes themselves are not sent here. However many messages
 * arrive, each page receives one per tick, with the latest position of every pointer.
 */
export function createPresence() {
  const peers = new Map<string, Peer>()
  const moved = new Set<string>()

  const tell = (peer: Peer, event: PresenceEvent) => peer.line.send(JSON.stringify(event))
  const others = (peer: Peer) => [...peers.values()].filter(each => each !== peer)
  const seenBy = (viewer: Peer, { id, caller, cursor }: Peer): WirePeer => ({
    id,
    name: caller.name,
    mine: caller.sub === viewer.caller.sub,
    cursor,
  })

  function receive(peer: Peer, text: string): void {
    if (--peer.budget < 0) return peer.line.close(1008, 'too many messages')
    const parsed = v.safeParse(PresenceRequest, parse(text))
    if (!parsed.success) return peer.line.close(1008, 'not a message of this service')
    peer.cursor = parsed.output.cursor
    moved.add(peer.id)
  }

  return {
    countOf: (sub: string) => [...peers.values()].filter(each => each.caller.sub === sub).length,
    get size() {
      return peers.size
    },

    join(caller: Caller, line: Line): { receive(text: string): void; leave(): void } {
      const peer: Peer = { id: randomId(8), caller, line, cursor: null, budget: MAX_MESSAGES_PER_TICK }
      tell(peer, { type: 'welcome', you: peer.id, peers: [...peers.values()].map(each => seenBy(peer, each)) })
      for (const each of peers.values()) tell(each, { type: 'joined', peer: seenBy(each, peer) })
      peers.set(peer.id, peer)
      return {
        receive: text => receive(peer, text),
        leave() {
          if (!peers.delete(peer.id)) return
          moved.delete(peer.id)
          for (const each of peers.values()) tell(each, { type: 'left', id: peer.id })
        },
      }
    },

    tick(): void {
      for (const peer of peers.values()) peer.budget = MAX_MESSAGES_PER_TICK
      if (moved.size === 0) return
      for (const viewer of peers.values()) {
        const cursors = others(viewer)
          .filter(each => moved.has(each.id))
          .map(({ id, cursor }) => ({ id, cursor }))
        if (cursors.length > 0) tell(viewer, { type: 'cursors', cursors })
      }
      moved.clear()
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
