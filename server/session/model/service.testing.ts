import assert from 'node:assert/strict'
import { alive, due, type Scenario } from './story.testing.ts'
import { ACCESS, generationOf, LATE, LEAD, UPGRADE } from './world.testing.ts'

/** What responses send, and when. */
export const SERVICE: Scenario[] = [
  {
    name: 'upgrades and HEAD never refresh',
    async run(world) {
      await due(world)
      const flight = world.send(UPGRADE)
      alive(world, await world.take(flight))
      assert.deepEqual(world.leave(flight), [])
      assert.equal(world.row().generation, 1)
      assert.equal((await world.visit(UPGRADE)).state, 'live')
      await world.visit()
      world.pass(LATE / 2)
      const again = world.send(UPGRADE, { access: null, refresh: world.jar.refresh })
      alive(world, await world.take(again))
      assert.deepEqual(world.leave(again), [])
    },
  },
  {
    name: 'a response held for more than five seconds sets no cookies, and the next request gets them again',
    async run(world) {
      await due(world)
      const held = world.send()
      await world.take(held)
      world.pass(6)
      assert.deepEqual(world.leave(held), [])
      alive(world, await world.visit())
      assert.equal(generationOf(world.jar.refresh ?? ''), 2)
    },
  },
  {
    name: 'ASVS 16.5.2 a refresh that cannot be stored is skipped while the access token is valid, and fails closed afterwards',
    async run(world) {
      await world.signIn()
      world.pass(ACCESS - LEAD / 2)
      world.failing.on = true
      alive(world, await world.visit())
      assert.equal(world.row().generation, 1)
      world.pass(LEAD)
      await assert.rejects(world.visit(), { code: 'store_unavailable' })
      world.failing.on = false
      alive(world, await world.visit())
      assert.equal(world.row().generation, 2)
    },
  },
  {
    name: 'a refresh is due a minute before the access token expires',
    async run(world) {
      await world.signIn()
      world.pass(ACCESS - LEAD - 1)
      await world.visit()
      assert.equal(world.row().generation, 1)
      world.pass(1)
      alive(world, await world.visit())
      assert.equal(world.row().generation, 2)
    },
  },
  {
    name: 'CK-13 a hundred concurrent requests at expiry get a hundred responses, one refresh and one chain',
    async run(world) {
      await due(world)
      const flights = Array.from({ length: 100 }, () => world.send())
      for (const resolution of await Promise.all(flights.map(world.take))) alive(world, resolution)
      for (const flight of flights) world.leave(flight)
      assert.equal(world.row().generation, 2)
      assert.equal(world.verdicts.get('rotate'), 1)
      assert.equal(world.sent.get(2)?.size, 1)
    },
  },
]
