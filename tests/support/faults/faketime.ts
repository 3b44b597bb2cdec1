import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Server, startServer, temporaryFolder } from '../server.ts'
import { faketimeLibrary } from './machine.ts'

/**
 * A server whose wall clock can be set while it runs. Its monotonic clock stays true, as on a machine whose time is
 * set.
 */
export interface ClockedServer {
  server: Server
  /** By how many seconds its wall clock is wrong from now on. */
  setClock(seconds: number): void
}

export async function startWithClock(settings: Record<string, string> = {}, port?: number): Promise<ClockedServer> {
  const file = join(temporaryFolder(), 'clock')
  const setClock = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  setClock(0)
  const server = await startServer({
    settings,
    ...(port === undefined ? {} : { port }),
    environment: {
      LD_PRELOAD: faketimeLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
  })
  return { server, setClock }
}
