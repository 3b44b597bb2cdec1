import assert from 'node:assert/strict'
import { ACCESS, type World } from './world.testing.ts'

/**
 * A named scenario with one browser, its network and the server. Throws if the rules do not hold. The letters refer to
 * the model-checked traces on which simpler rules fail (docs/decisions/002-refresh-rules.md).
 */
export interface Scenario {
  name: string
  run: (world: World) => Promise<void>
}

/** Signed in, the access token expired, and generation 1 sent longer ago than `late`: the next request rotates. */
export async function due(world: World): Promise<void> {
  await world.signIn()
  world.pass(ACCESS + 1)
}

export function alive(world: World, resolution: { state: string }): void {
  assert.equal(resolution.state, 'live', 'an honest client was not served')
  assert.equal(world.row().endedAt, null, `the session was ended: ${world.row().endReason}`)
}

export async function endedAs(world: World, resolution: { state: string }, reason: string): Promise<void> {
  assert.equal(resolution.state, 'anonymous')
  assert.equal(world.row().endReason, reason)
  assert.equal(world.ends().length, 1, 'one end, one event')
}
