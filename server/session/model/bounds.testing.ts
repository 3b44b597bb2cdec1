import assert from 'node:assert/strict'
import { due, type Scenario } from './story.testing.ts'
import { ACCESS, LATE, LEAD, SETTLE, type World } from './world.testing.ts'

function cutOff(world: World): void {
  assert.equal(world.row().endReason, 'refresh_reuse')
}

/**
 * The promise that an honest client is never ended has bounds. Each of these goes just past one, and is ended: were it
 * not, the bound would be stated too tightly and a thief would have that much more time.
 */
export const BOUNDS: Scenario[] = [
  {
    name: 'a request delayed by more than `late` after the proof is taken for theft',
    async run(world) {
      await due(world)
      const late = world.send()
      await world.visit()
      world.pass(SETTLE + 1)
      await world.visit()
      world.pass(LATE + 1)
      await world.take(late)
      cutOff(world)
    },
  },
  {
    name: 'a request and an answer delayed by more than the access life less the lead, together, are taken for theft',
    async run(world) {
      await due(world)
      const slow = world.send()
      await world.take(slow)
      world.leave(slow)
      world.pass(LATE / 2)
      const late = world.send()
      world.deliver(slow)
      world.pass(ACCESS - LEAD - LATE / 2)
      await world.visit()
      await world.take(late)
      cutOff(world)
    },
  },
  {
    name: 'a browser crash that loses more than `settle` is taken for theft',
    async run(world) {
      await due(world)
      const onDisk = { ...world.jar }
      await world.visit()
      world.pass(SETTLE + 1)
      await world.visit()
      Object.assign(world.jar, onDisk)
      world.pass(LATE + 1)
      await world.visit()
      cutOff(world)
    },
  },
]
