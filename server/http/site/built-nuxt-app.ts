import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** A Nuxt application that was built with the module `porchlight/nuxt`. */
export interface BuiltNuxtApp {
  listener: (incoming: IncomingMessage, outgoing: ServerResponse) => unknown
  /** Its WebSockets; null: it has none. */
  upgrade: ((incoming: IncomingMessage, socket: Duplex, head: Buffer) => unknown) | null
  /** Its public files and prerendered pages. */
  publicFolder: URL
  /** Random, of this build: stands for the nonce in pages that it keeps for everybody. */
  sharedNonce: string
  /** The key `porchlight` of nuxt.config. */
  settings: object
  /** What porchlight.config.ts exported when the application was built. */
  configFile: object
  /** Called when the server has closed. */
  close: () => unknown
}
