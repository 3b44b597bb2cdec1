import assert from 'node:assert/strict'
import { alive, due, endedAs, type Scenario } from './story.testing.ts'
import { ACCESS, LATE, LEAD, PAGE, SETTLE, UPGRADE } from './world.testing.ts'

/** Stolen or forged tokens. */
export const THEFT: Scenario[] = [
  {
    name: 'until the newest generation is confirmed, a token that was rotated out is served without cookies',
    async run(world) {
      await due(world)
      const spent = { access: null, refresh: world.jar.refresh }
      await world.visit()
      await world.visit()
      const flight = world.send(PAGE, spent)
      alive(world, await world.take(flight))
      assert.deepEqual(world.leave(flight), [])
      assert.equal(flight.resolution?.state === 'live' ? flight.resolution.session.accessEndsAt : undefined, null)
    },
  },
  {
    name: 'OA-14 ASVS 10.4.5 a token that was rotated out ends the session after the grace period, once, for owner and thief',
    async run(world) {
      await due(world)
      const spent = { access: null, refresh: world.jar.refresh }
      await world.visit()
      world.pass(SETTLE + 1)
      await world.visit()
      world.pass(LATE + 1)
      await endedAs(world, await world.visit(PAGE, spent), 'refresh_reuse')
      await endedAs(world, await world.visit(), 'refresh_reuse')
    },
  },
  {
    name: 'a token two generations back ends the session at once',
    async run(world) {
      await due(world)
      const spent = { access: null, refresh: world.jar.refresh }
      await world.visit()
      world.pass(ACCESS + 1)
      await world.visit()
      await endedAs(world, await world.visit(PAGE, spent), 'refresh_reuse')
    },
  },
  {
    name: 'an upgrade with a token that was rotated out ends the session, too',
    async run(world) {
      await due(world)
      const spent = { access: null, refresh: world.jar.refresh }
      await world.visit()
      world.pass(ACCESS + 1)
      await world.visit()
      await endedAs(world, await world.visit(UPGRADE, spent), 'refresh_reuse')
    },
  },
  {
    name: 'ASVS 7.4.1 an ended session is refused at once, including its sealed access token, and pending responses set no cookies',
    async run(world) {
      await due(world)
      const renewal = world.send()
      await world.take(renewal)
      const [session] = await world.sessions.list(world.userId)
      assert.equal(
        await world.sessions.end(session?.publicId ?? '', {
          reason: 'signed_out',
          userId: world.userId,
          byUserId: null,
        }),
        true,
      )
      assert.deepEqual(world.leave(renewal), [])
      await endedAs(world, await world.visit(), 'signed_out')
    },
  },
  {
    name: 'an access token of another session is ignored next to a refresh token',
    async run(world) {
      await world.signIn()
      const other = world.jar.access
      await world.signIn()
      world.pass(ACCESS - LEAD - 1)
      const flight = world.send(PAGE, { access: other, refresh: world.jar.refresh })
      alive(world, await world.take(flight))
      world.leave(flight)
      assert.ok((flight.cookies ?? []).length > 0, 'without a valid access token of its own it is due')
    },
  },
  {
    name: 'an access token alone is valid until it expires, and not afterwards',
    async run(world) {
      await world.signIn()
      const alone = { access: world.jar.access, refresh: null }
      world.pass(ACCESS - 1)
      alive(world, await world.visit(PAGE, alone))
      world.pass(2)
      assert.deepEqual(await world.visit(PAGE, alone), { state: 'anonymous', ended: null, duplicated: false })
      assert.equal(world.row().endedAt, null)
    },
  },
  {
    name: 'a refresh token with a wrong tag is anonymous, without side effects',
    async run(world) {
      await due(world)
      await world.visit()
      world.pass(ACCESS + 1)
      const [sid = '', , tag = ''] = (world.jar.refresh ?? '').split('.')
      for (const forged of [
        `${sid}.1.${'A'.repeat(43)}`,
        `${sid}.3.${tag}`,
        `${sid}.02.${tag}`,
        `${sid}.2.${tag.slice(0, -1)}`,
      ]) {
        assert.equal((await world.visit(PAGE, { access: null, refresh: forged })).state, 'anonymous')
      }
      assert.equal(world.row().endedAt, null)
      alive(world, await world.visit())
    },
  },
]
