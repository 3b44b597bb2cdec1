import { DAY } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { openSigning, type Signing } from './signing.ts'
import type { SigningKey } from './signing-key.ts'
import type { SigningSettings } from './signing-schedule.ts'

/** Keys in memory that outlive the Signing created with them, as a key file outlives a process. */
export function memoryKeys(): Parameters<typeof openSigning>[0]['keys'] {
  let stored: readonly SigningKey[] = []
  return {
    writable: true,
    all: () => stored,
    save(keys) {
      stored = keys
    },
  }
}

export const SIGNING: SigningSettings = {
  upstreamTokenAlg: 'ES256',
  upstreamTokenMs: 300_000,
  jwksMaxAgeMs: 600_000,
  signingRotationMs: 90 * DAY,
}

/** For tests: a Signing, at its first start unless keys are passed. */
export function testSigning(now: number, settings = SIGNING, keys = memoryKeys()): Signing {
  return openSigning({ keys, settings, log: createLog('silent'), now })
}
