import type { IncomingMessage, Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pathToFileURL } from 'node:url'
import type { Log } from '../../base/log.ts'
import type { SiteListener } from './site-handler.ts'

/** The subset of Nuxt's programmatic interface that is used here. */
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
 * Runs Nuxt's dev server in this process: one command, one origin. Its hot-reload socket is on our server, too, so
 * pages connect nowhere else.
 * @param servers all listening servers; the first has the socket, and the others pass theirs to it
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
  // Nuxt is large and only needed by this command; the listener has to be created by Nuxt's own h3.
  const { loadNuxt, build } = (await import('nuxt')) as unknown as NuxtModule
  const h3 = createRequire(createRequire(import.meta.url).resolve('nuxt/package.json')).resolve('h3')
  const { toNodeListener } = (await import(pathToFileURL(h3).href)) as H3Module

  // Separate folders, because a production build, which another process may start at any time, clears the usual ones.
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
  nuxt.hook('restart', () =>
    log.warn({ event: 'dev_site_outdated' }, "the site's configuration has changed; restart `npm run dev`"),
  )
  await nuxt.ready()
  await nuxt.callHook('listen', server, {})
  const { hostname, port } = new URL(publicUrl)
  Object.assign(nuxt.options.devServer, { url: publicUrl, host: hostname, port: Number(port || 80) })
  await build(nuxt)
  return { listener: toNodeListener(nuxt.server.app), close: () => nuxt.close() }
}

/** Vite picks out the upgrades of its own socket and checks their origin and token itself. */
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
