import assert from 'node:assert/strict'
import { alive, due, endedAs, type Scenario } from './story.testing.ts'
import { ACCESS, generationOf, LATE, PAGE, SETTLE } from './world.testing.ts'

/** What the network, a crash or a restored backup may do to an honest browser. */
export const TRACES: Scenario[] = [
  {
    name: 'W1 the response is lost in a server crash, then three concurrent requests',
    async run(world) {
      await due(world)
      await world.take(world.send())
      world.crash()
      world.pass(2 * SETTLE)
      const [first, second] = [world.send(), world.send()]
      await world.take(first)
      world.leave(first)
      world.deliver(first)
      alive(world, await world.visit())
      alive(world, await world.take(second))
    },
  },
  {
    name: 'W2 a request waits in a queue while another one refreshes',
    async run(world) {
      await due(world)
      const late = world.send()
      alive(world, await world.visit())
      alive(world, await world.visit())
      world.pass(SETTLE + 1)
      alive(world, await world.visit())
      world.pass(LATE - SETTLE - 1)
      alive(world, await world.take(late))
      assert.deepEqual(world.leave(late), [], 'a late request is sent nothing')
    },
  },
  {
    name: 'W3 a slow upstream holds the headers of a refresh',
    async run(world) {
      await due(world)
      const held = world.send()
      await world.take(held)
      world.pass(SETTLE + 1)
      const other = world.send()
      world.leave(held)
      world.deliver(held)
      alive(world, await world.visit())
      alive(world, await world.take(other))
    },
  },
  {
    name: 'W3b headers held over two rotations never restore an older token',
    async run(world) {
      await due(world)
      const held = world.send()
      await world.visit()
      await world.take(held)
      world.pass(ACCESS + 1)
      const other = world.send()
      await world.visit()
      assert.equal(generationOf(world.jar.refresh ?? ''), 3)
      assert.deepEqual(world.leave(held), [])
      world.deliver(held)
      assert.equal(generationOf(world.jar.refresh ?? ''), 3)
      alive(world, await world.take(other))
    },
  },
  {
    name: 'W3b an access token issued just before a rotation is not sent after it',
    async run(world) {
      await due(world)
      await world.visit()
      world.pass(LATE)
      const granted = world.send(PAGE, { access: null, refresh: world.jar.refresh })
      await world.take(granted)
      world.pass(1)
      await world.visit(PAGE, { access: null, refresh: world.jar.refresh })
      assert.equal(world.row().generation, 3)
      assert.deepEqual(world.leave(granted), [])
    },
  },
  {
    name: 'W4 a slow response arrives after another request was sent',
    async run(world) {
      await due(world)
      const slow = world.send()
      await world.take(slow)
      world.leave(slow)
      world.pass(LATE / 2)
      const other = world.send()
      world.deliver(slow)
      alive(world, await world.visit())
      alive(world, await world.take(other))
    },
  },
  {
    name: 'W5 the browser crashes and its cookies revert to those on disk',
    async run(world) {
      await due(world)
      const onDisk = { ...world.jar }
      await world.visit()
      world.pass(SETTLE / 2)
      alive(world, await world.visit())
      Object.assign(world.jar, onDisk)
      world.pass(LATE + SETTLE)
      alive(world, await world.visit())
      alive(world, await world.visit())
    },
  },
  {
    name: 'W5 the same after a lost response: confirmation counts from the last sending, also after memory was swept',
    async run(world) {
      await due(world)
      await world.take(world.send())
      world.pass(LATE + 100)
      const onDisk = { ...world.jar }
      await world.visit()
      // The first tick writes what is in memory, and the second drops what was written.
      await world.tick()
      await world.tick()
      world.pass(SETTLE / 2)
      alive(world, await world.visit())
      Object.assign(world.jar, onDisk)
      world.pass(ACCESS)
      alive(world, await world.visit())
    },
  },
  {
    name: 'W6 the browser stores only the access cookie of a refresh',
    async run(world) {
      await due(world)
      const renewal = world.send()
      await world.take(renewal)
      world.leave(renewal)
      world.deliver(renewal, { access: true, refresh: false })
      world.pass(SETTLE + 1)
      const flight = world.send()
      alive(world, await world.take(flight))
      world.pass(ACCESS)
      alive(world, await world.visit())
    },
  },
  {
    name: 'W6 an access token with an older refresh token gets the refresh token again',
    async run(world) {
      await due(world)
      const renewal = world.send()
      await world.take(renewal)
      world.leave(renewal)
      world.deliver(renewal, { access: true, refresh: false })
      alive(world, await world.visit())
      assert.equal(generationOf(world.jar.refresh ?? ''), 2)
      assert.ok((world.verdicts.get('beside') ?? 0) > 0)
    },
  },
  {
    name: 'W7 a browser that never stores the access cookie rotates at most once per grace period',
    async run(world) {
      await due(world)
      const old = world.send()
      for (let request = 0; request < 3; request++) {
        const flight = world.send(PAGE, { access: null, refresh: world.jar.refresh })
        alive(world, await world.take(flight))
        world.leave(flight)
        world.deliver(flight, { access: false, refresh: true })
      }
      assert.equal(world.row().generation, 2)
      alive(world, await world.take(old))
    },
  },
  {
    name: 'W8 a restored backup never looks like theft',
    async run(world) {
      await due(world)
      const backup = world.row()
      await world.take(world.send())
      world.pass(SETTLE)
      await world.visit()
      assert.equal(generationOf(world.jar.refresh ?? ''), 2)
      world.restore(backup)
      world.pass(ACCESS)
      await endedAs(world, await world.visit(), 'store_rolled_back')
    },
  },
  {
    name: 'W8 an access token newer than the restored store ends the session as rolled back, too',
    async run(world) {
      await due(world)
      const backup = world.row()
      await world.visit()
      world.restore(backup)
      await endedAs(world, await world.visit(), 'store_rolled_back')
    },
  },
  {
    name: 'M1 the grace period counts from the confirmation, not from the rotation',
    async run(world) {
      await due(world)
      await world.take(world.send())
      world.pass(LATE - 60)
      const late = world.send()
      await world.visit()
      world.pass(SETTLE + 1)
      alive(world, await world.visit())
      world.pass(LATE - SETTLE - 2)
      alive(world, await world.take(late))
    },
  },
  {
    name: 'after a restart nothing rotates before the grace period has passed, and confirmation starts again',
    async run(world) {
      await due(world)
      await world.visit()
      world.pass(ACCESS + 1)
      world.crash()
      alive(world, await world.visit())
      assert.equal(world.row().generation, 2)
      world.pass(ACCESS + 1)
      alive(world, await world.visit())
      assert.equal(world.row().generation, 3)
    },
  },
  {
    name: 'a late refresh of a session replaced by re-authentication never reaches the browser',
    async run(world) {
      await due(world)
      const renewal = world.send()
      await world.take(renewal)
      const session = await world.sessions.list(world.userId)
      await world.signIn({ replaces: session[0]?.publicId ?? '' })
      const mine = world.jar.refresh
      assert.deepEqual(world.leave(renewal), [])
      world.deliver(renewal)
      assert.equal(world.jar.refresh, mine)
      alive(world, await world.visit())
    },
  },
  {
    name: 'a clock off by a minute ends no session; set back by an hour, it extends no access token',
    async run(world) {
      await world.signIn()
      world.leap(60)
      alive(world, await world.visit())
      world.leap(-120)
      alive(world, await world.visit())
      world.leap(-3600)
      const flight = world.send()
      alive(world, await world.take(flight))
      assert.ok(world.leave(flight).length > 0, 'it is renewed by the refresh token')
      world.leap(3600)
      alive(world, await world.visit())
    },
  },
]
