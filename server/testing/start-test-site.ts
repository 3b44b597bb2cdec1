import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../base/log.ts'
import { startServer } from '../bootstrap/start-server.ts'
import { builtSite } from '../bootstrap/start-site.ts'
import { loadConfig } from '../config/load-config.ts'
import type { Settings } from '../config/settings.ts'
import { NAME } from '../contract/name.ts'
import type { TestSite } from './types.ts'

/** Documented in `testing.ts`, which loads it on demand. */
export async function startTestSite(
  settings: Settings,
  folder: string,
  environment: Record<string, string>,
): Promise<TestSite> {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const dataDir = mkdtempSync(join(tmpdir(), `${NAME}-test-`))
  const remove = () => rmSync(dataDir, { recursive: true, force: true })
  try {
    const loaded = await loadConfig(environment, folder, {
      logLevel: 'error',
      ...settings,
      publicUrl: origin,
      host: 'localhost',
      port,
      dataDir,
      keys: join(dataDir, 'keys.json'),
    })
    const log = createLog(loaded.config.logLevel)
    const server = await startServer({
      loaded,
      log,
      openSite: () => builtSite(log),
      app: null,
      inherited: [],
      waitMs: 0,
      end: () => log.error({ event: 'database_damaged' }, 'the database of a test is damaged'),
    })
    let closing: Promise<void> | null = null
    const close = () => (closing ??= server.close(0).finally(remove))
    await server.listen().catch(async (error: unknown) => {
      await close()
      throw error
    })
    return { origin, close }
  } catch (error) {
    remove()
    throw error
  }
}

/**
 * Below the ports that systems give to outgoing connections, one of which could otherwise take it before the server
 * does.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    const free = await new Promise<boolean>(done => {
      const probe = createServer().on('error', () => done(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)))
    })
    if (free) return port
  }
}
