import assert from 'node:assert/strict'
import { due, type Scenario } from './story.testing.ts'
import { ACCESS, LATE, LEAD, SETTLE, type World } from './world.testing.ts'

function cutOff(world: World): void {
  assert.equal(world.row().endReason, 'refresh_reuse')
}

/**
 * The guarantee that an honest client keeps its session has bounds. Each of these scenarios goes just beyond one and
 * must be ended: otherwise the bound would be wider than stated, and so would a thief's time.
 */
export const BOUNDS: Scenario[] = [
  {
    name: 'a request delayed beyond the grace period after the confirmation counts as theft',
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
    name: 'a request and a response delayed together beyond the access lifetime less the lead count as theft',
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
    name: 'a browser crash that loses more than the confirmation time counts as theft',
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
