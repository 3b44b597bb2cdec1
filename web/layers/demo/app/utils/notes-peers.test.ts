import { expect, test } from 'vitest'
import type { WirePeer } from '../../../../../server/contract/demo/notes.ts'
import { withPresence } from './notes-peers.ts'

const peer = (id: string): WirePeer => ({ id, name: null, mine: true, cursor: { x: 0, y: 0 } })
const two = withPresence(new Map(), { type: 'welcome', you: 'me', peers: [peer('a'), peer('b')] })

test('a pointer moves, leaves, or stays where it was', () => {
  const moved = withPresence(two, {
    type: 'cursors',
    cursors: [
      { id: 'a', cursor: null },
      { id: 'gone already', cursor: { x: 1, y: 1 } },
    ],
  })
  expect(moved.get('a')?.cursor).toBeNull()
  expect(moved.get('b')?.cursor).toEqual({ x: 0, y: 0 })
  expect(moved.size).toBe(2)
})

test('windows come and go', () => {
  expect([
    ...withPresence(withPresence(two, { type: 'joined', peer: peer('c') }), { type: 'left', id: 'a' }).keys(),
  ]).toEqual(['b', 'c'])
})
