import assert from 'node:assert/strict'
import { alive, due, endedAs, type Scenario } from './story.testing.ts'
import { ABSOLUTE, ACCESS, IDLE, PAGE, POLL, type World } from './world.testing.ts'

/** Signs in again, replacing the active session. */
async function replace(world: World) {
  const [session] = await world.sessions.list(world.userId)
  return world.signIn({ replaces: session?.publicId ?? '' })
}

/** How sessions end, and that only the rules end them. */
export const ENDS: Scenario[] = [
  {
    name: 'BBA-24 tokens rotate, and rotation never moves the absolute end',
    async run(world) {
      await world.signIn()
      const { absoluteEndsAt } = world.row()
      for (let round = 0; round < 3; round++) {
        world.pass(ACCESS + 1)
        alive(world, await world.visit())
      }
      assert.equal(world.row().generation, 4)
      assert.equal(world.row().absoluteEndsAt, absoluteEndsAt)
    },
  },
  {
    name: 'ASVS 7.3.1 CK-10 a session without activity ends at its idle end',
    async run(world) {
      await world.signIn()
      world.pass(IDLE + 1)
      await endedAs(world, await world.visit(), 'idle')
    },
  },
  {
    name: 'a replaced session is served for ten seconds and no longer, without cookies, whatever the wall clock does',
    async run(world) {
      await due(world)
      const old = { ...world.jar }
      await replace(world)
      const flight = world.send(PAGE, old)
      assert.equal((await world.take(flight)).state, 'replaced')
      assert.deepEqual(world.leave(flight), [])
      world.pass(9)
      assert.equal((await world.visit(PAGE, old)).state, 'replaced')
      world.leap(-3600)
      world.pass(2)
      const after = await world.visit(PAGE, old)
      assert.deepEqual(after, { state: 'anonymous', ended: 'replaced', duplicated: false })
      alive(world, await world.visit())
    },
  },
  {
    name: 'a replaced session is only served while the last of its successors is active',
    async run(world) {
      await due(world)
      const old = { ...world.jar }
      await replace(world)
      const { publicId } = await replace(world)
      assert.equal((await world.visit(PAGE, old)).state, 'replaced')
      await world.sessions.end(publicId, { reason: 'signed_out', userId: world.userId, byUserId: null })
      assert.equal((await world.visit(PAGE, old)).state, 'anonymous')
    },
  },
  {
    name: 'after a restart a replaced session is not served, because its successor is unknown',
    async run(world) {
      await due(world)
      const old = { ...world.jar }
      await replace(world)
      world.crash()
      assert.equal((await world.visit(PAGE, old)).state, 'anonymous')
      alive(world, await world.visit())
    },
  },
  {
    name: 'ASVS 16.5.3 an end that cannot be stored fails closed',
    async run(world) {
      await world.signIn()
      world.pass(IDLE + 1)
      world.failing.on = true
      await assert.rejects(world.visit(), { code: 'store_unavailable' })
      world.failing.on = false
      await endedAs(world, await world.visit(), 'idle')
    },
  },
  {
    name: 'ASVS 7.3.2 ASVS 10.4.8 a session ends at its absolute end, however active',
    async run(world) {
      await world.signIn({ remember: true })
      for (let hours = 0; hours < ABSOLUTE / 3600 - 6; hours += 6) {
        world.pass(6 * 3600)
        alive(world, await world.visit())
      }
      world.pass(6 * 3600)
      await endedAs(world, await world.visit(), 'absolute')
    },
  },
  {
    name: 'polling neither keeps a session alive nor ends an active one',
    async run(world) {
      await world.signIn()
      for (let minutes = 0; minutes < (2 * IDLE) / 60; minutes += 10) {
        world.pass(600)
        alive(world, await world.visit(minutes % 60 === 0 ? PAGE : POLL))
        await world.tick()
      }
      for (let minutes = 0; minutes < IDLE / 60 - 10; minutes += 10) {
        world.pass(600)
        await world.visit(POLL)
      }
      world.pass(3600)
      await endedAs(world, await world.visit(POLL), 'idle')
    },
  },
  {
    name: 'activity in memory survives a shutdown, and a crash loses a minute of it at most',
    async run(world) {
      await world.signIn()
      const active = async () => {
        world.pass(IDLE / 2)
        await world.visit()
        world.pass(600)
        alive(world, await world.visit())
      }
      await active()
      await world.drain()
      world.pass(IDLE - 300)
      alive(world, await world.visit())
      await active()
      await world.tick()
      world.crash()
      world.pass(IDLE - 300)
      alive(world, await world.visit())
    },
  },
]
