import type { Server } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureSiteBuilt, HAS_SOURCES } from '../../site-build/build-site.ts'
import type { AppDeps } from './app.ts'
import { randomId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import { DEV_SECRET_VARIABLE } from '../contract/site-context.ts'
import type { SiteListener } from '../http/site/site-handler.ts'

export interface MainSite {
  mount: AppDeps['site']
  clientScript: AppDeps['clientScript']
  /** Called once the ports are open: nothing before needs the pages, and the first page waits for them. */
  opened(servers: readonly Server[]): void
  close(): Promise<void>
}

/** The built site, built first if necessary. */
export async function builtSite(log: Log): Promise<MainSite> {
  const { entry, root, files, client } = await ensureSiteBuilt(line => process.stdout.write(`${line}\n`)).catch(
    (error: unknown) => {
      throw new OperatorError(
        error instanceof Error ? error.message : String(error),
        ['Nothing was changed in the data folder.'],
        error,
      )
    },
  )
  let loading: Promise<SiteListener> | null = null
  const listener = () =>
    (loading ??= importApart<{ listener: SiteListener }>(pathToFileURL(entry).href).then(bundle => bundle.listener))
  return {
    mount: { listener, built: { root, files }, development: null },
    clientScript: async () => client,
    opened() {
      listener().catch((error: unknown) => log.error({ event: 'site_load_failed', error }, 'failed to load the site'))
    },
    close: async () => {},
  }
}

/**
 * Imports our pages' bundle beside an application's. Each of Nitro's bundles makes itself the global `$fetch`, which is
 * the application's to keep; our pages do not use it.
 */
async function importApart<Bundle>(href: string): Promise<Bundle> {
  const found = Object.getOwnPropertyDescriptor(globalThis, '$fetch')
  if (found === undefined) return (await import(href)) as Bundle
  Object.defineProperty(globalThis, '$fetch', { configurable: true, get: () => found.value as unknown, set() {} })
  try {
    return (await import(href)) as Bundle
  } finally {
    Object.defineProperty(globalThis, '$fetch', found)
  }
}

/** The site in development: Nuxt's dev server, only loaded here. */
export async function devSite(log: Log, publicUrl: string): Promise<MainSite> {
  if (!HAS_SOURCES) {
    throw new OperatorError('This package contains the built site, so there are no pages to develop.', [
      'Use porchlight start, or clone the repository to change the pages.',
    ])
  }
  const secret = randomId(32)
  // Workers inherit the environment at the time they start.
  Object.assign(process.env, { NODE_ENV: 'development', [DEV_SECRET_VARIABLE]: secret })
  const { devBridge } = await import('../http/site/dev-bridge.ts')
  const { startDevSite } = await import('../http/site/dev-site.ts')
  const { buildClient } = await import('../../site-build/client-script.ts')
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof startDevSite>>>()
  return {
    mount: { listener: async () => (await promise).listener, built: null, development: devBridge(secret, publicUrl) },
    clientScript: buildClient,
    opened(servers) {
      startDevSite({ web: join(import.meta.dirname, '..', '..', 'web'), publicUrl, servers, log }).then(resolve, reject)
      promise.catch((error: unknown) =>
        log.error({ event: 'dev_site_failed', error }, 'failed to start the dev server for the pages'),
      )
    },
    close: async () => (await promise).close(),
  }
}
