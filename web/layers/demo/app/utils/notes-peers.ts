import type { Cursor, PresenceEvent, WirePeer } from '#contract/demo/notes.ts'

export type Peers = ReadonlyMap<string, WirePeer>

/** Applies a message to the list of those who have the notes open. */
export function withPresence(peers: Peers, event: PresenceEvent): Peers {
  switch (event.type) {
    case 'welcome':
      return new Map(event.peers.map(peer => [peer.id, peer]))
    case 'joined':
      return new Map(peers).set(event.peer.id, event.peer)
    case 'left':
      return new Map([...peers].filter(([id]) => id !== event.id))
    case 'cursors':
      return moved(peers, new Map(event.cursors.map(({ id, cursor }) => [id, cursor])))
    default:
      return event satisfies never
  }
}

function moved(peers: Peers, cursors: ReadonlyMap<string, Cursor | null>): Peers {
  return new Map(
    [...peers].map(([id, peer]) => [
      id,
      { ...peer, cursor: cursors.get(id) ?? (cursors.has(id) ? null : peer.cursor) },
    ]),
  )
}
