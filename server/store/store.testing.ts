import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import { openStore, type Store } from './store.ts'

/** For tests: a new store in a folder of its own, gone again with `remove()`. */
export function testStore(
  clock: Clock = systemClock,
  log: Log = createLog('silent'),
): { store: Store; dataDir: string; remove(): void } {
  const dataDir = mkdtempSync(join(tmpdir(), 'porchlight-store-'))
  const store = openStore({ dataDir, mayCreate: true, clock, log })
  return {
    store,
    dataDir,
    remove() {
      store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
