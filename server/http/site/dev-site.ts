import type { IncomingMessage, Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pathToFileURL } from 'node:url'
import type { Log } from '../../base/log.ts'
import type { SiteListener } from './site-handler.ts'

/** The parts of Nuxt's programmatic side that are used here. */
interface Nuxt {
  ready(): Promise<void>
  hook(name: string, listener: (argument: never) => unknown): void
  callHook(name: string, ...args: unknown[]): Promise<void>
  close(): Promise<void>
  options: { devServer: { url: string; host: string; port: number } }
  server: { app: unknown }
}
interface NuxtModule {
  loadNuxt(options: object): Promise<Nuxt>
  build(nuxt: Nuxt): Promise<void>
}
interface H3Module {
  toNodeListener(app: unknown): SiteListener
}

export interface DevSite {
  listener: SiteListener
  close(): Promise<void>
}

/**
 * Runs Nuxt's dev server inside this process, behind our own: one command, one origin. Its hot-reload socket lives on
 * our server too, so a page talks to nobody else.
 * @param servers all that listen; the first carries the socket, the others hand theirs to it
 */
export async function startDevSite({
  web,
  publicUrl,
  servers,
  log,
}: {
  web: string
  publicUrl: string
  servers: readonly Server[]
  log: Log
}): Promise<DevSite> {
  // Nuxt is large and only this command needs it; its own h3 makes the listener.
  const { loadNuxt, build } = (await import('nuxt')) as unknown as NuxtModule
  const h3 = createRequire(createRequire(import.meta.url).resolve('nuxt/package.json')).resolve('h3')
  const { toNodeListener } = (await import(pathToFileURL(h3).href)) as H3Module

  // Folders of its own: a build of the site, which another process may start at any time, empties the usual ones.
  const buildDir = join(web, '..', '.cache', 'dev-site')
  const dir = join(buildDir, 'server')
  const nuxt = await loadNuxt({
    cwd: web,
    dev: true,
    ready: false,
    overrides: {
      buildDir,
      nitro: { output: { dir, serverDir: dir, publicDir: dir } },
      logLevel: 'info',
      vite: { clearScreen: false },
    },
  })
  const server = takeUpgrades(servers)
  nuxt.hook('vite:extend', ({ config }: { config: { server?: object } }) => {
    config.server = { ...config.server, hmr: { server } }
  })
  nuxt.hook('restart', () => log.warn({}, "the site's configuration changed: start `npm run dev` again"))
  await nuxt.ready()
  await nuxt.callHook('listen', server, {})
  const { hostname, port } = new URL(publicUrl)
  Object.assign(nuxt.options.devServer, { url: publicUrl, host: hostname, port: Number(port || 80) })
  await build(nuxt)
  return { listener: toNodeListener(nuxt.server.app), close: () => nuxt.close() }
}

/**
 * Vite takes the upgrades of its own hot-reload socket and checks their origin and token itself; the others are not
 * its.
 */
function takeUpgrades(servers: readonly Server[]): Server {
  const [first, ...others] = servers
  if (first === undefined) throw new Error('the dev server needs a server that listens')
  for (const other of others) {
    other.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      first.emit('upgrade', incoming, socket, head),
    )
  }
  return first
}
