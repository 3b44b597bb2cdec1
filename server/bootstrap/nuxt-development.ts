import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { randomId } from '../base/ids.ts'
import { createLog } from '../base/log.ts'
import { loadConfig } from '../config/load-config.ts'
import { DEV_SECRET_VARIABLE } from '../contract/site-context.ts'
import { TOOL_POLICY } from '../http/response/security-headers.ts'
import { devBridge } from '../http/site/dev-bridge.ts'
import { greet } from './greeting.ts'
import { startServer } from './start-server.ts'
import { builtSite } from './start-site.ts'

export interface NuxtDevelopment {
  handle(incoming: IncomingMessage, outgoing: ServerResponse): void
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): Promise<void>
}

interface Options {
  /** Where the configuration file is looked for. */
  folder: string
  /** The key `porchlight` of nuxt.config. */
  settings: object
  /** Where Nuxt's dev server listens. */
  port: number
  publicUrl: string
  /** Nuxt's dev server. */
  listener: (incoming: IncomingMessage, outgoing: ServerResponse) => unknown
  /** Its sockets: of Vite, and of the application. */
  upgrade: (incoming: IncomingMessage, socket: Duplex, head: Buffer) => unknown
}

/**
 * Opens the server in front of Nuxt's dev server, which keeps its port: requests and upgrades are passed in.
 * @throws OperatorError if it cannot start
 */
export async function openNuxtDevelopment(options: Options): Promise<NuxtDevelopment> {
  const { folder, port, listener, upgrade } = options
  // Nuxt says by itself what it serves.
  const usual = { demo: false, logLevel: 'warn', port, publicUrl: options.publicUrl }
  // Left there by ourselves, before a change of nuxt.config made Nuxt load again.
  const { [DEV_SECRET_VARIABLE]: _, ...environment } = process.env
  const loaded = await loadConfig(environment, folder, { ...usual, ...options.settings })
  const log = createLog(loaded.config.logLevel)
  const secret = randomId(32)
  // Workers inherit the environment at the time they start.
  process.env[DEV_SECRET_VARIABLE] = secret
  const server = await startServer({
    loaded,
    log,
    openSite: () => builtSite(log),
    app: {
      listener: async () => listener,
      upgrade,
      publicFolder: null,
      sharedNonce: null,
      development: devBridge(secret, loaded.config.publicUrl, TOOL_POLICY),
    },
    inherited: [],
    waitMs: loaded.config.startWaitMs,
    end: () => process.exit(1),
  })
  await greet(server.services)
  return { handle: server.handle, upgrade: server.upgrade, close: () => server.close(0) }
}
