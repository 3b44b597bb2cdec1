import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { createLog } from '../base/log.ts'
import { loadConfig } from '../config/load-config.ts'
import type { Settings } from '../config/settings.ts'
import { startServer } from './start-server.ts'
import { builtSite } from './start-site.ts'

export interface Porchlight {
  /** Scheme, host and port under which people reach it: the setting `publicUrl`. */
  readonly publicUrl: string
  /**
   * Opens the configured port on every configured address. Not needed beside `handle`.
   * @throws OperatorError if the port is taken or not allowed
   */
  listen(): Promise<void>
  /**
   * Handles a request of a `node:http` or `node:https` server of yours, at the root of its address:
   * `createServer(porchlight.handle)`. Also an Express middleware, as the last one.
   */
  handle(incoming: IncomingMessage, outgoing: ServerResponse): void
  /** Handles a WebSocket of a server of yours: `server.on('upgrade', porchlight.upgrade)`. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Finishes what is in progress, for 10 seconds at most, and releases the data folder. May be called repeatedly. */
  close(): Promise<void>
}

export interface PorchlightOptions {
  /** Relative paths in the settings start from here, and a configuration file is looked for. Default: the working directory. */
  folder?: string
  /** Called when the database turns out to be damaged, instead of ending the process. Close and exit then. */
  onDamage?: () => void
}

/** Documented in `exports.ts`, which loads it on demand. */
export async function createPorchlight(
  settings: Settings = {},
  { folder = process.cwd(), onDamage = () => process.exit(1) }: PorchlightOptions = {},
): Promise<Porchlight> {
  const loaded = await loadConfig(process.env, folder, settings)
  const log = createLog(loaded.config.logLevel)
  const server = await startServer({
    loaded,
    log,
    openSite: () => builtSite(log),
    app: null,
    // Sockets that were passed to somebody else's program are not for us.
    inherited: [],
    waitMs: loaded.config.startWaitMs,
    end: onDamage,
  })
  let closing: Promise<void> | null = null
  return {
    publicUrl: loaded.config.publicUrl,
    listen: server.listen,
    handle: server.handle,
    upgrade: server.upgrade,
    close: () => (closing ??= server.close(0)),
  }
}
