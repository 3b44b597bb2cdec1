import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setUp } from '../tests/support/people.ts'
import { startServer, temporaryFolder } from '../tests/support/server.ts'
import { headersOf } from './against.ts'

/**
 * What to put into the data folder of a server that is not running. `browsers`: sessions that somebody holds the
 * cookies of.
 */
export interface SeedOrder {
  dataDir: string
  sessions: number
  browsers: number
}
/** Cookie headers of the browsers. */
export interface SeedResult {
  cookies: string[]
}

/** @returns the folder of a stopped server with that many sessions, and what its browsers send */
export async function seededFolder(
  size: Omit<SeedOrder, 'dataDir'>,
): Promise<SeedResult & { dataDir: string; headers: Record<string, string> }> {
  const dataDir = temporaryFolder()
  const server = await startServer({ dataDir })
  const { browser } = await setUp(server.origin)
  await server.stop()
  const order = JSON.stringify({ dataDir, ...size } satisfies SeedOrder)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'processes/seed.ts'), order],
    { maxBuffer: 256 * 1024 * 1024 },
  )
  return { ...(JSON.parse(stdout) as SeedResult), dataDir, headers: headersOf(browser) }
}
