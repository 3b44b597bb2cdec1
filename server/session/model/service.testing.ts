import assert from 'node:assert/strict'
import { alive, due, type Scenario } from './story.testing.ts'
import { ACCESS, generationOf, LATE, LEAD, UPGRADE } from './world.testing.ts'

/** What requests are sent, and when. */
export const SERVICE: Scenario[] = [
  {
    name: 'upgrades and HEAD never renew',
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
    name: 'an answer held longer than five seconds sends no cookies, and the next request is given them again',
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
    name: 'ASVS 16.5.2 a renewal that cannot be written is skipped while the access token is good, and fails closed after',
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
    name: 'renewal begins a minute before the end',
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
    name: 'CK-13 a hundred requests at the instant of expiry: a hundred answers, one renewal, one chain',
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
