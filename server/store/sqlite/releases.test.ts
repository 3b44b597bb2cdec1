import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { createLog } from '../../base/log.ts'
import { OperatorError } from '../../base/operator-error.ts'
import { backupFolder, databaseFile } from './files.ts'
import { readMigrations } from './migrate.ts'
import { MIGRATIONS, openMigrated } from './open.ts'

const RELEASES = join(import.meta.dirname, '../../../tests/support/releases')
/** The last migration that each version has. */
const LAST_MIGRATIONS: Record<string, string> = { '0.1.0': '0006_bounds' }

test.each(readdirSync(RELEASES))(
  'the database of %s, once upgraded, is refused by that version, which names the copy to go back to',
  release => {
    const dataDir = mkdtempSync(join(tmpdir(), 'porchlight-release-'))
    writeFileSync(databaseFile(dataDir), readFileSync(join(RELEASES, release, 'porchlight.db')), { mode: 0o600 })
    const deps = { dataDir, mayCreate: false, clock: systemClock, log: createLog('silent') }
    const all = readMigrations(MIGRATIONS)
    const last = all.findIndex(({ tag }) => tag === LAST_MIGRATIONS[release])
    expect(last).toBeGreaterThan(0)
    expect(last, 'there is a newer migration, or this says nothing').toBeLessThan(all.length - 1)
    openMigrated(deps).close()
    const [copy = ''] = readdirSync(backupFolder(dataDir))
    expect(copy).toContain(`before-${all[last + 1]?.tag}`)
    try {
      openMigrated(deps, all.slice(0, last + 1))
      expect.unreachable()
    } catch (error) {
      const said = error instanceof OperatorError ? error.lines.join('\n') : String(error)
      expect(said).toMatch(/was written by a newer version[^]*porchlight restore /)
      expect(said).toContain(copy)
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
)
