import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HOUR } from '../base/clock.ts'
import { handClock, installation, type Services, signedIn } from '../../tests/support/installation.ts'
import { examine } from './doctor.ts'
import { databaseFile } from '../store/sqlite/files.ts'

const { hand, clock } = handClock()

let home: ReturnType<typeof installation>
let services: Services
beforeEach(async () => {
  home = installation(clock)
  services = await home.start()
})
afterEach(async () => {
  await services.close()
  home.remove()
})

describe('the doctor', () => {
  const reached = async () => ({ status: 200, headers: new Headers({ 'cache-control': 'no-store' }) })
  const found = async (fetchPublic = reached) =>
    (
      await examine({
        version: '0',
        config: services.config,
        clock,
        serverRuns: true,
        outbox: [],
        front: { begin: async () => null, seen: async () => null },
        fetchPublic,
      })
    )
      .filter(one => one.state !== 'ok')
      .map(one => one.what)

  test('finds nothing wrong with a fresh installation but plain http', async () => {
    await signedIn(services)
    expect(await found()).toEqual([expect.stringMatching(/plain http on this machine/)])
  })

  test('sees rights that are too wide, a missing key file, a clock behind, and an address that nobody answers', async () => {
    await signedIn(services)
    chmodSync(databaseFile(home.dataDir), 0o644)
    chmodSync(join(home.dataDir, 'keys.json'), 0o644)
    chmodSync(home.dataDir, 0o775)
    hand.wall -= HOUR
    const said = (
      await found(() =>
        Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
      )
    ).join('\n')
    hand.wall += HOUR
    for (const what of [
      /Other users can read \S+porchlight\.db/,
      /Other users can read \S+keys\.json/,
      /Its group can write to \S+porchlight-rooms/,
      /clock is behind/,
      /cannot be reached .*ECONNREFUSED/,
    ])
      expect(said).toMatch(what)
    chmodSync(home.dataDir, 0o700)
  })
})
